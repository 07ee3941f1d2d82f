// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Evidence } from '../../verification/index.ts';

/** What was read of an image, and whether it satisfied a policy by it. */
export interface EvidenceNote {
  /**
   * What was read, for which policy and with whose credentials: equal only where all of that is. Any
   * text; only its hash is kept.
   */
  readonly key: string;
  readonly evidence: Evidence;
  /** When reading it began: milliseconds since the epoch, by the wall clock. */
  readonly collectedAt: number;
  /** False for evidence that was read as a whole and by which the image did not satisfy the policy. */
  readonly verified: boolean;
  /** Names of the requirements that the image satisfied by it; absent where nobody will ask. */
  readonly satisfied?: readonly string[];
}

/** Evidence by which an image last satisfied a policy. It proves nothing by itself: it is evaluated anew. */
export interface KeptEvidence {
  readonly evidence: Evidence;
  /** When reading it began: milliseconds since the epoch, by the wall clock. */
  readonly collectedAt: number;
  /** Whether other evidence was read as a whole later on by which the image did not satisfy the policy. */
  readonly superseded: boolean;
  /** Names of the requirements that the image satisfied by it then; absent where that was not told. */
  readonly satisfied?: readonly string[];
}

/** Keeps the evidence by which images last satisfied policies. */
export interface VerifiedEvidence {
  /** Notes what was read. Returns at once and never throws; what cannot be kept is not kept. */
  note(note: EvidenceNote): void;
  /** What is kept under a key, and is as it was written. Never rejects. */
  find(key: string): Promise<KeptEvidence | undefined>;
}

/** What happened to what was to be kept or found. */
export type KeepingOutcome = 'kept' | 'superseded' | 'dropped' | 'failed' | 'damaged' | 'found';

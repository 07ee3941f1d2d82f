// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

export type {
  EvidenceNote,
  KeepingOutcome,
  KeptEvidence,
  VerifiedEvidence,
} from './kept-evidence.ts';
export { openVerifiedEvidence } from './open.ts';
export { VerifiedEvidenceStore } from './store.ts';

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { CompiledAuthority } from '../authority/index.ts';
import type { AttestationFact, SignatureFact } from '../cosign/index.ts';
import type { ImageReference } from '../image/index.ts';
import type { AttestationRequirement } from '../policy/index.ts';
import type { Evidence, RawSignature } from '../ports.ts';
import type { Remembered } from './remember.ts';

/** What one attestation is asked. */
export interface AttestationQuestion {
  readonly signature: RawSignature;
  readonly evidence: Evidence;
  readonly authority: CompiledAuthority;
  readonly requirement: AttestationRequirement;
  readonly image: ImageReference;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** What is asked of one piece of evidence. */
export type FactQuestion =
  | {
      readonly kind: 'signature';
      readonly signature: RawSignature;
      readonly evidence: Evidence;
      readonly authority: CompiledAuthority;
    }
  | ({ readonly kind: 'attestation' } & AttestationQuestion);

/** Establishes what one piece of evidence is worth. `undefined`: it takes long, and was not done yet. */
export interface Facts {
  /**
   * Results that hold for a requirement and evidence whatever else is asked: place has no part in them,
   * and of time it is known. Absent where nothing is to be remembered.
   */
  readonly verified?: Remembered;
  signature(
    signature: RawSignature,
    evidence: Evidence,
    authority: CompiledAuthority,
  ): SignatureFact | undefined;
  attestation(question: AttestationQuestion): AttestationFact | undefined;
}

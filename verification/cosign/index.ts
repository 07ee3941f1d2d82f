// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

export {
  canBeSignature,
  checkAttestation,
  checkSignature,
  type VerifiedAttestation,
} from './check.ts';
export type { AttestationFact, CheckList, SignatureFact, VerifiedSigner } from './fact.ts';
export { freshUntil, signerWindow, untimelySigner, type Untimely } from './signer-time.ts';

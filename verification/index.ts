// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

export { limits, type Limits } from './limits.ts';
export { toVerificationError, VerificationError } from './error.ts';
export {
  INCONCLUSIVE_REASONS,
  isInconclusive,
  reasonHelp,
  REJECTED_REASONS,
  type InconclusiveReason,
  type ReasonCode,
  type RejectedReason,
} from './reasons.ts';
export type * from './result.ts';
export type * from './ports.ts';
export * from './image/index.ts';
export * from './policy/index.ts';
export * from './exception/index.ts';
export * from './approval/index.ts';
export * from './evaluate/index.ts';
export type { AttestationFact, SignatureFact } from './cosign/index.ts';
export { canonicalJson } from './encoding/index.ts';
export { preAuthEncoding } from './attestation/pae.ts';
export { parseCertificate, parseTrustedRoot } from './trust/index.ts';

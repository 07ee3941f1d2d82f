// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

export { certificateAuthoritiesOf, timestampAuthoritiesOf } from './authorities-pem.ts';
export { parseCertificate } from './certificate.ts';
export { EXTENSION } from './certificate-extensions.ts';
export {
  verifyChain,
  type CertificateUse,
  type ChainOptions,
  type VerifiedChain,
} from './chain.ts';
export { isSelfSigned } from './issued-by.ts';
export { noteKeyIdOf } from './log-key.ts';
export type {
  Certificate,
  CertificateAuthority,
  SubjectAltName,
  TransparencyLog,
  TrustMaterial,
  Validity,
} from './material.ts';
export { parseCertificatesPem } from './pem.ts';
export { parsePublicKeys, trustedKeyOf, verifySignature, type TrustedKey } from './public-key.ts';
export { verifyScts, type VerifiedScts } from './sct.ts';
export {
  verifyTimestamps,
  type TimestampOptions,
  type TrustedTimestamp,
  type VerifiedTimestamps,
} from './timestamp.ts';
export { parseTrustedRoot } from './trusted-root.ts';

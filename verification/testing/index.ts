// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

export { keyAuthority } from './authority.ts';
export {
  TestCertificateAuthority,
  type CertificateAuthorityOptions,
  type TrustedRootAuthority,
} from './certificate-authority.ts';
export type { TestExtension, TestKeyUsage, TestSan } from './certificate-extension.ts';
export {
  CA_VALIDITY,
  CODE_SIGNING,
  generateCertificateKey,
  issueCertificate,
  LEAF_VALIDITY,
  TIME_STAMPING,
  type CertificateKeyKind,
  type CertificateSpec,
  type TestCertificate,
  type TestKeyPair,
} from './certificate.ts';
export { CONDITION_EXAMPLES, SCANNED_THIS_WEEK, type ConditionExample } from './conditions.ts';
export { assertSoon, cpuMilliseconds } from './cpu-time.ts';
export {
  sctList,
  TestCtLog,
  type CtLogKeyKind,
  type CtLogOptions,
  type SctOptions,
  type TrustedRootCtLog,
} from './ct-log.ts';
export { der, tlv } from './der.ts';
export {
  bundleEvidence,
  editJson,
  evidenceOf,
  layerEvidence,
  simpleSigningEvidence,
  testManifest,
  type TestLayer,
} from './evidence.ts';
export {
  KeyIssuer,
  type BundleOptions,
  type KeyKind,
  type SimpleSigningOptions,
} from './issuer.ts';
export type { LogKind } from './log-body.ts';
export {
  keylessAuthority,
  testException,
  testPolicy,
  testSubject,
  type AuthorityInput,
} from './policy.ts';
export { signEnvelope, signMessage, type TestSigned } from './signed-entity.ts';
export {
  TestSigstore,
  WORKFLOW,
  type LogUse,
  type RootParts,
  type SigningOptions,
  type StampUse,
  type TestContent,
  type TestIdentity,
} from './sigstore.ts';
export type { BundleShape } from './sigstore-format.ts';
export { TestTimestampAuthority, type TimestampAuthorityOptions } from './timestamp-authority.ts';
export {
  pssDer,
  stampAttribute,
  stampHashDer,
  type StampEdit,
  type StampHash,
  type StampOptions,
} from './timestamp-response.ts';
export {
  bundleAnnotation,
  bundleMember,
  TestLog,
  type EnterOptions,
  type TestLogOptions,
} from './transparency-log.ts';
export {
  TestTufRepository,
  TufSigner,
  type Publication,
  type TestTufRole,
  type TufEdit,
  type TufJson,
} from './tuf-repository.ts';

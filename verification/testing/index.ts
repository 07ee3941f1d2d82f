// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

export {
  bundleEvidence,
  editJson,
  evidenceOf,
  simpleSigningEvidence,
  testManifest,
} from './evidence.ts';
export {
  KeyIssuer,
  type BundleOptions,
  type KeyKind,
  type SimpleSigningOptions,
} from './issuer.ts';
export { testException, testPolicy, testSubject } from './policy.ts';
export {
  canonical,
  TestTufRepository,
  TufSigner,
  type Publication,
  type TestTufRole,
  type TufEdit,
  type TufJson,
} from './tuf-repository.ts';

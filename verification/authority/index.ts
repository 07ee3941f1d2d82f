// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

export type {
  CompiledAuthority,
  KeyAuthority,
  KeylessAuthority,
  PkiAuthority,
  Thresholds,
} from './authority.ts';
export {
  compileIdentity,
  matchIdentity,
  type CertificateIdentity,
  type IdentityMatcher,
} from './identity.ts';

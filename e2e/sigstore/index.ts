// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

export { attachBundle, type AttachOptions } from './attach.ts';
export {
  subjectOf,
  type EmailIdentity,
  type GitHubIdentity,
  type GitLabIdentity,
  type Identity,
  type IssuerKind,
  type TokenClaims,
} from './identity.ts';
export { attachLayers, readLayers, type LayerTag, type SignatureLayer } from './layers.ts';
export {
  attest,
  attestBlob,
  attestWithKey,
  cosignVerify,
  cosignVerifyAttestation,
  expecting,
  sign,
  signKeyless,
  type AttestationOptions,
  type KeylessSigner,
  type KeySigner,
  type PublishOptions,
  type RegistryAccess,
  type SignatureOptions,
  type Signer,
  type Verdict,
} from './sign.ts';
export { endSharedSigstore, sharedSigstore } from './shared.ts';
export { startSigstore, type LocalSigstore } from './sigstore.ts';
export type { SigningServices, TextFile, Trusted, TrustVariation } from './trust.ts';

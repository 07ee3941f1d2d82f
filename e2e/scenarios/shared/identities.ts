// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import {
  subjectOf,
  type EmailIdentity,
  type GitHubIdentity,
  type GitLabIdentity,
  type Identity,
  type LocalSigstore,
} from '../../sigstore/index.ts';
import type { Spec } from './stage.ts';

/** A person. */
export const ALICE: EmailIdentity = { issuer: 'email', email: 'alice@example.com' };

/** The workflow that releases. */
export const RELEASE: GitHubIdentity = {
  issuer: 'github',
  repository: 'acme/app',
  workflow: '.github/workflows/release.yml',
  ref: 'refs/heads/main',
};

/** A pipeline for a tag. */
export const PIPELINE: GitLabIdentity = {
  issuer: 'gitlab',
  project: 'acme/tools/app',
  ref: 'v1.2.3',
  refType: 'tag',
};

/** Issuer and subject of an identity, exactly, as a policy names them. */
export function exactly(sigstore: LocalSigstore, identity: Identity): Spec {
  return { issuer: sigstore.issuerUrl(identity.issuer), subject: subjectOf(identity) };
}

/** An authority for this identity, and what is to be otherwise than by default. */
export function keyless(sigstore: LocalSigstore, identity: Identity, more: Spec = {}): Spec {
  const trustRoot = { material: { inline: sigstore.trustedRoot } };
  return { keyless: { ...exactly(sigstore, identity), trustRoot, ...more } };
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type {
  ImageTrustPolicySpecInput,
  SigningException,
  SigningExceptionSpec,
} from '../../crds/index.ts';
import type { Subject } from '../evaluate/index.ts';
import { parseImageReference, type Digest } from '../image/index.ts';
import type { KeyIssuer } from './issuer.ts';
import { WORKFLOW } from './sigstore.ts';

/** A policy over every image that wants one signature by any of the issuers; authorities are `key-0`, `key-1` … */
export function testPolicy(
  issuers: readonly Pick<KeyIssuer, 'publicKeyPem'>[],
  overrides: Partial<ImageTrustPolicySpecInput> = {},
): ImageTrustPolicySpecInput {
  const authorities = issuers.map((issuer, i) => ({
    name: `key-${i.toString()}`,
    key: { material: { inline: issuer.publicKeyPem } },
  }));
  return {
    mode: 'Enforce',
    match: { images: ['**'] },
    authorities,
    requirements: [{ name: 'signed', signature: { anyOf: authorities.map((a) => a.name) } }],
    ...overrides,
  };
}

/** An authority as a policy writes it. */
export type AuthorityInput = NonNullable<ImageTrustPolicySpecInput['authorities']>[number];
type KeylessInput = NonNullable<AuthorityInput['keyless']>;

/** An authority `name` of the workflow that certificates are made for, by the root of an instance. */
export function keylessAuthority(
  root: string,
  options: Partial<Omit<KeylessInput, 'trustRoot'>> & {
    readonly name?: string;
    readonly thresholds?: NonNullable<KeylessInput['trustRoot']['thresholds']>;
  } = {},
): AuthorityInput {
  const { name = 'release', thresholds, ...identity } = options;
  const trustRoot = {
    material: { inline: root },
    ...(thresholds === undefined ? {} : { thresholds }),
  };
  const subject = identity.subjectPattern === undefined ? { subject: WORKFLOW.subject } : {};
  const issuer = identity.issuerPattern === undefined ? { issuer: WORKFLOW.issuer } : {};
  return { name, keyless: { ...subject, ...issuer, ...identity, trustRoot } };
}

/** An exception from the policy `team` in the namespace `checkout`, for the requirement `signed`. */
export function testException(
  digests: readonly string[],
  spec: Partial<SigningExceptionSpec> = {},
  name = 'hotfix',
): SigningException {
  return {
    metadata: { name, namespace: 'checkout' },
    spec: {
      policyRef: { name: 'team' },
      ...(spec.allRequirements === true ? {} : { requirements: ['signed'] }),
      digests: [...digests],
      serviceAccounts: ['web'],
      notBefore: '2026-11-20T00:00:00Z',
      expiresAt: '2026-11-27T00:00:00Z',
      reason: 'the signing service of the vendor is down',
      owner: 'team-checkout@example.com',
      requestedBy: 'dev@example.com',
      class: 'Planned',
      ...spec,
    },
  };
}

/** The image `registry.example/app` at a digest, used by the service account `web` in `checkout`. */
export function testSubject(
  digest: Digest,
  overrides: Partial<Omit<Subject, 'digest'>> = {},
): Subject {
  const image = parseImageReference(`registry.example/app:1.2@${digest}`);
  return { image, digest, namespace: 'checkout', serviceAccount: 'web', ...overrides };
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { KubernetesObject } from '../../harness/index.ts';

/** The namespace of operator and webhook. */
export const SYSTEM: string = 'countersign-system';
/** User name of the operator. */
export const OPERATOR: string = `system:serviceaccount:${SYSTEM}:countersign-operator`;
/** User name of the webhook. */
export const WEBHOOK: string = `system:serviceaccount:${SYSTEM}:countersign-webhook`;
/** A GitOps account. */
export const FLUX: string = 'system:serviceaccount:flux-system:kustomize-controller';
/** Who requests the exceptions. */
export const DEV: string = 'dev@example.com';
/** Another one with the right to request exceptions. */
export const OTHER: string = 'other@example.com';

const FIRST = `sha256:${'a'.repeat(64)}`;
const SECOND = `sha256:${'b'.repeat(64)}`;
const THIRD = `sha256:${'c'.repeat(64)}`;

/** Edits that let more run than before. */
export const WIDENINGS: Readonly<Record<string, object>> = {
  'end it later': { expiresAt: '2026-11-27T00:00:01Z' },
  'end it later by its zone': { expiresAt: '2026-11-27T00:00:00-01:00' },
  'begin it earlier': { notBefore: '2026-11-19T23:59:59Z' },
  'add a digest': { digests: [FIRST, SECOND, THIRD] },
  'replace a digest': { digests: [FIRST, THIRD] },
  'add a service account': { serviceAccounts: ['checkout', 'cart', 'other'] },
  'add a requirement': { requirements: ['signed', 'sbom', 'scanned'] },
  'waive all requirements': { requirements: null, allRequirements: true },
  'name another policy': { policyRef: { name: 'other-images' } },
};

/** Edits that let less run than before, or change nothing about it. */
export const NARROWINGS: Readonly<Record<string, object>> = {
  'end it earlier': { expiresAt: '2026-11-26T00:00:00Z' },
  'write the same end in another zone': { expiresAt: '2026-11-27T01:00:00+01:00' },
  'begin it later': { notBefore: '2026-11-21T00:00:00Z' },
  'remove a digest': { digests: [SECOND] },
  'remove a service account': { serviceAccounts: ['cart'] },
  'remove a requirement': { requirements: ['sbom'] },
  'revoke it': { revoked: { at: '2026-11-21T00:00:00Z', by: OTHER, reason: 'Fixed.' } },
  'write down more': { risk: 'The image was not scanned.' },
};

/** What service accounts may do: user, verb, resource (and name), namespace, answer */
export const RIGHTS: readonly (readonly [string, string, string, string, 'yes' | 'no'])[] = [
  [OPERATOR, 'list', 'secrets', SYSTEM, 'no'],
  [OPERATOR, 'watch', 'secrets', SYSTEM, 'no'],
  [OPERATOR, 'list', 'secrets', 'default', 'no'],
  [OPERATOR, 'get', 'secrets', SYSTEM, 'yes'],
  [OPERATOR, 'get', 'secrets', 'default', 'no'],
  [OPERATOR, 'patch', 'secrets/countersign-webhook-ca', SYSTEM, 'yes'],
  [OPERATOR, 'patch', 'secrets/other', SYSTEM, 'no'],
  [OPERATOR, 'update', 'imagetrustpolicies', SYSTEM, 'no'],
  [OPERATOR, 'patch', 'signingexceptions', 'default', 'no'],
  [OPERATOR, 'patch', 'imagetrustpolicies --subresource=status', SYSTEM, 'yes'],
  [OPERATOR, 'patch', 'signingexceptions --subresource=status', 'default', 'yes'],
  [OPERATOR, 'create', 'policyreports', 'default', 'yes'],
  [OPERATOR, 'create', 'configmaps', SYSTEM, 'yes'],
  [OPERATOR, 'create', 'configmaps', 'default', 'no'],
  [OPERATOR, 'patch', 'validatingwebhookconfigurations/countersign', SYSTEM, 'yes'],
  [OPERATOR, 'patch', 'validatingwebhookconfigurations/other', SYSTEM, 'no'],
  [OPERATOR, 'create', 'validatingwebhookconfigurations', SYSTEM, 'no'],
  [OPERATOR, 'update', 'leases/countersign-operator', SYSTEM, 'yes'],
  [OPERATOR, 'update', 'leases/countersign-webhook-0', SYSTEM, 'no'],
  [OPERATOR, 'delete', 'leases/countersign-operator', SYSTEM, 'no'],
  [OPERATOR, 'create', 'leases', 'default', 'no'],
  [OPERATOR, 'delete', 'pods', 'default', 'no'],
  [OPERATOR, 'create', 'pods --subresource=eviction', 'default', 'no'],
  [OPERATOR, 'patch', 'deployments.apps', 'default', 'no'],
  [WEBHOOK, 'list', 'secrets', SYSTEM, 'no'],
  [WEBHOOK, 'watch', 'secrets', SYSTEM, 'no'],
  [WEBHOOK, 'get', 'secrets/countersign-webhook-ca', SYSTEM, 'yes'],
  [WEBHOOK, 'get', 'secrets/other', SYSTEM, 'no'],
  [WEBHOOK, 'list', 'signingexceptions', 'default', 'yes'],
  [WEBHOOK, 'patch', 'signingexceptions', 'default', 'no'],
  [WEBHOOK, 'list', 'imagetrustpolicies', SYSTEM, 'no'],
  [WEBHOOK, 'watch', 'configmaps', SYSTEM, 'yes'],
  [WEBHOOK, 'create', 'configmaps', SYSTEM, 'no'],
  [WEBHOOK, 'list', 'configmaps', 'default', 'no'],
  [WEBHOOK, 'create', 'leases', SYSTEM, 'yes'],
  [WEBHOOK, 'create', 'leases', 'default', 'no'],
  [WEBHOOK, 'patch', 'validatingwebhookconfigurations/countersign', SYSTEM, 'no'],
];

/** A valid exception. */
export function exception(name: string, requestedBy: string): KubernetesObject & { spec: object } {
  return {
    apiVersion: 'countersign.dev/v1alpha1',
    kind: 'SigningException',
    metadata: { name, namespace: 'default' },
    spec: {
      policyRef: { name: 'team-images' },
      requirements: ['signed', 'sbom'],
      digests: [FIRST, SECOND],
      serviceAccounts: ['checkout', 'cart'],
      notBefore: '2026-11-20T00:00:00Z',
      expiresAt: '2026-11-27T00:00:00Z',
      reason: 'The build service is down; built by hand.',
      owner: 'team-checkout@example.com',
      requestedBy,
    },
  };
}

/** The same, revoked. */
export function revoked(name: string, requestedBy: string): KubernetesObject {
  const object = exception(name, requestedBy);
  return { ...object, spec: { ...object.spec, ...NARROWINGS['revoke it'] } };
}

/** The same, for every requirement. */
export function everyRequirement(name: string, requestedBy: string): KubernetesObject {
  const object = exception(name, requestedBy);
  return { ...object, spec: { ...object.spec, requirements: undefined, allRequirements: true } };
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { KubernetesObject } from '../../harness/index.ts';

/** A GitOps account. */
export const FLUX: string = 'system:serviceaccount:flux-system:kustomize-controller';
/** Who requests the exceptions. */
export const DEV: string = 'dev@example.com';
/** Another one with the right to request exceptions. */
export const OTHER: string = 'other@example.com';
/** Who may request exceptions, those of the class Incident included. */
export const ONCALL: string = 'oncall@example.com';
/** Who may approve and revoke exceptions. */
export const LEAD: string = 'lead@example.com';
/** Another one who may. */
export const SECOND_LEAD: string = 'second-lead@example.com';
/** Who may both request and approve exceptions. */
export const BOTH: string = 'both@example.com';
/** Who reviews exceptions. */
export const AUDITOR: string = 'auditor@example.com';

/** The digests of the exceptions. */
export const FIRST: string = `sha256:${'a'.repeat(64)}`;
export const SECOND: string = `sha256:${'b'.repeat(64)}`;
/** One that they do not have. */
export const THIRD: string = `sha256:${'c'.repeat(64)}`;

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
  'say which one it renews': { renews: { name: 'earlier' } },
  'add a signed approval': { approvals: [{ bundle: '{}' }] },
  'remove a digest': { digests: [SECOND] },
  'remove a service account': { serviceAccounts: ['cart'] },
  'remove a requirement': { requirements: ['sbom'] },
  'revoke it': { revoked: { at: '2026-11-21T00:00:00Z', by: OTHER, reason: 'Fixed.' } },
  'write down more': { risk: 'The image was not scanned.' },
};

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

/** The same of the class Incident, for a day. */
export function incident(name: string, requestedBy: string): KubernetesObject & { spec: object } {
  const object = exception(name, requestedBy);
  const day = { class: 'Incident', expiresAt: '2026-11-21T00:00:00Z' };
  return { ...object, spec: { ...object.spec, ...day } };
}

/** An approval as it stands in the status. */
export function approval(approver: string, comment = 'looked at it'): object {
  return {
    approver,
    approvedAt: '2026-11-20T00:00:00Z',
    specHash: FIRST,
    latestExpiresAt: '2026-11-27T00:00:00Z',
    comment,
  };
}

/** A review as it stands in the status. */
export function review(by: string, comment: string): object {
  return { at: '2026-11-20T00:00:00Z', by, comment };
}

/** A revocation. */
export function revocation(by: string, reason = 'The image is bad.'): object {
  return { at: '2026-11-20T00:00:00Z', by, reason };
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

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

/** A JSON object that a case may change; cases get a copy of their own. */
export type Draft = Record<string, unknown>;

/** A kind, how it is reached, and valid objects that between them hold every field. */
export interface Subject {
  readonly kind: string;
  readonly plural: string;
  readonly collection: string;
  readonly bases: readonly Draft[];
}

const SHA256 = `sha256:${'a'.repeat(64)}`;
const inline = { inline: '-----BEGIN PUBLIC KEY-----' };
const ref = { name: 'keys', key: 'release.pem' };
const selector = {
  matchLabels: { env: 'dev' },
  matchExpressions: [{ key: 'env', operator: 'In', values: ['dev'] }],
};

/** Names that requirements may refer to: short, long, and enough to fill every list. */
const authorityNames = ['unused', 'x', 'x'.repeat(63), ...numbered('a', 17)];

const policySpec: Draft = {
  mode: 'Enforce',
  modeOverrides: [{ namespaceSelector: selector, mode: 'Audit' }],
  match: {
    images: ['registry.example.com/team/**'],
    excludeImages: ['registry.example.com/team/base'],
    namespaceSelector: selector,
    serviceAccounts: ['default'],
  },
  authorities: authorityNames.map((name, index) => ({
    name,
    key: { material: [inline, { configMapRef: ref }, { secretRef: ref }][index % 3] },
  })),
  requirements: [
    {
      name: 'signed',
      signature: {
        anyOf: ['x', ...numbered('a', 15)],
        threshold: 1,
        annotations: { env: 'prod' },
      },
    },
    { name: 'digests', allowedDigests: [SHA256] },
    { name: 'repositories', allowedRepositories: ['registry.example.com/team/app'] },
  ],
  tags: 'Pin',
  templates: 'Warn',
  onInconclusive: { action: 'Deny' },
  exceptions: { allowed: true, maxDuration: '24h' },
  reverification: { interval: '24h' },
  registry: { signatureRepository: 'registry.example.com/signatures', ca: inline },
};

const condition = {
  type: 'Ready',
  status: 'True',
  observedGeneration: 1,
  lastTransitionTime: '2026-11-20T00:00:00Z',
  reason: 'Accepted',
  message: 'accepted',
};

const policyStatus: Draft = {
  observedGeneration: 1,
  conditions: [condition],
  program: { blob: 'countersign-program-1', revision: 1, replicas: 3, replicasReady: 3 },
};

const exceptionSpec: Draft = {
  policyRef: { name: 'team-images' },
  requirements: ['signed'],
  allRequirements: false,
  digests: [SHA256],
  serviceAccounts: ['checkout'],
  notBefore: '2026-11-20T00:00:00Z',
  expiresAt: '2026-11-27T00:00:00+01:00',
  reason: 'The build service is down; built by hand.',
  owner: 'team-checkout@example.com',
  requestedBy: 'dev@example.com',
  ticket: 'https://tickets.example.com/SEC-1234',
  risk: 'Not scanned.',
  compensatingControls: ['No egress.'],
  closureCondition: 'The build service signs again.',
  extensionCondition: 'The build service is still down.',
  revoked: { at: '2026-11-21T00:00:00Z', by: 'dev@example.com', reason: 'Fixed.' },
};

const exceptionStatus: Draft = {
  observedGeneration: 1,
  conditions: [condition],
  specHash: SHA256,
};

/** ImageTrustPolicies that between them hold every field. */
export const POLICY: Subject = {
  kind: 'ImageTrustPolicy',
  plural: 'imagetrustpolicies',
  collection: '/apis/countersign.dev/v1alpha1/imagetrustpolicies',
  bases: [
    policySpec,
    { ...policySpec, registry: { ca: { configMapRef: ref } } },
    { ...policySpec, registry: { ca: { secretRef: ref } } },
  ].map((spec) => ({ spec, status: policyStatus })),
};

/** A SigningException that holds every field. */
export const EXCEPTION: Subject = {
  kind: 'SigningException',
  plural: 'signingexceptions',
  collection: '/apis/countersign.dev/v1alpha1/namespaces/default/signingexceptions',
  bases: [{ spec: exceptionSpec, status: exceptionStatus }],
};

/** `prefix0 prefix1 …`. */
export function numbered(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${String(index)}`);
}

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
/** Material in each of its places. */
const materials = [inline, { configMapRef: ref }, { secretRef: ref }];
const mirror = 'https://tuf.example.com/repository';
/** Trust roots of every source, without thresholds. */
const roots: readonly Draft[] = [
  { publicGood: {} },
  ...materials.map((material) => ({ material })),
  ...materials.map((root) => ({ tuf: { mirror, root } })),
];
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
    key: { material: materials[index % 3] },
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
    {
      name: 'sbom',
      attestation: {
        predicateType: 'https://cyclonedx.org/bom',
        anyOf: ['x', ...numbered('a', 15)],
        threshold: 1,
        conditions: [{ name: 'not-empty', expression: 'true', message: 'it is empty' }],
        maxAge: '24h',
      },
    },
    { name: 'digests', allowedDigests: [SHA256] },
    { name: 'repositories', allowedRepositories: ['registry.example.com/team/app'] },
  ],
  platforms: 'AsReferenced',
  tags: 'Pin',
  templates: 'Warn',
  onInconclusive: { action: 'AllowLastVerified', maxAge: '24h' },
  exceptions: {
    allowed: true,
    maxDuration: '24h',
    approval: 'NotRequired',
    approvers: ['x'],
    incident: { allowed: true, maxDuration: '4h' },
  },
  reverification: { interval: '24h', onRejected: 'Evict' },
  registry: { signatureRepository: 'registry.example.com/signatures', ca: inline },
};

const loggedKeys = roots.map((root, index) => ({
  name: `logged-${String(index)}`,
  key: {
    material: inline,
    validFrom: '2026-01-01T00:00:00Z',
    validUntil: '2030-01-01T00:00:00+01:00',
    transparencyLog: 'Require',
    trustRoot: { ...root, thresholds: { logEntries: 1, timestamps: 1 } },
  },
}));

const identities = roots.map((root, index) => ({
  name: `keyless-${String(index)}`,
  keyless: {
    ...(index === 0
      ? { issuerPattern: 'https://issuer\\.example/.*', subjectPattern: '.*@example\\.com' }
      : { issuer: 'https://issuer.example', subject: 'release@example.com' }),
    claims: { sourceRepositoryURI: 'https://github.com/acme/app' },
    trustRoot: { ...root, thresholds: { logEntries: 1, scts: 1, timestamps: 1 } },
  },
}));

const certificates = materials.map((roots, index) => ({
  name: `certificate-${String(index)}`,
  certificate: {
    roots,
    ...(index === 0 ? { subjectPattern: '.*@example\\.com' } : { subject: 'release@example.com' }),
    trustedTime: 'Timestamp',
    timestampRoots: roots,
  },
}));

/** Authorities of other kinds, and where their certificates of registries are. */
const variations: readonly (readonly [authorities: readonly Draft[], ca: Draft])[] = [
  [loggedKeys, inline],
  [identities, { configMapRef: ref }],
  [certificates, { secretRef: ref }],
];

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
  impact: {
    workloads: 4,
    verified: 1,
    rejected: 1,
    inconclusive: 1,
    exempt: 1,
    wouldDeny: 2,
    sample: ['Deployment checkout/cart'],
  },
};

const revoked = { at: '2026-11-21T00:00:00Z', by: 'dev@example.com', reason: 'Fixed.' };

const exceptionSpec: Draft = {
  policyRef: { name: 'team-images' },
  requirements: ['signed'],
  allRequirements: false,
  digests: [SHA256],
  serviceAccounts: ['checkout'],
  notBefore: '2026-11-20T00:00:00Z',
  expiresAt: '2026-11-27T00:00:00+01:00',
  class: 'Planned',
  reason: 'The build service is down; built by hand.',
  owner: 'team-checkout@example.com',
  requestedBy: 'dev@example.com',
  ticket: 'https://tickets.example.com/SEC-1234',
  risk: 'Not scanned.',
  compensatingControls: ['No egress.'],
  closureCondition: 'The build service signs again.',
  extensionCondition: 'The build service is still down.',
  approvals: [{ bundle: '{}' }],
  renews: { name: 'last-week' },
  revoked,
};

const exceptionStatus: Draft = {
  observedGeneration: 1,
  conditions: [condition],
  specHash: SHA256,
  approvals: [
    {
      approver: 'lead@example.com',
      approvedAt: '2026-11-20T00:00:00Z',
      specHash: SHA256,
      latestExpiresAt: '2026-11-27T00:00:00+01:00',
      expiresAt: '2026-11-27T00:00:00Z',
      comment: 'Only for this week.',
    },
  ],
  revoked,
  reviews: [{ at: '2026-11-20T00:00:00Z', by: 'auditor@example.com', comment: 'Still needed.' }],
  usage: {
    firstSeen: '2026-11-20',
    lastSeen: '2026-11-21',
    digests: [SHA256],
    workloads: 1,
  },
  renewals: 1,
};

/** ImageTrustPolicies that between them hold every field. */
export const POLICY: Subject = {
  kind: 'ImageTrustPolicy',
  plural: 'imagetrustpolicies',
  collection: '/apis/countersign.dev/v1alpha1/imagetrustpolicies',
  bases: variations.map(([authorities, ca]) => ({
    spec: {
      ...policySpec,
      authorities: [...(policySpec['authorities'] as readonly Draft[]), ...authorities],
      registry: { ...(policySpec['registry'] as Draft), ca },
    },
    status: policyStatus,
  })),
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

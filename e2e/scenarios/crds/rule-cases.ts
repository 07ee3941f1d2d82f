// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { AUTHORITY_RULE_CASES } from './authority-rule-cases.ts';
import { POLICY } from './bases.ts';
import { EXCEPTION_RULE_CASES } from './exception-rule-cases.ts';
import type { RuleCase } from './rule-case.ts';

const ref = { name: 'keys', key: 'release.pem' };
const none = { inline: undefined, configMapRef: undefined, secretRef: undefined };

const oneMaterial = {
  message: 'exactly one of inline, configMapRef and secretRef must be set',
  accepted: [
    { ...none, inline: 'pem' },
    { ...none, configMapRef: ref },
    { ...none, secretRef: ref },
  ],
  refused: [
    none,
    { ...none, inline: 'pem', configMapRef: ref },
    { ...none, configMapRef: ref, secretRef: ref },
    { inline: 'pem', configMapRef: ref, secretRef: ref },
  ],
};

/** Where policies hold material. */
const MATERIALS = [
  'spec.authorities[].key.material',
  'spec.authorities[].key.trustRoot.material',
  'spec.authorities[].key.trustRoot.tuf.root',
  'spec.authorities[].keyless.trustRoot.material',
  'spec.authorities[].keyless.trustRoot.tuf.root',
  'spec.authorities[].certificate.roots',
  'spec.authorities[].certificate.timestampRoots',
  'spec.registry.ca',
];

const signature = { anyOf: ['x'] };
const allowedDigests = [`sha256:${'a'.repeat(64)}`];
const allowedRepositories = ['registry.example.com/team/app'];
const attestation = { predicateType: 'https://cyclonedx.org/bom', anyOf: ['x'] };
const noRequirement = {
  signature: undefined,
  attestation: undefined,
  allowedDigests: undefined,
  allowedRepositories: undefined,
};

const requirements = [{ name: 'signed', signature: { anyOf: ['missing'] } }];

const oneThreshold = {
  message: 'threshold must not exceed the number of authorities in anyOf',
  accepted: [
    { anyOf: ['x'], threshold: 1 },
    { anyOf: ['x'], threshold: undefined },
    { anyOf: ['x', 'a0'], threshold: 2 },
  ],
  refused: [
    { anyOf: ['x'], threshold: 2 },
    { anyOf: ['x', 'a0'], threshold: 3 },
  ],
};

/** At least one accepted and one refused value for every rule of the schemas. */
export const RULE_CASES: readonly RuleCase[] = [
  ...MATERIALS.map((path) => ({ subject: POLICY, path, ...oneMaterial })),
  ...AUTHORITY_RULE_CASES,
  { subject: POLICY, path: 'spec.requirements[].signature', ...oneThreshold },
  { subject: POLICY, path: 'spec.requirements[].attestation', ...oneThreshold },
  {
    subject: POLICY,
    path: 'spec.requirements[].attestation.maxAge',
    message: 'must be between 1m and 87600h',
    accepted: ['1m', '60s', '87600h'],
    refused: ['', '59s', '0s', '87600h1s', '9999999999999h'],
  },
  {
    subject: POLICY,
    path: 'spec',
    message: 'requirements: every name in attestation.anyOf must be the name of an authority',
    accepted: [
      { requirements: [{ name: 'sbom', attestation }] },
      { authorities: undefined, requirements: [{ name: 'digests', allowedDigests }] },
    ],
    refused: [
      { requirements: [{ name: 'sbom', attestation: { ...attestation, anyOf: ['missing'] } }] },
      { authorities: [], requirements: [{ name: 'sbom', attestation }] },
    ],
  },
  {
    subject: POLICY,
    path: 'spec.requirements[]',
    message:
      'exactly one of signature, attestation, allowedDigests and allowedRepositories must be set',
    accepted: [
      { ...noRequirement, signature },
      { ...noRequirement, attestation },
      { ...noRequirement, allowedDigests },
      { ...noRequirement, allowedRepositories },
    ],
    refused: [
      noRequirement,
      { ...noRequirement, signature, allowedDigests },
      { ...noRequirement, signature, attestation },
      { ...noRequirement, allowedDigests, allowedRepositories },
      { signature, allowedDigests, allowedRepositories },
    ],
  },
  {
    subject: POLICY,
    path: 'spec.onInconclusive',
    message: 'maxAge goes with the action AllowLastVerified, and only with it',
    accepted: [
      { action: 'Deny', maxAge: undefined },
      { action: undefined, maxAge: undefined },
      { action: 'AllowLastVerified', maxAge: '24h' },
    ],
    refused: [
      { action: 'Deny', maxAge: '24h' },
      { action: undefined, maxAge: '24h' },
      { action: 'AllowLastVerified', maxAge: undefined },
    ],
  },
  {
    subject: POLICY,
    path: 'spec.onInconclusive.maxAge',
    message: 'must be between 1m and 720h',
    accepted: ['1m', '60s', '720h'],
    refused: ['', '59s', '0s', '720h1s', '9999999999999h'],
  },
  {
    subject: POLICY,
    path: 'spec.exceptions.maxDuration',
    message: 'must be longer than 0s and at most 8760h',
    accepted: ['1s', '8760h', '8759h60m'],
    refused: ['', '0s', '0h0m', '8760h1s', '525601m', '9999999999999h'],
  },
  {
    subject: POLICY,
    path: 'spec.exceptions.incident.maxDuration',
    message: 'must be longer than 0s and at most 24h',
    accepted: ['1s', '24h', '23h60m'],
    refused: ['', '0s', '0h0m', '24h1s', '1441m', '9999999999999h'],
  },
  {
    subject: POLICY,
    path: 'spec.reverification.interval',
    message: 'must be between 10s and 168h',
    accepted: ['10s', '168h', '1h30m'],
    refused: ['', '9s', '0s', '168h1s', '9999999999999h'],
  },
  {
    subject: POLICY,
    path: 'spec',
    message: 'requirements: every name in signature.anyOf must be the name of an authority',
    accepted: [
      {},
      { authorities: undefined, requirements: [{ name: 'digests', allowedDigests }] },
      { authorities: [], requirements: [{ name: 'digests', allowedDigests }] },
    ],
    refused: [
      { requirements },
      { authorities: undefined },
      { authorities: [] },
      { requirements: [{ name: 'signed', signature: { anyOf: ['x', 'missing'] } }] },
    ],
  },
  ...EXCEPTION_RULE_CASES,
];

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { POLICY } from './bases.ts';
import type { RuleCase } from './rule-case.ts';

const material = { inline: 'pem' };
const tuf = { mirror: 'https://tuf.example.com', root: material };
const noRoot = { publicGood: undefined, material: undefined, tuf: undefined };
const trustRoot = { material };
const noSubject = { subject: undefined, subjectPattern: undefined };
const noIssuer = { issuer: undefined, issuerPattern: undefined };
const noWindow = { validFrom: undefined, validUntil: undefined };
const nobody = { key: undefined, keyless: undefined, certificate: undefined };
const key = { material };
const keyless = { issuer: 'https://issuer.example', subject: 'a@example.com', trustRoot };
const certificate = { roots: material, subject: 'a@example.com', trustedTime: 'Now' };

const oneRoot = {
  message: 'exactly one of publicGood, material and tuf must be set',
  accepted: [
    { ...noRoot, publicGood: {} },
    { ...noRoot, material },
    { ...noRoot, tuf },
  ],
  refused: [
    noRoot,
    { ...noRoot, publicGood: {}, material },
    { ...noRoot, material, tuf },
    { publicGood: {}, material, tuf },
  ],
};

const oneSubject = {
  message: 'exactly one of subject and subjectPattern must be set',
  accepted: [
    { ...noSubject, subject: 'a' },
    { ...noSubject, subjectPattern: 'a' },
  ],
  refused: [noSubject, { subject: 'a', subjectPattern: 'a' }],
};

const positive = {
  accepted: [
    { logEntries: 1, timestamps: 0 },
    { logEntries: 0, timestamps: 1 },
    { logEntries: undefined, timestamps: undefined },
  ],
  refused: [
    { logEntries: 0, timestamps: 0 },
    { logEntries: 0, timestamps: undefined },
  ],
};

/** The rules of authorities that are not about where material is. */
export const AUTHORITY_RULE_CASES: readonly RuleCase[] = [
  {
    path: '',
    message: 'exactly one of key, keyless and certificate must be set',
    accepted: [
      { ...nobody, key },
      { ...nobody, keyless },
      { ...nobody, certificate },
    ],
    refused: [nobody, { ...nobody, key, keyless }, { key, keyless, certificate }],
  },
  {
    path: '.key',
    message: 'trustRoot must be set where transparencyLog is Require, and only there',
    accepted: [
      { transparencyLog: 'Require', trustRoot },
      { transparencyLog: 'Ignore', trustRoot: undefined },
      { transparencyLog: undefined, trustRoot: undefined },
    ],
    refused: [
      { transparencyLog: 'Require', trustRoot: undefined },
      { transparencyLog: 'Ignore', trustRoot },
      { transparencyLog: undefined, trustRoot },
    ],
  },
  {
    path: '.key',
    message: 'validFrom must be before validUntil',
    accepted: [
      noWindow,
      { ...noWindow, validFrom: '2026-01-01T00:00:00Z' },
      { ...noWindow, validUntil: '2026-01-01T00:00:00Z' },
      { validFrom: '2026-01-01T01:00:00+02:00', validUntil: '2026-01-01T00:00:00Z' },
    ],
    refused: [
      { validFrom: '2026-01-01T00:00:00Z', validUntil: '2026-01-01T00:00:00Z' },
      { validFrom: '2026-01-01T01:00:00Z', validUntil: '2026-01-01T02:00:00+02:00' },
    ],
  },
  { path: '.key.trustRoot', ...oneRoot },
  {
    path: '.key.trustRoot.thresholds',
    message: 'logEntries or timestamps must be positive',
    ...positive,
  },
  {
    path: '.keyless',
    message: 'exactly one of issuer and issuerPattern must be set',
    accepted: [
      { ...noIssuer, issuer: 'a' },
      { ...noIssuer, issuerPattern: 'a' },
    ],
    refused: [noIssuer, { issuer: 'a', issuerPattern: 'a' }],
  },
  { path: '.keyless', ...oneSubject },
  { path: '.keyless.trustRoot', ...oneRoot },
  {
    path: '.keyless.trustRoot.thresholds',
    message: 'a certificate needs a trusted time: logEntries or timestamps must be positive',
    ...positive,
  },
  { path: '.certificate', ...oneSubject },
  {
    path: '.certificate',
    message: 'timestampRoots must be set where trustedTime is Timestamp, and only there',
    accepted: [
      { trustedTime: 'Timestamp', timestampRoots: material },
      { trustedTime: 'Now', timestampRoots: undefined },
    ],
    refused: [
      { trustedTime: 'Timestamp', timestampRoots: undefined },
      { trustedTime: 'Now', timestampRoots: material },
    ],
  },
].map((rule) => ({ ...rule, subject: POLICY, path: `spec.authorities[]${rule.path}` }));

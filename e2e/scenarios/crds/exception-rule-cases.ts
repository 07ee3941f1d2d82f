// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { EXCEPTION } from './bases.ts';
import type { RuleCase } from './rule-case.ts';

const day = (instant: string): string => `2026-${instant}T00:00:00Z`;
const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;
const revoked = { at: day('01-01'), by: 'dev@example.com', reason: 'Fixed.' };

/** An incident of half a day, as it is stored. */
const incident = {
  class: 'Incident',
  policyRef: { name: 'team-images' },
  requirements: ['signed', 'sbom'],
  allRequirements: undefined,
  digests: [digest('a'), digest('b')],
  serviceAccounts: ['checkout', 'cart'],
  notBefore: day('01-01'),
  expiresAt: '2026-01-01T12:00:00Z',
  revoked: undefined,
};

/** The rules of exceptions. */
export const EXCEPTION_RULE_CASES: readonly RuleCase[] = [
  {
    path: 'spec',
    message: 'an exception may last at most 8760h, and one of the class Incident at most 24h',
    accepted: [
      { notBefore: day('01-01'), expiresAt: '2027-01-01T00:00:00Z' },
      { class: 'Incident', notBefore: day('01-01'), expiresAt: day('01-02') },
      { class: 'Incident', notBefore: day('01-01'), expiresAt: '2026-01-02T01:00:00+01:00' },
    ],
    refused: [
      { notBefore: day('01-01'), expiresAt: '2027-01-01T00:00:01Z' },
      { class: 'Incident', notBefore: day('01-01'), expiresAt: '2026-01-02T00:00:01Z' },
    ],
  },
  {
    path: 'spec',
    message: 'revoked cannot be taken back; a new exception is needed',
    from: { revoked },
    accepted: [{ revoked }, { revoked: { ...revoked, reason: 'Signed by now.' } }],
    refused: [{ revoked: undefined }],
  },
  {
    path: 'spec',
    message: 'class cannot be changed; a new exception is needed',
    from: { ...incident, class: 'Planned' },
    accepted: [{ class: 'Planned' }, { class: undefined }],
    refused: [{ class: 'Incident' }],
  },
  {
    path: 'spec',
    message:
      'what an exception of the class Incident permits cannot be changed, except for an earlier end',
    from: incident,
    accepted: [
      { expiresAt: '2026-01-01T11:00:00Z' },
      { reason: 'Another reason, of twenty characters.' },
      { digests: incident.digests.toReversed(), requirements: ['sbom', 'signed'] },
      { notBefore: '2026-01-01T01:00:00+01:00' },
      { revoked },
    ],
    refused: [
      { policyRef: { name: 'other-images' } },
      { requirements: ['signed'] },
      { requirements: undefined, allRequirements: true },
      { digests: [digest('a')] },
      { digests: [...incident.digests, digest('c')] },
      { serviceAccounts: ['checkout'] },
      { requestedBy: 'other@example.com' },
      { notBefore: '2026-01-01T01:00:00Z' },
      { expiresAt: '2026-01-01T12:00:01Z' },
    ],
  },
  {
    path: 'spec',
    message: 'expiresAt must be after notBefore',
    accepted: [
      { notBefore: day('01-01'), expiresAt: '2026-01-01T00:00:01Z' },
      { notBefore: '2026-01-01T01:00:00+02:00', expiresAt: day('01-01') },
    ],
    refused: [
      { notBefore: day('01-02'), expiresAt: day('01-01') },
      { notBefore: day('01-01'), expiresAt: day('01-01') },
      { notBefore: '2026-01-01T01:00:00Z', expiresAt: '2026-01-01T02:00:00+02:00' },
    ],
  },
  {
    path: 'spec',
    message: 'exactly one of requirements and allRequirements: true must be set',
    accepted: [
      { requirements: ['signed'], allRequirements: undefined },
      { requirements: ['signed'], allRequirements: false },
      { requirements: undefined, allRequirements: true },
    ],
    refused: [
      { requirements: undefined, allRequirements: undefined },
      { requirements: undefined, allRequirements: false },
      { requirements: ['signed'], allRequirements: true },
    ],
  },
].map((rule) => ({ ...rule, subject: EXCEPTION }));

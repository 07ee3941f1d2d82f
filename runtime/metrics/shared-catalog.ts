// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { INCONCLUSIVE_REASONS, REJECTED_REASONS } from '../../verification/index.ts';
import { define } from './definition.ts';

/** Codes of what evidence said no to. */
export const REJECTED: readonly string[] = Object.keys(REJECTED_REASONS);
/** Codes of what could not be told. */
export const INCONCLUSIVE: readonly string[] = Object.keys(INCONCLUSIVE_REASONS);
/** Every reason code. */
export const REASONS: readonly string[] = [...REJECTED, ...INCONCLUSIVE];

/** The classes of exceptions. */
export const EXCEPTION_CLASSES = ['Planned', 'Incident'] as const;

const EXCHANGES = [
  'answered',
  'absent',
  'unauthorized',
  'throttled',
  'failed',
  'unreachable',
  'refused',
  'aborted',
];
const JOBS = ['answered', 'timed-out', 'out-of-memory', 'died', 'not-taken'];

/** Metrics that both processes have. */
export const SHARED_METRICS = {
  verifications: define('counter', {
    name: 'verifications_total',
    help: 'Verdicts of policies on images; `reason` is empty where they are verified or exempt.',
    labels: {
      result: ['verified', 'exempt', 'rejected', 'inconclusive'],
      reason: ['', ...REASONS],
      source: ['admission', 'background'],
    },
  }),
  registryRequests: define('counter', {
    name: 'registry_requests_total',
    help: 'HTTP exchanges with registries by how they ended.',
    labels: { outcome: EXCHANGES },
    initial: 'all',
  }),
  collections: define('counter', {
    name: 'collections_total',
    help: 'Collections of evidence from registries.',
  }),
  keptEvidence: define('counter', {
    name: 'kept_evidence_total',
    help: 'Evidence for outages on the cache volume by what became of it.',
    labels: { outcome: ['kept', 'superseded', 'dropped', 'failed', 'damaged', 'found'] },
    initial: 'all',
  }),
  bridgedVerdicts: define('counter', {
    name: 'verdicts_by_kept_evidence_total',
    help: 'Verdicts that rest on kept evidence, as a registry could not be read.',
  }),
  factJobs: define('counter', {
    name: 'fact_jobs_total',
    help: 'Verifications that were given to threads.',
    labels: { outcome: JOBS },
    initial: 'all',
  }),
  spans: define('counter', {
    name: 'trace_spans_total',
    help: 'Spans by what became of them; none where no endpoint for traces is set.',
    labels: { outcome: ['exported', 'dropped'] },
    initial: 'all',
  }),
  auditRecords: define('counter', {
    name: 'audit_records_total',
    help: 'Audit records by what became of them.',
    labels: { outcome: ['written', 'dropped'] },
    initial: 'all',
  }),
} as const;

/** The labels with which `verifications` begins at 0: every reason belongs to one result. */
export function verificationLabels(
  source: 'admission' | 'background',
): readonly { readonly result: string; readonly reason: string; readonly source: string }[] {
  const of = (
    result: string,
    reasons: readonly string[],
  ): readonly { result: string; reason: string; source: string }[] =>
    reasons.map((reason) => ({ result, reason, source }));
  return [
    ...of('verified', ['']),
    ...of('exempt', ['']),
    ...of('rejected', REJECTED),
    ...of('inconclusive', INCONCLUSIVE),
  ];
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { WORKLOAD_KINDS } from '../workload/index.ts';
import { define } from './definition.ts';
import {
  EXCEPTION_CLASSES,
  REASONS,
  SHARED_METRICS,
  verificationLabels,
} from './shared-catalog.ts';

const WEBHOOKS = ['verify', 'pin', 'resources'];
const BUCKETS = [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 9, 15, 30];
const RESOURCES = [
  'configmaps',
  'signingexceptions',
  'namespaces',
  'validatingwebhookconfigurations',
  'mutatingwebhookconfigurations',
];

/** Every metric of a webhook replica besides those of the process itself. */
export const WEBHOOK_METRICS = {
  requests: define('counter', {
    name: 'admission_requests_total',
    help: 'Answers to admission requests: `warn` is allowed with warnings, `deny` that evidence or policy says no, `error` that nothing could be told, so it was denied.',
    labels: {
      webhook: WEBHOOKS,
      operation: ['CREATE', 'UPDATE', 'DELETE', 'CONNECT'],
      kind: [...WORKLOAD_KINDS, 'other'],
      decision: ['allow', 'warn', 'deny', 'error'],
      dry_run: ['false', 'true'],
    },
    initial: {
      where: { webhook: ['verify'], operation: ['CREATE'], kind: ['Pod'], dry_run: ['false'] },
    },
  }),
  denials: define('counter', {
    name: 'admission_denials_total',
    help: 'Denied requests by the reason code that decided them.',
    labels: { webhook: WEBHOOKS, reason: REASONS },
    initial: { where: { webhook: ['verify'] } },
  }),
  durations: define('histogram', {
    name: 'admission_duration_seconds',
    help: 'Time from the head of a request to its answer.',
    labels: { webhook: WEBHOOKS },
    initial: 'all',
    buckets: BUCKETS,
  }),
  unreadable: define('counter', {
    name: 'admission_unreadable_total',
    help: 'Requests that were no admission review, by HTTP status; 200 where they had a UID.',
    labels: { status: ['200', '400', '413', '415'] },
    initial: 'all',
  }),
  verifications: { ...SHARED_METRICS.verifications, initial: verificationLabels('admission') },
  exceptionUses: define('counter', {
    name: 'exception_uses_total',
    help: 'Images that admission let in by an exception; beyond the bound all others are `_other`.',
    labels: {
      namespace: { open: 'namespace of the exception', most: 500 },
      name: { open: 'name of the exception', most: 500 },
      class: EXCEPTION_CLASSES,
    },
  }),
  pins: define('counter', {
    name: 'pins_total',
    help: 'Images without digest by what became of them.',
    labels: { outcome: ['pinned', 'kept', ...REASONS] },
    initial: { where: { outcome: ['pinned', 'kept', 'REGISTRY_UNAVAILABLE'] } },
  }),
  caches: define('counter', {
    name: 'cache_requests_total',
    help: 'Look-ups in caches.',
    labels: { cache: ['evidence', 'tags'], outcome: ['hit', 'miss'] },
    initial: 'all',
  }),
  unmatched: define('counter', {
    name: 'unmatched_images_total',
    help: 'Images that no policy matched.',
  }),
  mirrors: define('counter', {
    name: 'mirror_pods_unverified_total',
    help: 'Mirror pods that do not satisfy a policy: nobody can keep them from running.',
  }),
  faults: define('counter', {
    name: 'internal_errors_total',
    help: 'Faults of ours that a request or the process survived.',
    labels: { where: ['handler', 'server', 'process'] },
    initial: 'all',
  }),
  registryRequests: SHARED_METRICS.registryRequests,
  collections: SHARED_METRICS.collections,
  keptEvidence: SHARED_METRICS.keptEvidence,
  bridgedVerdicts: SHARED_METRICS.bridgedVerdicts,
  factJobs: SHARED_METRICS.factJobs,
  auditRecords: SHARED_METRICS.auditRecords,
  spans: SHARED_METRICS.spans,
  revision: define('gauge', {
    name: 'program_revision',
    help: 'Revision of the program that is enforced; 0 before the first.',
  }),
  problem: define('gauge', {
    name: 'program_problem',
    help: '1 where the newest program could not be taken.',
  }),
  policies: define('gauge', {
    name: 'program_policies',
    help: 'Policies that are enforced.',
  }),
  exceptions: define('gauge', {
    name: 'mirrored_exceptions',
    help: 'Exceptions as the replica knows them; what cannot be read has no effect.',
    labels: { state: ['readable', 'invalid'] },
    initial: 'all',
  }),
  certificate: define('gauge', {
    name: 'webhook_certificate_expiration_timestamp_seconds',
    help: 'End of the serving certificate; absent before there is one.',
  }),
  refusing: define('gauge', {
    name: 'webhook_ca_bundle_mismatches',
    help: 'Webhooks whose caBundle does not accept the serving certificate.',
  }),
  ready: define('gauge', { name: 'webhook_ready', help: '1 where the replica is ready.' }),
  contact: define('gauge', {
    name: 'mirror_contact_timestamp_seconds',
    help: 'When the API server last spoke of a resource.',
    labels: { resource: RESOURCES },
  }),
} as const;

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { ExceptionReason } from '../../crds/index.ts';
import { define } from './definition.ts';
import { EXCEPTION_CLASSES, SHARED_METRICS, verificationLabels } from './shared-catalog.ts';

const CONTROLLERS = [
  'program',
  'policy',
  'exception',
  'configuration',
  'workload',
  'remediation',
  'report-api',
  'cluster-report',
];
const BUCKETS = [0.005, 0.02, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60];
const CONFIGURATIONS = ['validating', 'mutating'];
const POLICY_STATES = ['compiled', 'keptLast', 'notEnforced'];
const RESOURCES = [
  'imagetrustpolicies',
  'signingexceptions',
  'configmaps',
  'leases',
  'namespaces',
  'validatingwebhookconfigurations',
  'mutatingwebhookconfigurations',
  'pods',
  'replicationcontrollers',
  'deployments',
  'statefulsets',
  'daemonsets',
  'replicasets',
  'jobs',
  'cronjobs',
  'policyreports',
  'clusterpolicyreports',
  'reports',
  'clusterreports',
];

/** How an exception stands: what its condition Active gives as reason, `Pending` before there is one. */
export const EXCEPTION_STATES: readonly string[] = [
  ExceptionReason.InEffect,
  ExceptionReason.NotYetActive,
  ExceptionReason.Expired,
  ExceptionReason.Revoked,
  ExceptionReason.AwaitingPolicy,
  ExceptionReason.PolicyNotFound,
  ExceptionReason.NotAllowedByPolicy,
  ExceptionReason.TooLong,
  ExceptionReason.IncidentNotAllowed,
  ExceptionReason.AwaitingApproval,
  ExceptionReason.EarlierIncident,
  ExceptionReason.UnknownRequirement,
  ExceptionReason.Invalid,
  'Pending',
];
/** Why somebody should look at an exception. */
export const EXCEPTION_CONCERNS = [
  'expiring_soon',
  'unused',
  'review_overdue',
  'unapproved',
  'approval_overdue',
] as const;
/** How a workload runs by an exception. */
export const EXCEPTION_USES = ['in_effect', 'unapproved', 'expired'] as const;

/** Every metric of the operator besides those of the process itself. */
export const OPERATOR_METRICS = {
  leader: define('gauge', {
    name: 'leader',
    help: '1 where this replica leads: it alone writes. 0 where it stands by.',
  }),
  reconciles: define('counter', {
    name: 'reconciles_total',
    help: 'Reconciles by how they ended; `retry` comes again with backoff, `terminal` waits for a change.',
    labels: { controller: CONTROLLERS, outcome: ['ok', 'retry', 'terminal'] },
    initial: 'all',
  }),
  durations: define('histogram', {
    name: 'reconcile_duration_seconds',
    help: 'Time of one reconcile.',
    labels: { controller: CONTROLLERS },
    buckets: BUCKETS,
  }),
  depth: define('gauge', {
    name: 'workqueue_depth',
    help: 'Keys that wait for a worker.',
    labels: { controller: CONTROLLERS },
    initial: 'all',
  }),
  verifications: { ...SHARED_METRICS.verifications, initial: verificationLabels('background') },
  workloads: define('gauge', {
    name: 'workloads',
    help: 'Workloads by the worst result in their reports, in the order fail, error, warn, skip, pass; `none` where no policy speaks of them.',
    labels: { result: ['pass', 'skip', 'warn', 'error', 'fail', 'none'] },
    initial: 'all',
  }),
  oldest: define('gauge', {
    name: 'workload_oldest_verification_timestamp_seconds',
    help: 'When the workload that waits longest was verified last; now where none waits.',
  }),
  interval: define('gauge', {
    name: 'reverification_interval_seconds',
    help: 'Longest interval of re-verification among the policies in force; 0 without any.',
  }),
  remediations: define('counter', {
    name: 'remediations_total',
    help: 'Pods that remediation evicted and workloads that it rolled back, and what kept it from that: `blocked` by a PodDisruptionBudget, `held` where a registry may have lost its signatures, `skipped` where Flux or Argo CD own the workload, `impossible` without an earlier image that verifies, `failed` otherwise.',
    labels: {
      action: ['evict', 'rollback'],
      outcome: ['done', 'blocked', 'held', 'skipped', 'impossible', 'failed'],
    },
    initial: 'all',
  }),
  reportWrites: define('counter', {
    name: 'report_writes_total',
    help: 'Writes of reports.',
    labels: { outcome: ['created', 'replaced', 'deleted', 'failed'] },
    initial: 'all',
  }),
  reportsAvailable: define('gauge', {
    name: 'reports_available',
    help: '0 where no reports can be written.',
  }),
  policyInfo: define('gauge', {
    name: 'policy_info',
    help: 'Always 1: a policy, its mode, and how it stands in the program.',
    labels: {
      policy: { open: 'name of the policy', most: 500 },
      mode: ['Enforce', 'Audit'],
      state: [...POLICY_STATES, 'pending'],
    },
  }),
  policies: define('gauge', {
    name: 'policies',
    help: 'Policies by how they stand in the program; `notEnforced` never compiled, `keptLast` does not compile any more.',
    labels: { state: POLICY_STATES },
    initial: 'all',
  }),
  exceptions: define('gauge', {
    name: 'exceptions',
    help: 'Exceptions by the reason of their condition Active; `Pending` where it is not told yet.',
    labels: {
      state: EXCEPTION_STATES,
    },
    initial: 'all',
  }),
  exceptionConcerns: define('gauge', {
    name: 'exceptions_to_look_at',
    help: 'Exceptions that somebody should look at: `expiring_soon` ends within seven days, `unused` has had no use for seven days, `review_overdue` was not reviewed lately, `unapproved` waits for an approval or is an incident without one, `approval_overdue` is an incident that ended without.',
    labels: { reason: EXCEPTION_CONCERNS },
    initial: 'all',
  }),
  exceptionWorkloads: define('gauge', {
    name: 'exception_workloads',
    help: 'Workloads that run by exceptions, once for each: `unapproved` by one that is not approved, `expired` still, although it has ended.',
    labels: { class: EXCEPTION_CLASSES, state: EXCEPTION_USES },
    initial: 'all',
  }),
  exceptionExpiration: define('gauge', {
    name: 'exception_expiration_timestamp_seconds',
    help: 'End of each exception that has not ended, the earliest first.',
    labels: {
      namespace: { open: 'namespace of the exception', most: 500 },
      name: { open: 'name of the exception', most: 500 },
      policy: { open: 'its policy', most: 500 },
    },
  }),
  omitted: define('gauge', {
    name: 'series_omitted',
    help: 'Objects that have no series of their own because there are too many.',
    labels: { metric: ['policy_info', 'exception_expiration_timestamp_seconds'] },
    initial: 'all',
  }),
  revision: define('gauge', {
    name: 'published_program_revision',
    help: 'Revision of the program in the cluster.',
  }),
  configurationExists: define('gauge', {
    name: 'webhook_configuration_exists',
    help: '0 where a webhook configuration was deleted: admission is open.',
    labels: { configuration: CONFIGURATIONS },
  }),
  configurationDrift: define('gauge', {
    name: 'webhook_configuration_drift',
    help: 'Points in which a webhook configuration differs from what it must be.',
    labels: { configuration: CONFIGURATIONS },
  }),
  ca: define('gauge', {
    name: 'webhook_ca_expiration_timestamp_seconds',
    help: 'End of the CA that signs the serving certificates of the webhook; absent where somebody else keeps it.',
  }),
  trustRoots: define('gauge', {
    name: 'trust_roots',
    help: 'TUF repositories that policies have trust roots from, by how these stand.',
    labels: { state: ['fresh', 'stale', 'pending'] },
    initial: 'all',
  }),
  trustRootExpiration: define('gauge', {
    name: 'trust_root_expiration_timestamp_seconds',
    help: 'Earliest end of what vouches for the trust roots of policies; absent without any.',
  }),
  trustRootReads: define('counter', {
    name: 'trust_root_reads_total',
    help: 'Reads of trust roots through TUF.',
    labels: { outcome: ['read', 'stale', 'invalid', 'internal'] },
    initial: 'all',
  }),
  notifications: define('counter', {
    name: 'notifications_total',
    help: 'Notifications about exceptions: `delivered`; `retried` for each attempt that is made again; `dropped` because too many waited, or the process ended; `failed` where the receiver refused one, or did not take it for an hour.',
    labels: { outcome: ['delivered', 'retried', 'dropped', 'failed'] },
    initial: 'all',
  }),
  faults: define('counter', {
    name: 'internal_errors_total',
    help: 'Faults of ours that a request or the process survived.',
    labels: { where: ['server', 'process'] },
    initial: 'all',
  }),
  contact: define('gauge', {
    name: 'mirror_contact_timestamp_seconds',
    help: 'When the API server last spoke of a resource.',
    labels: { resource: RESOURCES },
  }),
  registryRequests: SHARED_METRICS.registryRequests,
  collections: SHARED_METRICS.collections,
  keptEvidence: SHARED_METRICS.keptEvidence,
  bridgedVerdicts: SHARED_METRICS.bridgedVerdicts,
  factJobs: SHARED_METRICS.factJobs,
  auditRecords: SHARED_METRICS.auditRecords,
  spans: SHARED_METRICS.spans,
} as const;

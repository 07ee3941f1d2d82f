// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { AuditOutcome } from '../runtime/audit/index.ts';
import { systemClock, type Clock } from '../runtime/clock.ts';
import type { JobOutcome } from '../runtime/fact-workers/index.ts';
import type { ReflectorStatus } from '../runtime/kube/index.ts';
import type { Logger } from '../runtime/log/index.ts';
import {
  CappedGauge,
  EXCEPTION_CONCERNS,
  EXCEPTION_STATES,
  EXCEPTION_USES,
  Metrics,
  OPERATOR_METRICS,
  type BoundCounter,
  type CounterFamily,
  type GaugeFamily,
  type HistogramFamily,
} from '../runtime/metrics/index.ts';
import type { DeliveryOutcome } from '../runtime/notification/index.ts';
import type { ProgramIndex } from '../runtime/program/index.ts';
import type { QueueObserver } from '../runtime/queue/index.ts';
import type { SpanOutcome } from '../runtime/tracing/index.ts';
import type { KeepingOutcome } from '../runtime/verified-evidence/index.ts';
import type { ProgramObserver } from './controllers/policy/index.ts';
import type { TrustReadOutcome, TrustRootObserver } from './controllers/trust/index.ts';
import type { RemediationAction, RemediationOutcome } from './controllers/remediation/index.ts';
import type { ConfigurationObserver } from './controllers/webhook-configuration/index.ts';
import type { Verified } from './controllers/workload/index.ts';
import type { ReportWrite } from './reporting/index.ts';
import type { ExceptionState, PolicyState } from './state/observed-state.ts';
import type { WorkloadResult } from './state/findings-board.ts';

/** State of the operator as gauges show it. Times in milliseconds, instants since the epoch. */
export interface OperatorState {
  readonly mirrors: readonly ReflectorStatus[];
  readonly depths: ReadonlyMap<string, number>;
  readonly reportsAvailable: boolean;
  /** Workloads by the worst that is said of them. */
  readonly workloads: Readonly<Record<WorkloadResult, number>>;
  /** When the workload that waits longest to be judged again was judged last. */
  readonly oldestVerification: number | undefined;
  readonly intervalMs: number;
  readonly policies: readonly PolicyState[];
  readonly exceptions: readonly ExceptionState[];
  /** Trust roots by how they stand. */
  readonly trustRoots: Readonly<Record<'fresh' | 'stale' | 'pending', number>>;
  readonly trustRootExpiry: number | undefined;
}

const NOTHING = {};
const SOURCE = 'background';

/** The metrics of the operator: those of the catalogue, never labelled by image, workload or user. */
export class OperatorMetrics implements ProgramObserver, ConfigurationObserver, TrustRootObserver {
  readonly #metrics: Metrics;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #counters: Counters;
  readonly #gauges: Gauges;

  constructor(metrics: Metrics = new Metrics(), clock: Pick<Clock, 'now'> = systemClock) {
    this.#metrics = metrics;
    this.#clock = clock;
    this.#counters = countersOf(metrics);
    this.#gauges = gaugesOf(metrics);
  }

  /** What is told of the work of a controller: counted, and failures are logged. */
  observerOf(controller: string, logger: Logger): QueueObserver {
    return {
      done: (_key, outcome, ms) => {
        this.#counters.reconciles.with({ controller, outcome }).inc();
        this.#counters.durations.with({ controller }).observe(ms / 1000);
      },
      failed: (key, error, retryMs) => {
        logger.warn('reconcile failed', { controller, key, error, retryMs });
      },
    };
  }

  published({ revision }: ProgramIndex): void {
    this.#gauges.revision.set(NOTHING, revision);
  }

  policies(counts: Readonly<Record<'compiled' | 'keptLast' | 'notEnforced', number>>): void {
    for (const [state, count] of Object.entries(counts))
      this.#gauges.policies.set({ state }, count);
  }

  configuration(
    configuration: string,
    { exists, drift }: { readonly exists: boolean; readonly drift: number },
  ): void {
    this.#gauges.exists.set({ configuration }, exists ? 1 : 0);
    this.#gauges.drift.set({ configuration }, drift);
  }

  authority(notAfter: Date): void {
    this.#gauges.ca.set(NOTHING, Math.floor(notAfter.getTime() / 1000));
  }

  trustRootRead(outcome: TrustReadOutcome): void {
    this.#counters.trustReads.with({ outcome }).inc();
  }

  /** A report was written, or could not be. */
  reportWritten(outcome: ReportWrite): void {
    this.#counters.writes.with({ outcome }).inc();
  }

  /** Remediation acted on a pod or workload, or was kept from it. */
  remediated(action: RemediationAction, outcome: RemediationOutcome): void {
    this.#counters.remediations.with({ action, outcome }).inc();
  }

  /** A policy judged an image that runs. */
  verified({ outcome, reason, isBridged }: Verified): void {
    if (isBridged === true) this.#counters.bridged.inc();
    const labels = { result: outcome, reason: reason ?? '', source: SOURCE };
    this.#counters.verifications.with(labels).inc();
  }

  /** Audit records were written, or lost. */
  audited(outcome: AuditOutcome, count: number): void {
    this.#counters.audits.with({ outcome }).inc(count);
  }

  /** Spans were sent, or lost. */
  traced(outcome: SpanOutcome, count: number): void {
    this.#counters.spans.with({ outcome }).inc(count);
  }

  /** A notification was sent, or not. */
  notified(outcome: DeliveryOutcome): void {
    this.#counters.notifications.with({ outcome }).inc();
  }

  /** Evidence for outages was kept, found, or neither. */
  keptEvidence(outcome: KeepingOutcome): void {
    this.#counters.keptEvidence.with({ outcome }).inc();
  }

  /** A verification that was given to a thread ended. */
  factJob(outcome: JobOutcome): void {
    this.#counters.factJobs.with({ outcome }).inc();
  }

  /** A collection of evidence was started. */
  collected(): void {
    this.#counters.collections.inc();
  }

  /** One HTTP exchange with a registry; outcomes are a closed set of the registry client. */
  exchanged(outcome: string): void {
    this.#counters.exchanges.with({ outcome }).inc();
  }

  /** Something was thrown that nobody expected. */
  fault(where: 'server' | 'process'): void {
    this.#counters.faults.with({ where }).inc();
  }

  /** Whether this process leads. */
  leads(yes: boolean): void {
    this.#gauges.leader.set(NOTHING, yes ? 1 : 0);
  }

  /** Forgets what gauges show of a term that is over, or has not begun. */
  forgetTerm(): void {
    this.#metrics.forgetGauges();
  }

  /** The exposition, with what gauges show already. */
  async expose(): Promise<{ readonly contentType: string; readonly body: string }> {
    return await this.#metrics.render();
  }

  /** The exposition, with the gauges as the state is now. */
  async render(
    state: OperatorState,
  ): Promise<{ readonly contentType: string; readonly body: string }> {
    const gauges = this.#gauges;
    const now = this.#clock.now().getTime();
    for (const [controller, depth] of state.depths) gauges.depth.set({ controller }, depth);
    for (const { resource, secondsSinceContact } of state.mirrors)
      gauges.contact.set({ resource }, Math.round(now / 1000 - secondsSinceContact));
    gauges.available.set(NOTHING, state.reportsAvailable ? 1 : 0);
    for (const [result, count] of Object.entries(state.workloads))
      gauges.workloads.set({ result }, count);
    gauges.oldest.set(NOTHING, Math.floor((state.oldestVerification ?? now) / 1000));
    gauges.interval.set(NOTHING, state.intervalMs / 1000);
    for (const [standing, count] of Object.entries(state.trustRoots))
      gauges.trust.set({ state: standing }, count);
    if (state.trustRootExpiry === undefined) gauges.trustExpiration.remove(NOTHING);
    else gauges.trustExpiration.set(NOTHING, Math.floor(state.trustRootExpiry / 1000));
    showPolicies(gauges, state.policies);
    showExceptions(gauges, state.exceptions, now);
    return await this.#metrics.render();
  }
}

function showPolicies(gauges: Gauges, policies: readonly PolicyState[]): void {
  const series = policies.map((labels) => ({ labels: { ...labels }, value: 1 }));
  gauges.omitted.set({ metric: 'policy_info' }, gauges.policyInfo.show(series));
}

/** Those that have not ended, the next to end first. */
function showExceptions(gauges: Gauges, exceptions: readonly ExceptionState[], now: number): void {
  const counts = new Map(EXCEPTION_STATES.map((state) => [state, 0]));
  for (const { state } of exceptions) counts.set(state, (counts.get(state) ?? 0) + 1);
  for (const [state, count] of counts) gauges.exceptions.set({ state }, count);
  for (const reason of EXCEPTION_CONCERNS) {
    const concerned = exceptions.filter(({ concerns }) => concerns.includes(reason));
    gauges.exceptionConcerns.set({ reason }, concerned.length);
  }
  for (const kind of ['Planned', 'Incident'] as const) {
    const those = exceptions.filter((exception) => exception.class === kind);
    for (const state of EXCEPTION_USES) {
      const workloads = those.reduce((sum, exception) => sum + exception.workloads[state], 0);
      gauges.exceptionWorkloads.set({ class: kind, state }, workloads);
    }
  }
  const series = exceptions
    .filter(({ state, expiresAt }) => state !== 'Revoked' && expiresAt > now)
    .toSorted((one, other) => one.expiresAt - other.expiresAt)
    .map(({ namespace, name, policy, expiresAt }) => ({
      labels: { namespace, name, policy },
      value: Math.floor(expiresAt / 1000),
    }));
  const metric = 'exception_expiration_timestamp_seconds';
  gauges.omitted.set({ metric }, gauges.exceptionExpiration.show(series));
}

interface Counters {
  readonly reconciles: CounterFamily<'controller' | 'outcome'>;
  readonly durations: HistogramFamily<'controller'>;
  readonly verifications: CounterFamily<'result' | 'reason' | 'source'>;
  readonly exchanges: CounterFamily<'outcome'>;
  readonly trustReads: CounterFamily<'outcome'>;
  readonly keptEvidence: CounterFamily<'outcome'>;
  readonly bridged: BoundCounter;
  readonly factJobs: CounterFamily<'outcome'>;
  readonly audits: CounterFamily<'outcome'>;
  readonly spans: CounterFamily<'outcome'>;
  readonly notifications: CounterFamily<'outcome'>;
  readonly faults: CounterFamily<'where'>;
  readonly writes: CounterFamily<'outcome'>;
  readonly remediations: CounterFamily<'action' | 'outcome'>;
  readonly collections: BoundCounter;
}

function countersOf(metrics: Metrics): Counters {
  const set = OPERATOR_METRICS;
  return {
    reconciles: metrics.counter(set.reconciles),
    durations: metrics.histogram(set.durations),
    verifications: metrics.counter(set.verifications),
    exchanges: metrics.counter(set.registryRequests),
    trustReads: metrics.counter(set.trustRootReads),
    keptEvidence: metrics.counter(set.keptEvidence),
    bridged: metrics.counter(set.bridgedVerdicts).with(NOTHING),
    factJobs: metrics.counter(set.factJobs),
    audits: metrics.counter(set.auditRecords),
    spans: metrics.counter(set.spans),
    notifications: metrics.counter(set.notifications),
    faults: metrics.counter(set.faults),
    writes: metrics.counter(set.reportWrites),
    remediations: metrics.counter(set.remediations),
    collections: metrics.counter(set.collections).with(NOTHING),
  };
}

interface Gauges {
  readonly leader: GaugeFamily<never>;
  readonly depth: GaugeFamily<'controller'>;
  readonly revision: GaugeFamily<never>;
  readonly policies: GaugeFamily<'state'>;
  readonly policyInfo: CappedGauge<'policy' | 'mode' | 'state'>;
  readonly exceptions: GaugeFamily<'state'>;
  readonly exceptionConcerns: GaugeFamily<'reason'>;
  readonly exceptionWorkloads: GaugeFamily<'class' | 'state'>;
  readonly exceptionExpiration: CappedGauge<'namespace' | 'name' | 'policy'>;
  readonly omitted: GaugeFamily<'metric'>;
  readonly exists: GaugeFamily<'configuration'>;
  readonly drift: GaugeFamily<'configuration'>;
  readonly ca: GaugeFamily<never>;
  readonly workloads: GaugeFamily<'result'>;
  readonly oldest: GaugeFamily<never>;
  readonly interval: GaugeFamily<never>;
  readonly contact: GaugeFamily<'resource'>;
  readonly available: GaugeFamily<never>;
  readonly trust: GaugeFamily<'state'>;
  readonly trustExpiration: GaugeFamily<never>;
}

function gaugesOf(metrics: Metrics): Gauges {
  const set = OPERATOR_METRICS;
  return {
    leader: metrics.gauge(set.leader),
    depth: metrics.gauge(set.depth),
    revision: metrics.gauge(set.revision),
    policies: metrics.gauge(set.policies),
    policyInfo: new CappedGauge(metrics, set.policyInfo),
    exceptions: metrics.gauge(set.exceptions),
    exceptionConcerns: metrics.gauge(set.exceptionConcerns),
    exceptionWorkloads: metrics.gauge(set.exceptionWorkloads),
    exceptionExpiration: new CappedGauge(metrics, set.exceptionExpiration),
    omitted: metrics.gauge(set.omitted),
    exists: metrics.gauge(set.configurationExists),
    drift: metrics.gauge(set.configurationDrift),
    ca: unset(metrics.gauge(set.ca)),
    workloads: metrics.gauge(set.workloads),
    oldest: metrics.gauge(set.oldest),
    interval: metrics.gauge(set.interval),
    contact: metrics.gauge(set.contact),
    available: metrics.gauge(set.reportsAvailable),
    trust: metrics.gauge(set.trustRoots),
    trustExpiration: unset(metrics.gauge(set.trustRootExpiration)),
  };
}

/** A gauge without a value until it has one: 0 would be an instant that has passed. */
function unset(gauge: GaugeFamily<never>): GaugeFamily<never> {
  gauge.remove(NOTHING);
  return gauge;
}

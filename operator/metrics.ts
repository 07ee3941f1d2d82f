// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { ReflectorStatus } from '../runtime/kube/index.ts';
import type { Logger } from '../runtime/log/index.ts';
import {
  Metrics,
  type BoundCounter,
  type CounterFamily,
  type GaugeFamily,
  type HistogramFamily,
} from '../runtime/metrics/index.ts';
import type { ProgramIndex } from '../runtime/program/index.ts';
import type { QueueObserver } from '../runtime/queue/index.ts';
import type { ProgramObserver } from './controllers/policy/index.ts';
import type { ConfigurationObserver } from './controllers/webhook-configuration/index.ts';
import type { ReportSummary, WorkloadObserver } from './controllers/workload/index.ts';

/** State of the operator as gauges show it. */
export interface OperatorState {
  readonly mirrors: readonly ReflectorStatus[];
  readonly depths: ReadonlyMap<string, number>;
  readonly reportsAvailable: boolean;
}

const NOTHING = {};
const BUCKETS = [0.005, 0.02, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60];
const RESULTS = ['pass', 'fail', 'warn', 'error', 'skip'] as const;

/** The metrics of the operator. Labels are closed sets: never an image, a namespace or a user. */
export class OperatorMetrics implements ProgramObserver, ConfigurationObserver, WorkloadObserver {
  readonly #metrics: Metrics;
  readonly #reconciles: CounterFamily<'controller' | 'outcome'>;
  readonly #durations: HistogramFamily<'controller'>;
  readonly #depth: GaugeFamily<'controller'>;
  readonly #revision: GaugeFamily<never>;
  readonly #policies: GaugeFamily<'state'>;
  readonly #exists: GaugeFamily<'configuration'>;
  readonly #drift: GaugeFamily<'configuration'>;
  readonly #results: GaugeFamily<'result'>;
  readonly #silent: GaugeFamily<'resource'>;
  readonly #available: GaugeFamily<never>;
  readonly #faults: BoundCounter;
  readonly #writes: BoundCounter;
  readonly #collections: BoundCounter;
  readonly #exchanges: CounterFamily<'outcome'>;
  readonly #summaries = new Map<string, ReportSummary>();

  constructor(metrics: Metrics = new Metrics()) {
    this.#metrics = metrics;
    const counter = (name: string, help: string): BoundCounter =>
      metrics.counter({ name, help }).with(NOTHING);
    this.#reconciles = metrics.counter({ name: 'reconciles_total', help: 'Reconciles by outcome.', labels: ['controller', 'outcome'] });
    this.#durations = metrics.histogram({ name: 'reconcile_duration_seconds', help: 'Time of one reconcile.', labels: ['controller'], buckets: BUCKETS });
    this.#depth = metrics.gauge({ name: 'queue_depth', help: 'Keys that wait.', labels: ['controller'] });
    this.#revision = metrics.gauge({ name: 'published_program_revision', help: 'Revision of the program in the cluster.' });
    this.#policies = metrics.gauge({ name: 'policies', help: 'Policies by how they stand in the program.', labels: ['state'] });
    this.#exists = metrics.gauge({ name: 'webhook_configuration_exists', help: '0 where a webhook configuration was deleted: admission is open.', labels: ['configuration'] });
    this.#drift = metrics.gauge({ name: 'webhook_configuration_drift', help: 'Points in which a webhook configuration differs from what it must be.', labels: ['configuration'] });
    this.#results = metrics.gauge({ name: 'report_results', help: 'Results of all workloads.', labels: ['result'] });
    this.#silent = metrics.gauge({ name: 'mirror_silent_seconds', help: 'Seconds since the API server spoke of a resource.', labels: ['resource'] });
    this.#available = metrics.gauge({ name: 'reports_available', help: '0 where no PolicyReports can be written.' });
    this.#faults = counter('internal_errors_total', 'Faults of ours that the process survived.');
    this.#writes = counter('report_writes_total', 'PolicyReports that were created, replaced or deleted.');
    this.#collections = counter('collections_total', 'Collections of evidence from registries.');
    this.#exchanges = metrics.counter({ name: 'registry_exchanges_total', help: 'HTTP exchanges with registries.', labels: ['outcome'] });
  }

  /** What is told of the work of a controller: counted, and failures are logged. */
  observerOf(controller: string, logger: Logger): QueueObserver {
    return {
      done: (_key, outcome, ms) => {
        this.#reconciles.with({ controller, outcome }).inc();
        this.#durations.with({ controller }).observe(ms / 1000);
      },
      failed: (key, error, retryMs) => {
        logger.warn('reconcile failed', { controller, key, error, retryMs });
      },
    };
  }

  published({ revision }: ProgramIndex): void {
    this.#revision.set(NOTHING, revision);
  }

  policies(counts: Readonly<Record<'compiled' | 'keptLast' | 'notEnforced', number>>): void {
    for (const [state, count] of Object.entries(counts)) this.#policies.set({ state }, count);
  }

  configuration(
    configuration: string,
    { exists, drift }: { readonly exists: boolean; readonly drift: number },
  ): void {
    this.#exists.set({ configuration }, exists ? 1 : 0);
    this.#drift.set({ configuration }, drift);
  }

  judged(key: string, summary: ReportSummary | undefined): void {
    if (summary === undefined) this.#summaries.delete(key);
    else this.#summaries.set(key, summary);
  }

  /** A report was written. */
  reportWritten(): void {
    this.#writes.inc();
  }

  /** A collection of evidence was started. */
  collected(): void {
    this.#collections.inc();
  }

  /** One HTTP exchange with a registry; outcomes are a closed set of the registry client. */
  exchanged(outcome: string): void {
    this.#exchanges.with({ outcome }).inc();
  }

  /** Something was thrown that nobody expected. */
  fault(): void {
    this.#faults.inc();
  }

  /** The exposition, with the gauges as the state is now. */
  async render(state: OperatorState): Promise<{ readonly contentType: string; readonly body: string }> {
    for (const [controller, depth] of state.depths) this.#depth.set({ controller }, depth);
    for (const { resource, secondsSinceContact } of state.mirrors) {
      this.#silent.set({ resource }, secondsSinceContact);
    }
    this.#available.set(NOTHING, state.reportsAvailable ? 1 : 0);
    const totals = { pass: 0, fail: 0, warn: 0, error: 0, skip: 0 };
    for (const summary of this.#summaries.values()) {
      for (const result of RESULTS) totals[result] += summary[result];
    }
    for (const result of RESULTS) this.#results.set({ result }, totals[result]);
    return await this.#metrics.render();
  }
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { JobOutcome } from '../runtime/fact-workers/index.ts';
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
import type { TrustReadOutcome, TrustRootObserver } from './controllers/trust/index.ts';
import type { ConfigurationObserver } from './controllers/webhook-configuration/index.ts';
import type { ReportSummary } from './reporting/index.ts';

/** State of the operator as gauges show it. */
export interface OperatorState {
  readonly mirrors: readonly ReflectorStatus[];
  readonly depths: ReadonlyMap<string, number>;
  readonly reportsAvailable: boolean;
  /** Results of all workloads, of each as it was last judged. */
  readonly results: ReportSummary;
  /** Trust roots by how they stand. */
  readonly trustRoots: Readonly<Record<'fresh' | 'stale' | 'pending', number>>;
}

const NOTHING = {};
const BUCKETS = [0.005, 0.02, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60];
const RESULTS = ['pass', 'fail', 'warn', 'error', 'skip'] as const;

/** The metrics of the operator. Labels are closed sets: never an image, a namespace or a user. */
export class OperatorMetrics implements ProgramObserver, ConfigurationObserver, TrustRootObserver {
  readonly #metrics: Metrics;
  readonly #counters: CounterFamilies;
  readonly #gauges: GaugeFamilies;
  readonly #durations: HistogramFamily<'controller'>;
  readonly #leader: GaugeFamily<never>;

  constructor(metrics: Metrics = new Metrics()) {
    this.#metrics = metrics;
    this.#counters = countersOf(metrics);
    this.#gauges = gaugesOf(metrics);
    this.#leader = metrics.gauge({
      name: 'leader',
      help: '1 where this replica leads: it alone writes. 0 where it stands by.',
    });
    this.#durations = metrics.histogram({
      name: 'reconcile_duration_seconds',
      help: 'Time of one reconcile.',
      labels: ['controller'],
      buckets: BUCKETS,
    });
  }

  /** What is told of the work of a controller: counted, and failures are logged. */
  observerOf(controller: string, logger: Logger): QueueObserver {
    return {
      done: (_key, outcome, ms) => {
        this.#counters.reconciles.with({ controller, outcome }).inc();
        this.#durations.with({ controller }).observe(ms / 1000);
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

  /** A report was written. */
  reportWritten(): void {
    this.#counters.writes.inc();
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
  fault(): void {
    this.#counters.faults.inc();
  }

  /** Whether this process leads. */
  leads(yes: boolean): void {
    this.#leader.set(NOTHING, yes ? 1 : 0);
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
    for (const [controller, depth] of state.depths) this.#gauges.depth.set({ controller }, depth);
    for (const { resource, secondsSinceContact } of state.mirrors) {
      this.#gauges.silent.set({ resource }, secondsSinceContact);
    }
    this.#gauges.available.set(NOTHING, state.reportsAvailable ? 1 : 0);
    for (const [standing, count] of Object.entries(state.trustRoots))
      this.#gauges.trust.set({ state: standing }, count);
    for (const result of RESULTS) this.#gauges.results.set({ result }, state.results[result]);
    return await this.#metrics.render();
  }
}

interface CounterFamilies {
  readonly reconciles: CounterFamily<'controller' | 'outcome'>;
  readonly exchanges: CounterFamily<'outcome'>;
  readonly trustReads: CounterFamily<'outcome'>;
  readonly factJobs: CounterFamily<'outcome'>;
  readonly faults: BoundCounter;
  readonly writes: BoundCounter;
  readonly collections: BoundCounter;
}

function countersOf(metrics: Metrics): CounterFamilies {
  const plain = (name: string, help: string): BoundCounter =>
    metrics.counter({ name, help }).with(NOTHING);
  return {
    reconciles: metrics.counter({
      name: 'reconciles_total',
      help: 'Reconciles by outcome.',
      labels: ['controller', 'outcome'],
    }),
    exchanges: metrics.counter({
      name: 'registry_exchanges_total',
      help: 'HTTP exchanges with registries.',
      labels: ['outcome'],
    }),
    trustReads: metrics.counter({
      name: 'trust_root_reads_total',
      help: 'Reads of trust roots through TUF.',
      labels: ['outcome'],
    }),
    factJobs: metrics.counter({
      name: 'fact_jobs_total',
      help: 'Verifications that were given to threads.',
      labels: ['outcome'],
    }),
    faults: plain('internal_errors_total', 'Faults of ours that the process survived.'),
    writes: plain('report_writes_total', 'PolicyReports that were created, replaced or deleted.'),
    collections: plain('collections_total', 'Collections of evidence from registries.'),
  };
}

interface GaugeFamilies {
  readonly depth: GaugeFamily<'controller'>;
  readonly revision: GaugeFamily<never>;
  readonly policies: GaugeFamily<'state'>;
  readonly exists: GaugeFamily<'configuration'>;
  readonly drift: GaugeFamily<'configuration'>;
  readonly ca: GaugeFamily<never>;
  readonly results: GaugeFamily<'result'>;
  readonly silent: GaugeFamily<'resource'>;
  readonly available: GaugeFamily<never>;
  readonly trust: GaugeFamily<'state'>;
}

function gaugesOf(metrics: Metrics): GaugeFamilies {
  const by = <L extends string>(label: L, name: string, help: string): GaugeFamily<L> =>
    metrics.gauge({ name, help, labels: [label] });
  const plain = (name: string, help: string): GaugeFamily<never> => metrics.gauge({ name, help });
  return {
    depth: by('controller', 'queue_depth', 'Keys that wait.'),
    revision: plain('published_program_revision', 'Revision of the program in the cluster.'),
    policies: by('state', 'policies', 'Policies by how they stand in the program.'),
    exists: by(
      'configuration',
      'webhook_configuration_exists',
      '0 where a webhook configuration was deleted: admission is open.',
    ),
    drift: by(
      'configuration',
      'webhook_configuration_drift',
      'Points in which a webhook configuration differs from what it must be.',
    ),
    ca: unset(
      plain(
        'webhook_ca_expiration_timestamp_seconds',
        'End of the CA that signs the serving certificates of the webhook.',
      ),
    ),
    results: by('result', 'report_results', 'Results of all workloads.'),
    silent: by(
      'resource',
      'mirror_silent_seconds',
      'Seconds since the API server spoke of a resource.',
    ),
    trust: by(
      'state',
      'trust_roots',
      'TUF repositories that policies have trust roots from, by how these stand.',
    ),
    available: plain('reports_available', '0 where no PolicyReports can be written.'),
  };
}

/** A gauge without a value until it has one: 0 would be an instant that has passed. */
function unset(gauge: GaugeFamily<never>): GaugeFamily<never> {
  gauge.remove(NOTHING);
  return gauge;
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Readiness } from '../runtime/http/index.ts';
import type { QueueObserver, WorkQueue } from '../runtime/queue/index.ts';
import { parseTrustedRoot } from '../verification/index.ts';
import {
  addConfigurations,
  addExceptions,
  addExceptionNotices,
  addPolicies,
  addProgram,
  addRemediation,
  addReports,
  addWorkloads,
  createParts,
  PROGRAM,
  type ControllerName,
  type Host,
  type OperatorOptions,
  type Parts,
} from './assembly/index.ts';
import { standingOf, type ProgramReconciler } from './controllers/policy/index.ts';
import { TrustRoots } from './controllers/trust/index.ts';
import { ControllerOperator } from './framework/index.ts';
import type { OperatorState } from './metrics.ts';
import { REPORT_APIS } from './reporting/index.ts';
import { exceptionStates, policyStates } from './state/observed-state.ts';
import { EventRecorder } from './status/event-recorder.ts';

type Observed = Pick<
  OperatorState,
  'workloads' | 'oldestVerification' | 'intervalMs' | 'policies' | 'exceptions'
>;

const UNKNOWN: Observed = {
  workloads: { pass: 0, fail: 0, warn: 0, error: 0, skip: 0, none: 0 },
  oldestVerification: undefined,
  intervalMs: 0,
  policies: [],
  exceptions: [],
};
/** What may not be served: everything else goes on. */
const OPTIONAL: ReadonlySet<string> = new Set(
  REPORT_APIS.flatMap(({ reports, clusterReports }) => [reports.plural, clusterReports.plural]),
);

/**
 * The operator: one controller each for the program, the status of policies, exceptions, webhook
 * configurations and workloads. It works for one term: one replica at a time does.
 */
export class CountersignOperator extends ControllerOperator {
  readonly #options: OperatorOptions;
  readonly #queues = new Map<ControllerName, WorkQueue>();
  readonly #trustRoots: TrustRoots;
  readonly #host: Host;
  #parts: Parts | undefined;
  #publisher: ProgramReconciler | undefined;

  constructor(options: OperatorOptions) {
    const { kubeConfig, client, clock, logger, metrics } = options;
    const observerOf = (name: string): QueueObserver => metrics.observerOf(name, logger);
    super({ kubeConfig, client, clock, logger, observerOf });
    this.#options = options;
    this.#host = this.#createHost();
    this.#trustRoots = new TrustRoots({
      source: options.trustRoots,
      check: parseTrustedRoot,
      clock,
      logger,
      random: Math.random,
      observer: metrics,
      onChange: () => this.#host.enqueue('program', PROGRAM),
    });
  }

  /** Whether everything that decides is mirrored, and what is missing. Reports may be missing. */
  readiness(): Readiness {
    const reasons = this.mirrorStatus
      .filter(({ synced, resource }) => !synced && !OPTIONAL.has(resource))
      .map(({ resource, problem = 'not listed yet' }) => `${resource}: ${problem}`);
    return { ok: this.#parts !== undefined && reasons.length === 0, reasons };
  }

  /** The exposition of the metrics, as things are now. */
  async renderMetrics(): Promise<{ readonly contentType: string; readonly body: string }> {
    return await this.#options.metrics.render({
      mirrors: this.mirrorStatus,
      depths: this.depths,
      reportsAvailable: this.#parts?.reports.available ?? false,
      ...this.#observed(),
      trustRoots: this.#trustRoots.counts(),
      trustRootExpiry: this.#trustRoots.expiry,
    });
  }

  /** What is known of policies, exceptions and workloads; nothing before the start. */
  #observed(): Observed {
    if (this.#parts === undefined) return UNKNOWN;
    const { mirrors, board, usage, log, program } = this.#parts;
    const intervals = program.snapshot?.policies.map((policy) => policy.intervalMs) ?? [];
    return {
      workloads: board.workloads(),
      oldestVerification: log.oldest,
      intervalMs: Math.max(0, ...intervals),
      policies: policyStates(mirrors.policies.store.list(), (name) => {
        const view = this.#publisher?.viewOf(name);
        return view === undefined ? 'pending' : standingOf(view);
      }),
      exceptions: exceptionStates(mirrors.exceptions.store.list(), usage),
    };
  }

  /** Reads no more trust roots either. */
  override async shutDown(): Promise<void> {
    this.#trustRoots.close();
    this.#parts?.owners.close();
    await super.shutDown();
    // A last reconcile may have asked for one.
    this.#trustRoots.close();
  }

  protected override init(): Promise<void> {
    const host = this.#host;
    const parts = createParts(host);
    this.#parts = parts;
    const publisher = addProgram(host, parts, this.#trustRoots);
    this.#publisher = publisher;
    addPolicies(host, parts, publisher);
    addExceptions(host, parts);
    addExceptionNotices(host, parts);
    addConfigurations(host, parts);
    addReports(host, parts, publisher);
    addWorkloads(host, parts, addRemediation(host, parts));
    return Promise.resolve();
  }

  #createHost(): Host {
    const { client: api, clock, logger, instance } = this.#options;
    const enqueue = (controller: ControllerName, key: string): void => {
      this.#queues.get(controller)?.add(key);
    };
    return {
      options: this.#options,
      events: new EventRecorder({ api, clock, logger, instance }),
      mirror: (spec) => this.mirror(spec),
      drop: (mirror) => this.drop(mirror),
      add: (spec) => this.#queues.set(spec.name, this.controller(spec)),
      enqueue,
      enqueueAfter: (controller, key, ms) => this.#queues.get(controller)?.addAfter(key, ms),
      enqueueAll: (controller, keys) => {
        for (const key of keys) enqueue(controller, key);
      },
    };
  }
}

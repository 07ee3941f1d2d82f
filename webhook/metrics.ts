// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { AuditOutcome } from '../runtime/audit/index.ts';
import type { JobOutcome } from '../runtime/fact-workers/index.ts';
import type { ImageJudgement } from '../runtime/judge/index.ts';
import {
  Metrics,
  type BoundCounter,
  type CounterFamily,
  type HistogramFamily,
} from '../runtime/metrics/index.ts';
import { WORKLOAD_KINDS } from '../runtime/workload/index.ts';
import type { AdmissionRequest } from './admission/decode.ts';
import type { Folded } from './handlers/fold.ts';
import type { PinOutcome } from './handlers/pin.ts';
import type { VerifyObserver } from './handlers/verify.ts';

/** Which of the webhooks. */
export type WebhookName = 'verify' | 'pin' | 'resources';

/** State of the replica as gauges show it. */
export interface ReplicaState {
  readonly revision: number | undefined;
  readonly programProblem: boolean;
  readonly policies: number;
  readonly exceptions: number;
  readonly invalidExceptions: number;
  /** Milliseconds since the epoch. */
  readonly leafNotAfter: number | undefined;
  /** Webhooks whose caBundle does not accept the certificate. */
  readonly refusing: number;
  readonly ready: boolean;
  /** Seconds since the API server last spoke of each mirrored resource. */
  readonly silentSeconds: Readonly<Record<string, number>>;
}

const NOTHING = {};
const BUCKETS = [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 9, 15];
const KINDS: ReadonlySet<string> = new Set(WORKLOAD_KINDS);

type RequestLabel = 'webhook' | 'operation' | 'kind' | 'decision' | 'code' | 'dry_run';
type PlainFamily = CounterFamily<never>;

/** The metrics of a webhook replica. Labels are closed sets: never an image, a namespace or a user. */
export class WebhookMetrics implements VerifyObserver {
  readonly #metrics: Metrics;
  readonly #requests: CounterFamily<RequestLabel>;
  readonly #durations: HistogramFamily<'webhook'>;
  readonly #verifications: CounterFamily<'result' | 'reason' | 'source'>;
  /** The commonest verdict: counted by the number, without a look-up. */
  readonly #verifiedFromCache: BoundCounter;
  readonly #pins: CounterFamily<'outcome'>;
  readonly #caches: CounterFamily<'cache' | 'outcome'>;
  readonly #unreadable: CounterFamily<'status'>;
  readonly #unmatched: BoundCounter;
  readonly #mirrors: BoundCounter;
  readonly #collections: BoundCounter;
  readonly #faults: CounterFamily<'where'>;
  readonly #exchanges: CounterFamily<'outcome'>;
  readonly #factJobs: CounterFamily<'outcome'>;
  readonly #audits: CounterFamily<'outcome'>;
  readonly #showState: (state: ReplicaState) => void;

  constructor(metrics: Metrics = new Metrics()) {
    this.#metrics = metrics;
    const counter = counterMaker(metrics);
    this.#requests = counter(
      'admission_requests_total',
      'Admission requests by decision and reason code.',
      ['webhook', 'operation', 'kind', 'decision', 'code', 'dry_run'],
    );
    this.#durations = metrics.histogram({
      name: 'admission_duration_seconds',
      help: 'Time from the head of a request to its answer.',
      labels: ['webhook'],
      buckets: BUCKETS,
    });
    this.#verifications = counter('verifications_total', 'Verdicts of policies on images.', [
      'result',
      'reason',
      'source',
    ]);
    this.#verifiedFromCache = this.#verifications.with({
      result: 'verified',
      reason: '',
      source: 'cache',
    });
    this.#pins = counter('pins_total', 'Images without digest by what became of them.', [
      'outcome',
    ]);
    this.#caches = counter('cache_requests_total', 'Look-ups in caches.', ['cache', 'outcome']);
    this.#unreadable = counter(
      'admission_unreadable_total',
      'Requests that were no admission review, by HTTP status.',
      ['status'],
    );
    this.#faults = counter(
      'internal_errors_total',
      'Faults of ours that a request or a process survived.',
      ['where'],
    );
    this.#exchanges = counter('registry_exchanges_total', 'HTTP exchanges with registries.', [
      'outcome',
    ]);
    this.#factJobs = counter('fact_jobs_total', 'Verifications that were given to threads.', [
      'outcome',
    ]);
    this.#audits = counter('audit_records_total', 'Audit records by what became of them.', [
      'outcome',
    ]);
    this.#unmatched = plain(metrics, 'unmatched_images_total', 'Images that no policy matched.');
    const mirrors = 'Mirror pods that do not satisfy a policy.';
    this.#mirrors = plain(metrics, 'mirror_pods_unverified_total', mirrors);
    const collections = 'Collections of evidence from registries.';
    this.#collections = plain(metrics, 'collections_total', collections);
    this.#showState = stateGauges(metrics);
  }

  /** One answer. */
  answered(webhook: WebhookName, request: AdmissionRequest, folded: Folded, seconds: number): void {
    const { response, code = '' } = folded;
    this.#requests
      .with({
        webhook,
        operation: request.operation,
        kind: KINDS.has(request.kind) ? request.kind : 'other',
        decision: response.allowed ? 'allowed' : 'denied',
        code,
        dry_run: request.dryRun ? 'true' : 'false',
      })
      .inc();
    this.#durations.with({ webhook }).observe(seconds);
  }

  /** A request that could not be read; answered with this HTTP status. */
  unreadable(status: number): void {
    this.#unreadable.with({ status: status.toString() }).inc();
  }

  /** Something was thrown that nobody expected. */
  fault(where: 'handler' | 'server' | 'process'): void {
    this.#faults.with({ where }).inc();
  }

  judged(judgement: ImageJudgement, source: 'cache' | 'registry'): void {
    this.#caches.with({ cache: 'evidence', outcome: source === 'cache' ? 'hit' : 'miss' }).inc();
    let verified = 0;
    for (const { verdict } of judgement.policies) {
      const { outcome } = verdict;
      if (outcome === 'verified' && source === 'cache') {
        verified += 1;
        continue;
      }
      const reason = outcome === 'rejected' || outcome === 'inconclusive' ? verdict.first.code : '';
      this.#verifications.with({ result: outcome, reason, source }).inc();
    }
    if (verified > 0) this.#verifiedFromCache.inc(verified);
  }

  unmatched(): void {
    this.#unmatched.inc();
  }

  mirror(): void {
    this.#mirrors.inc();
  }

  /** What became of an image without digest. */
  pinned(outcome: PinOutcome): void {
    this.#pins.with({ outcome }).inc();
  }

  /** A look-up in the cache of tags. */
  tagLookedUp(hit: boolean): void {
    this.#caches.with({ cache: 'tags', outcome: hit ? 'hit' : 'miss' }).inc();
  }

  /** One HTTP exchange with a registry; outcomes are a closed set of the registry client. */
  exchanged(outcome: string): void {
    this.#exchanges.with({ outcome }).inc();
  }

  /** A verification that was given to a thread ended. */
  factJob(outcome: JobOutcome): void {
    this.#factJobs.with({ outcome }).inc();
  }

  /** Audit records were written, or lost. */
  audited(outcome: AuditOutcome, count: number): void {
    this.#audits.with({ outcome }).inc(count);
  }

  /** A collection of evidence was started. */
  collected(): void {
    this.#collections.inc();
  }

  /** The exposition, with the gauges as the state is now. */
  async render(
    state: ReplicaState,
  ): Promise<{ readonly contentType: string; readonly body: string }> {
    this.#showState(state);
    return await this.#metrics.render();
  }
}

type CounterMaker = <L extends string>(
  name: string,
  help: string,
  labels: readonly L[],
) => CounterFamily<L>;

function counterMaker(metrics: Metrics): CounterMaker {
  return (name, help, labels) => metrics.counter({ name, help, labels });
}

function plain(metrics: Metrics, name: string, help: string): BoundCounter {
  const family: PlainFamily = metrics.counter({ name, help });
  return family.with(NOTHING);
}

function stateGauges(metrics: Metrics): (state: ReplicaState) => void {
  const gauge = (name: string, help: string): ((value: number) => void) => {
    const family = metrics.gauge({ name, help });
    return (value) => {
      family.set(NOTHING, value);
    };
  };
  const revision = gauge(
    'program_revision',
    'Revision of the program that is enforced; 0 before the first.',
  );
  const problem = gauge('program_problem', '1 where the newest program could not be taken.');
  const policies = gauge('program_policies', 'Policies that are enforced.');
  const exceptions = gauge('exceptions', 'Exceptions that can be read.');
  const invalid = gauge('exceptions_invalid', 'Exceptions that cannot be read and have no effect.');
  const leaf = gauge(
    'webhook_certificate_expiration_timestamp_seconds',
    'End of the serving certificate.',
  );
  const refusing = gauge(
    'webhook_ca_bundle_mismatches',
    'Webhooks whose caBundle does not accept the serving certificate.',
  );
  const ready = gauge('webhook_ready', '1 where the replica is ready.');
  const silent = metrics.gauge({
    name: 'mirror_silent_seconds',
    help: 'Seconds since the API server spoke of a resource.',
    labels: ['resource'],
  });
  return (state) => {
    revision(state.revision ?? 0);
    problem(state.programProblem ? 1 : 0);
    policies(state.policies);
    exceptions(state.exceptions);
    invalid(state.invalidExceptions);
    leaf(Math.floor((state.leafNotAfter ?? 0) / 1000));
    refusing(state.refusing);
    ready(state.ready ? 1 : 0);
    for (const [resource, seconds] of Object.entries(state.silentSeconds))
      silent.set({ resource }, seconds);
  };
}

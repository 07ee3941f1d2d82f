// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { AuditOutcome } from '../runtime/audit/index.ts';
import { systemClock, type Clock } from '../runtime/clock.ts';
import type { JobOutcome } from '../runtime/fact-workers/index.ts';
import type { ImageJudgement } from '../runtime/judge/index.ts';
import {
  CappedCounter,
  Metrics,
  WEBHOOK_METRICS,
  type BoundCounter,
  type CounterFamily,
  type HistogramFamily,
  type MetricDefinition,
} from '../runtime/metrics/index.ts';
import type { KeepingOutcome } from '../runtime/verified-evidence/index.ts';
import type { SpanOutcome } from '../runtime/tracing/index.ts';
import { WORKLOAD_KINDS } from '../runtime/workload/index.ts';
import { classOf, isInconclusive, type RequirementResult } from '../verification/index.ts';
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
const KINDS: ReadonlySet<string> = new Set(WORKLOAD_KINDS);
const SOURCE = 'admission';

type RequestLabel = 'webhook' | 'operation' | 'kind' | 'decision' | 'dry_run';

/** The metrics of a webhook replica: those of the catalogue, never labelled by image, workload or user. */
export class WebhookMetrics implements VerifyObserver {
  readonly #metrics: Metrics;
  readonly #requests: CounterFamily<RequestLabel>;
  readonly #denials: CounterFamily<'webhook' | 'reason'>;
  readonly #durations: HistogramFamily<'webhook'>;
  readonly #verifications: CounterFamily<'result' | 'reason' | 'source'>;
  /** The commonest verdict: counted by the number, without a look-up. */
  readonly #verified: BoundCounter;
  readonly #exceptionUses: CappedCounter<'namespace' | 'name' | 'class'>;
  readonly #pins: CounterFamily<'outcome'>;
  readonly #caches: CounterFamily<'cache' | 'outcome'>;
  readonly #unreadable: CounterFamily<'status'>;
  readonly #unmatched: BoundCounter;
  readonly #mirrors: BoundCounter;
  readonly #collections: BoundCounter;
  readonly #faults: CounterFamily<'where'>;
  readonly #exchanges: CounterFamily<'outcome'>;
  readonly #keptEvidence: CounterFamily<'outcome'>;
  readonly #bridged: BoundCounter;
  readonly #factJobs: CounterFamily<'outcome'>;
  readonly #audits: CounterFamily<'outcome'>;
  readonly #spans: CounterFamily<'outcome'>;
  readonly #showState: (state: ReplicaState) => void;

  constructor(metrics: Metrics = new Metrics(), clock: Pick<Clock, 'now'> = systemClock) {
    const set = WEBHOOK_METRICS;
    this.#metrics = metrics;
    this.#requests = metrics.counter(set.requests);
    this.#denials = metrics.counter(set.denials);
    this.#durations = metrics.histogram(set.durations);
    this.#verifications = metrics.counter(set.verifications);
    this.#verified = this.#verifications.with({ result: 'verified', reason: '', source: SOURCE });
    this.#exceptionUses = new CappedCounter(metrics, set.exceptionUses);
    this.#pins = metrics.counter(set.pins);
    this.#caches = metrics.counter(set.caches);
    this.#unreadable = metrics.counter(set.unreadable);
    this.#faults = metrics.counter(set.faults);
    this.#exchanges = metrics.counter(set.registryRequests);
    this.#keptEvidence = metrics.counter(set.keptEvidence);
    this.#bridged = metrics.counter(set.bridgedVerdicts).with(NOTHING);
    this.#factJobs = metrics.counter(set.factJobs);
    this.#audits = metrics.counter(set.auditRecords);
    this.#spans = metrics.counter(set.spans);
    this.#unmatched = metrics.counter(set.unmatched).with(NOTHING);
    this.#mirrors = metrics.counter(set.mirrors).with(NOTHING);
    this.#collections = metrics.counter(set.collections).with(NOTHING);
    this.#showState = stateGauges(metrics, clock);
  }

  /** One answer. */
  answered(webhook: WebhookName, request: AdmissionRequest, folded: Folded, seconds: number): void {
    this.#requests
      .with({
        webhook,
        operation: request.operation,
        kind: KINDS.has(request.kind) ? request.kind : 'other',
        decision: decisionOf(folded),
        dry_run: request.dryRun ? 'true' : 'false',
      })
      .inc();
    if (!folded.response.allowed)
      this.#denials.with({ webhook, reason: folded.code ?? 'INTERNAL' }).inc();
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
    for (const { verdict, lastVerified } of judgement.policies) {
      const { outcome } = verdict;
      if (lastVerified !== undefined) this.#bridged.inc();
      if (outcome === 'verified') {
        verified += 1;
        continue;
      }
      if (outcome === 'exempt') this.#exempted(verdict.results);
      const reason = outcome === 'exempt' ? '' : verdict.first.code;
      this.#verifications.with({ result: outcome, reason, source: SOURCE }).inc();
    }
    if (verified > 0) this.#verified.inc(verified);
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

  /** Evidence for outages was kept, found, or neither. */
  keptEvidence(outcome: KeepingOutcome): void {
    this.#keptEvidence.with({ outcome }).inc();
  }

  /** A verification that was given to a thread ended. */
  factJob(outcome: JobOutcome): void {
    this.#factJobs.with({ outcome }).inc();
  }

  /** Audit records were written, or lost. */
  audited(outcome: AuditOutcome, count: number): void {
    this.#audits.with({ outcome }).inc(count);
  }

  /** Spans were sent, or lost. */
  traced(outcome: SpanOutcome, count: number): void {
    this.#spans.with({ outcome }).inc(count);
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

  /** Each exception once, however many requirements it covers. */
  #exempted(results: readonly RequirementResult[]): void {
    const uses = new Map(
      results.flatMap((result) => {
        if (result.outcome !== 'exempt') return [];
        const { namespace, name, documentation } = result.exception;
        const labels = { namespace, name, class: classOf(documentation) };
        return [[`${namespace}/${name}`, labels] as const];
      }),
    );
    for (const use of uses.values()) this.#exceptionUses.with(use).inc();
  }
}

function decisionOf({ response, code }: Folded): 'allow' | 'warn' | 'deny' | 'error' {
  if (response.allowed) return response.warnings === undefined ? 'allow' : 'warn';
  return code === undefined || isInconclusive(code) ? 'error' : 'deny';
}

function stateGauges(metrics: Metrics, clock: Pick<Clock, 'now'>): (state: ReplicaState) => void {
  const set = WEBHOOK_METRICS;
  const gauge = (definition: MetricDefinition<never>): ((value: number) => void) => {
    const family = metrics.gauge(definition);
    return (value) => {
      family.set(NOTHING, value);
    };
  };
  const revision = gauge(set.revision);
  const problem = gauge(set.problem);
  const policies = gauge(set.policies);
  const exceptions = metrics.gauge(set.exceptions);
  const certificate = metrics.gauge(set.certificate);
  const refusing = gauge(set.refusing);
  const ready = gauge(set.ready);
  const contact = metrics.gauge(set.contact);
  return (state) => {
    revision(state.revision ?? 0);
    problem(state.programProblem ? 1 : 0);
    policies(state.policies);
    exceptions.set({ state: 'readable' }, state.exceptions);
    exceptions.set({ state: 'invalid' }, state.invalidExceptions);
    if (state.leafNotAfter === undefined) certificate.remove(NOTHING);
    else certificate.set(NOTHING, Math.floor(state.leafNotAfter / 1000));
    refusing(state.refusing);
    ready(state.ready ? 1 : 0);
    const now = clock.now().getTime() / 1000;
    for (const [resource, seconds] of Object.entries(state.silentSeconds))
      contact.set({ resource }, Math.round(now - seconds));
  };
}

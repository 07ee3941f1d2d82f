// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { ImageTrustPolicySpecInput, SigningException } from '../../crds/index.ts';
import { fixedClock, type FixedClock } from '../../runtime/clock-testing.ts';
import { FollowedExceptions } from '../../runtime/exceptions/index.ts';
import { EvidenceCache, Judge } from '../../runtime/judge/index.ts';
import type { KubeObject } from '../../runtime/kube/index.ts';
import { silentLogger } from '../../runtime/log/index.ts';
import { PolicySnapshot, type DefaultAction } from '../../runtime/program/index.ts';
import { TagDigests } from '../../runtime/registry/index.ts';
import { compilePolicy, FactCache } from '../../verification/index.ts';
import {
  followChanges,
  followOwners,
  followReports,
  ForeignOwners,
  Refreshes,
  ReportStore,
  VerificationLog,
  WorkloadExaminer,
  WorkloadReconciler,
  type WorkloadObject,
} from '../controllers/workload/index.ts';
import type { PolicyReport } from '../reporting/index.ts';
import { ExceptionUsageBoard } from '../state/exception-usage.ts';
import type { WorkloadFinding } from '../state/findings-board.ts';
import type { ObjectEvent } from '../status/events.ts';
import { FakeApi } from './fake-api.ts';
import { FakeReports } from './reporting.ts';
import { KeptInMemory } from './kept-evidence.ts';
import { FakeKeychains, FakeRegistry } from './registry.ts';
import { OwnerApi } from './owner-api.ts';
import { inventoryOf } from './workloads.ts';

const HOUR = 3_600_000;

/** Judging as the operator does it, over a registry in memory. */
export function judgingParts(clock: FixedClock): {
  readonly registry: FakeRegistry;
  readonly keychains: FakeKeychains;
  readonly examiner: WorkloadExaminer;
} {
  const registry = new FakeRegistry();
  const keychains = new FakeKeychains();
  const evidence = new EvidenceCache({
    source: registry,
    clock,
    freshMs: 168 * HOUR,
    negativeMs: 5_000,
    collectionMs: 20_000,
    maxBytes: 1024 * 1024,
  });
  const judge = new Judge({ evidence, facts: new FactCache(), clock, lastVerified: { store: new KeptInMemory() } });
  const tags = new TagDigests({ source: registry, clock, freshMs: 10_000, resolveMs: 20_000 });
  const refreshes = new Refreshes(clock);
  return { registry, keychains, examiner: new WorkloadExaminer({ judge, evidence, tags, keychains, refreshes }) };
}

/** A program of these policies. */
export function snapshotOf(
  policies: Readonly<Record<string, ImageTrustPolicySpecInput>>,
  defaultAction: DefaultAction = 'Allow',
): PolicySnapshot {
  const compiled = Object.entries(policies).map(([name, spec]) => compilePolicy(name, spec));
  return new PolicySnapshot(1, defaultAction, compiled);
}

/** A cluster whose workloads are judged again and again, as time passes and things change. */
export class World {
  readonly api = new FakeApi();
  /** Where owners of kinds that are not mirrored are found. */
  readonly owners = new OwnerApi();
  readonly clock: FixedClock;
  readonly registry: FakeRegistry;
  readonly events: ObjectEvent[] = [];
  readonly findings = new Map<string, WorkloadFinding>();
  readonly usage: ExceptionUsageBoard;
  /** Keys that were looked at, in their order. */
  readonly looks: string[] = [];
  /** What is thrown by a look at a workload. */
  readonly failures: unknown[] = [];
  /** Takes a new program; all workloads are looked at again, as the operator does it. */
  readonly enforce: (snapshot: PolicySnapshot | undefined) => void;
  readonly apply: (...objects: readonly WorkloadObject[]) => void;
  readonly #waiting = new Set<string>();
  /** The instant of the next look at a key, by the monotonic clock. */
  readonly #due = new Map<string, number>();
  readonly #reconciler: WorkloadReconciler;

  constructor(options: { readonly start: string; readonly exemptNamespaces?: readonly string[]; readonly served?: boolean }) {
    const { start, exemptNamespaces = [], served = true } = options;
    const { api } = this;
    this.clock = fixedClock(start);
    this.usage = new ExceptionUsageBoard({ clock: this.clock, onChange: () => undefined });
    const { registry, examiner } = judgingParts(this.clock);
    this.registry = registry;
    const foreign = new ForeignOwners({ api: this.owners, clock: this.clock, logger: silentLogger });
    const { stores, inventory, apply } = inventoryOf(api, foreign);
    this.apply = apply;
    const namespaces = api.mirror<KubeObject>('/api/v1/namespaces');
    const exceptions = api.mirror<SigningException>('/apis/countersign.dev/v1alpha1/signingexceptions');
    const reports = new FakeReports(api, served);
    const program: { snapshot: PolicySnapshot | undefined } = { snapshot: undefined };
    this.#reconciler = new WorkloadReconciler({
      inventory,
      program,
      exceptions: new FollowedExceptions(exceptions, silentLogger, () => false),
      namespaces,
      exemptNamespaces: new Set(exemptNamespaces),
      examiner,
      reports: new ReportStore({ collection: reports, writer: reports.writer, clock: this.clock }),
      events: { record: (_object, event) => this.events.push(event) },
      board: {
        take: (key, _revision, finding) => void this.findings.set(key, finding),
        failed: () => undefined,
        forget: (key) => void this.findings.delete(key),
      },
      usage: this.usage,
      log: new VerificationLog({ clock: this.clock, audit: undefined, onVerified: () => undefined }),
      clock: this.clock,
      logger: silentLogger,
      random: () => 0,
    });
    const enqueue = (key: string): void => void this.#waiting.add(key);
    followChanges({ workloads: stores, exceptions, namespaces }, inventory, enqueue);
    followOwners(foreign, { workloads: stores }, inventory, enqueue);
    followReports(reports.store, (key) => {
      foreign.doubt(key);
      enqueue(key);
    });
    this.enforce = (snapshot) => {
      program.snapshot = snapshot;
      for (const key of inventory.keys()) this.#waiting.add(key);
    };
  }

  /** Lets an hour, a millisecond or whatever pass, and everything that is due happen, each at its instant. */
  async pass(ms = 0): Promise<void> {
    const until = this.clock.monotonic() + ms;
    await this.#work();
    for (let at = this.#next(until); at !== undefined; at = this.#next(until)) {
      await this.clock.advance(at - this.clock.monotonic());
      for (const [key, instant] of this.#due) if (instant <= at) this.#waiting.add(key);
      await this.#work();
    }
    await this.clock.advance(until - this.clock.monotonic());
  }

  /** Puts an exception there. */
  except(exception: SigningException): void {
    const { namespace = '', name } = exception.metadata;
    this.api.seed(`/apis/countersign.dev/v1alpha1/namespaces/${namespace}/signingexceptions/${name}`, exception);
  }

  /** The one report of a workload; `undefined` where there is none. */
  reportOf(kind: string, name: string): PolicyReport | undefined {
    const [report, second] = this.api
      .writesTo('/apis/wgpolicyk8s.io')
      .map(({ path }) => this.api.at<PolicyReport>(path))
      .filter((found) => found?.scope?.kind === kind && found.scope.name === name)
      .filter((found, i, all) => all.findIndex((r) => r?.metadata.name === found?.metadata.name) === i);
    if (second !== undefined) throw new Error('there are two reports');
    return report;
  }

  /** What the report of a workload says, briefly: `result reason` of each result. */
  told(kind: string, name: string): readonly string[] {
    return (this.reportOf(kind, name)?.results ?? []).map(({ result = '', properties = {} }) =>
      [result, properties['reason']].filter((part) => part !== undefined).join(' '),
    );
  }

  /** Writes to reports. */
  get reportWrites(): readonly string[] {
    return this.api.writesTo('/apis/wgpolicyk8s.io').map(({ verb }) => verb);
  }

  #next(until: number): number | undefined {
    const instants = [...this.#due.values()].filter((instant) => instant <= until);
    return instants.length === 0 ? undefined : Math.max(Math.min(...instants), this.clock.monotonic());
  }

  /** As the work queue: a key waits once, and a look forgets the instant of the next one. */
  async #work(): Promise<void> {
    for (const key of this.#waiting) {
      this.#waiting.delete(key);
      this.#due.delete(key);
      this.looks.push(key);
      try {
        const { requeueAfterMs } = await this.#reconciler.reconcile(key, new AbortController().signal);
        if (requeueAfterMs !== undefined) this.#due.set(key, this.clock.monotonic() + requeueAfterMs);
      } catch (thrown) {
        this.failures.push(thrown);
      }
    }
  }
}

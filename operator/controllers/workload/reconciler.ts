// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Clock } from '../../../runtime/clock.ts';
import type { FollowedExceptions } from '../../../runtime/exceptions/index.ts';
import type { KubeObject, ObjectView } from '../../../runtime/kube/index.ts';
import type { Logger } from '../../../runtime/log/index.ts';
import type { PolicySnapshot } from '../../../runtime/program/index.ts';
import type { ReconcileResult } from '../../../runtime/queue/index.ts';
import { WorkloadError } from '../../../runtime/workload/index.ts';
import { timesOf, type PolicyReport, type ReportResult } from '../../reporting/index.ts';
import type { ExceptionUsageBoard } from '../../state/exception-usage.ts';
import type { FindingsBoard } from '../../state/findings-board.ts';
import type { EventSink } from '../../status/events.ts';
import type { Finding, Ground, WorkloadExaminer } from './examine.ts';
import { ExceptionEvents, exceptionUsesOf } from './exception-uses.ts';
import { workloadFinding } from './finding.ts';
import type { WorkloadInventory } from './inventory.ts';
import type { WorkloadObject } from './objects.ts';
import { observedImages, type ObservedImage } from './observed.ts';
import type { ReportStore } from './report-store.ts';
import { SeenWorkloads } from './seen.ts';
import { resultsOf } from './results.ts';
import { nextLookMs } from './schedule.ts';
import type { VerificationLog } from './verification-log.ts';

/** What re-verification needs. */
export interface WorkloadReconcilerOptions {
  readonly inventory: WorkloadInventory;
  readonly program: { readonly snapshot: PolicySnapshot | undefined };
  readonly exceptions: Pick<FollowedExceptions, 'index'>;
  readonly namespaces: Pick<ObjectView<KubeObject>, 'get'>;
  readonly exemptNamespaces: ReadonlySet<string>;
  readonly examiner: WorkloadExaminer;
  readonly reports: ReportStore;
  readonly events: EventSink;
  readonly board: Pick<FindingsBoard, 'take' | 'failed' | 'forget'>;
  readonly usage: Pick<ExceptionUsageBoard, 'take' | 'forget'>;
  readonly log: Pick<VerificationLog, 'judged' | 'gone'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: () => number;
  /** Told of what was found of workloads, where somebody acts on it. */
  readonly follower?: FindingsFollower | undefined;
}

/** What was found of a workload. */
export interface Found {
  readonly workload: WorkloadObject;
  readonly findings: readonly Finding[];
  /** The report before this look. */
  readonly before: PolicyReport | undefined;
  /** Whether admission leaves the namespace alone. */
  readonly exempt: boolean;
}

/** Follows what is found of workloads. Never throws. */
export interface FindingsFollower {
  found(key: string, found: Found): void;
  /** The workload is gone. */
  gone(key: string): void;
}

/** Judges a workload again and tells it in its report. Keys are those of the inventory. */
export class WorkloadReconciler {
  readonly #options: WorkloadReconcilerOptions;
  readonly #seen = new SeenWorkloads();
  readonly #exceptionEvents = new ExceptionEvents();

  constructor(options: WorkloadReconcilerOptions) {
    this.#options = options;
  }

  /** Judges all images of the workload and comes back when that may come out differently. */
  async reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    const { inventory, program } = this.#options;
    const { snapshot } = program;
    // Before the first program nothing can be told; it names all workloads again.
    if (snapshot === undefined) return {};
    const workload = inventory.topLevel(key);
    if (workload === undefined) {
      await this.#forget(key);
      return {};
    }
    // What is found out in a moment names it again: nothing is told of what may belong to another.
    if (inventory.awaitsOwner(workload)) return {};
    const since = this.#options.clock.now().getTime();
    const ground = this.#groundOf(workload, snapshot);
    const { reports, log } = this.#options;
    const { findings, results } = await this.#examine(key, { workload, ground }, signal);
    const { available } = reports;
    const before = await reports.write(key, workload, results);
    this.#tell(workload, results, before);
    for (const event of this.#exceptionEvents.take(key, results, { available, before }))
      this.#options.events.record(workload, event);
    const exempt = this.#options.exemptNamespaces.has(ground.namespace);
    this.#options.follower?.found(key, { workload, findings, before, exempt });
    const { clock, random } = this.#options;
    const now = clock.now().getTime();
    const ms = nextLookMs({ findings, ground, since, now, random });
    log.judged(key, { workload, findings, results, before, again: ms !== undefined });
    return ms === undefined ? {} : { requeueAfterMs: ms };
  }

  /** The workload is gone, or belongs to another. */
  async #forget(key: string): Promise<void> {
    const { board, usage, log, reports, follower } = this.#options;
    board.forget(key);
    usage.forget(key);
    this.#seen.forget(key);
    this.#exceptionEvents.forget(key);
    log.gone(key);
    follower?.gone(key);
    await reports.removeStale(key);
  }

  /** Judges, and notes what was found; also that nothing could be found. */
  async #examine(key: string, subject: Subject, signal: AbortSignal): Promise<Examined> {
    const { examiner, exemptNamespaces, board, usage } = this.#options;
    const { workload, ground } = subject;
    const { revision } = ground.snapshot;
    try {
      const pods = this.#options.inventory.podsOf(workload);
      const images = this.#imagesOf(workload, pods);
      const isUnchanged = this.#seen.isUnchanged(key, images, pods);
      const findings = await examiner.examine(images, { ...ground, isUnchanged }, signal);
      signal.throwIfAborted();
      const { namespace, namespaceLabels } = ground;
      const exempt = exemptNamespaces.has(namespace);
      const { uid = '' } = workload.metadata;
      const results = resultsOf(findings, { uid, namespaceLabels, exempt });
      const found = { workload, images, findings, results, ground, exempt };
      usage.take(key, exceptionUsesOf(findings));
      board.take(key, revision, workloadFinding(found));
      return { findings, results };
    } catch (thrown) {
      if (!signal.aborted) board.failed(key, revision);
      throw thrown;
    }
  }

  #groundOf(workload: WorkloadObject, snapshot: PolicySnapshot): Ground {
    const { namespaces, exceptions } = this.#options;
    const { namespace = '' } = workload.metadata;
    const object = namespaces.get(namespace);
    const namespaceLabels = object === undefined ? undefined : (object.metadata.labels ?? {});
    return { snapshot, exceptions: exceptions.index, namespace, namespaceLabels };
  }

  #imagesOf(workload: WorkloadObject, pods: readonly WorkloadObject[]): readonly ObservedImage[] {
    const { inventory, logger } = this.#options;
    try {
      return observedImages(inventory.templatesOf(workload), pods);
    } catch (error) {
      if (!(error instanceof WorkloadError)) throw error;
      const { namespace, name } = workload.metadata;
      logger.warn('a workload cannot be read', { kind: workload.kind, namespace, name, error });
      return [];
    }
  }

  /** Events for what was not wrong before. */
  #tell(
    workload: WorkloadObject,
    results: readonly ReportResult[],
    before: PolicyReport | undefined,
  ): void {
    const known = timesOf(before?.results);
    for (const { result, properties, message, policy, rule } of results) {
      if (result !== 'fail' || known.has(properties['resultID'] ?? '')) continue;
      const { image = '', reason = '' } = properties;
      const name = rule === undefined ? policy : `${policy}/${rule}`;
      const text = `${image}: ${message} [${name}] ${reason}`;
      this.#options.events.record(workload, {
        type: 'Warning',
        reason: 'ImageRejected',
        message: text,
      });
    }
  }
}

interface Subject {
  readonly workload: WorkloadObject;
  readonly ground: Ground;
}

interface Examined {
  readonly findings: readonly Finding[];
  readonly results: readonly ReportResult[];
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Clock } from '../../../runtime/clock.ts';
import type { FollowedExceptions } from '../../../runtime/exceptions/index.ts';
import type { KubeObject, ObjectView } from '../../../runtime/kube/index.ts';
import type { Logger } from '../../../runtime/log/index.ts';
import type { PolicySnapshot } from '../../../runtime/program/index.ts';
import type { ReconcileResult } from '../../../runtime/queue/index.ts';
import { WorkloadError } from '../../../runtime/workload/index.ts';
import type { EventSink } from '../../status/events.ts';
import type { Ground, WorkloadExaminer } from './examine.ts';
import type { WorkloadInventory } from './inventory.ts';
import type { WorkloadObject } from './objects.ts';
import { observedImages, type ObservedImage } from './observed.ts';
import { summaryOf, timesOf, type PolicyReport, type ReportSummary } from './report.ts';
import type { ReportStore } from './report-store.ts';
import { resultsOf, type ReportResult } from './results.ts';
import { nextLookMs } from './schedule.ts';

/** What the metrics are told. */
export interface WorkloadObserver {
  /** What was found of a workload; `undefined` where it is gone. */
  judged(key: string, summary: ReportSummary | undefined): void;
}

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
  readonly observer: WorkloadObserver;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: () => number;
}

/** Judges a workload again and tells it in its report. Keys are those of the inventory. */
export class WorkloadReconciler {
  readonly #options: WorkloadReconcilerOptions;

  constructor(options: WorkloadReconcilerOptions) {
    this.#options = options;
  }

  /** Judges all images of the workload and comes back when that may come out differently. */
  async reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    const { inventory, program, examiner, reports, observer, clock, random } = this.#options;
    const { snapshot } = program;
    // Before the first program nothing can be told; it names all workloads again.
    if (snapshot === undefined) return {};
    const workload = inventory.topLevel(key);
    if (workload === undefined) {
      observer.judged(key, undefined);
      await reports.removeStale(key);
      return {};
    }
    const since = clock.now().getTime();
    const ground = this.#groundOf(workload, snapshot);
    const findings = await examiner.examine(this.#imagesOf(workload), ground, signal);
    signal.throwIfAborted();
    const exempt = this.#options.exemptNamespaces.has(ground.namespace);
    const results = resultsOf(findings, { namespaceLabels: ground.namespaceLabels, exempt });
    observer.judged(key, summaryOf(results));
    const before = await reports.write(key, workload, results);
    this.#tell(workload, results, before);
    const now = clock.now().getTime();
    const ms = nextLookMs({ findings, ground, since, now, random });
    return ms === undefined ? {} : { requeueAfterMs: ms };
  }

  #groundOf(workload: WorkloadObject, snapshot: PolicySnapshot): Ground {
    const { namespaces, exceptions } = this.#options;
    const { namespace = '' } = workload.metadata;
    const object = namespaces.get(namespace);
    const namespaceLabels = object === undefined ? undefined : (object.metadata.labels ?? {});
    return { snapshot, exceptions: exceptions.index, namespace, namespaceLabels };
  }

  #imagesOf(workload: WorkloadObject): readonly ObservedImage[] {
    const { inventory, logger } = this.#options;
    try {
      return observedImages(workload, inventory.podsOf(workload));
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
    const known = timesOf(before);
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

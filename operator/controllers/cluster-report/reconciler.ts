// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { ImageTrustPolicy } from '../../../crds/index.ts';
import type { Clock } from '../../../runtime/clock.ts';
import type { ObjectView } from '../../../runtime/kube/index.ts';
import type { ReconcileResult } from '../../../runtime/queue/index.ts';
import {
  REPORT_LABELS,
  summaryOf,
  timed,
  type PolicyReport,
  type ReportApi,
  type ReportCollection,
  type ReportResult,
  type ReportWriter,
  type StoredResult,
} from '../../reporting/index.ts';
import type { FindingsBoard } from '../../state/findings-board.ts';
import { CLUSTER_RULES, coverageResults, trustResult } from './results.ts';

/** How the trust roots of a policy stand, as far as it is told here. */
interface TrustView {
  readonly outcome: {
    readonly trust?:
      | { readonly fresh: 'True' | 'Unknown' }
      | { readonly fresh: 'False'; readonly reason: string; readonly message: string };
  };
}

/** What the report of the cluster is made of. */
export interface ClusterReportReconcilerOptions {
  readonly policies: Pick<ObjectView<ImageTrustPolicy>, 'list'>;
  readonly program: { viewOf(policy: string): TrustView | undefined };
  readonly board: Pick<FindingsBoard, 'coverage'>;
  readonly collection: Pick<ReportCollection, 'clusterTarget'>;
  readonly writer: ReportWriter;
  readonly clock: Clock;
}

/** Its name. */
export const CLUSTER_REPORT = 'countersign';

/**
 * Tells what concerns no single workload: what no policy covers, and trust roots that are stale. What is
 * not known yet after a start is left as it was told before. There is one key.
 */
export class ClusterReportReconciler {
  readonly #options: ClusterReportReconcilerOptions;

  constructor(options: ClusterReportReconcilerOptions) {
    this.#options = options;
  }

  /** Writes the report where it says anything new; without results there is none. */
  async reconcile(): Promise<ReconcileResult> {
    const { collection, writer, clock } = this.#options;
    const target = collection.clusterTarget;
    if (target === undefined) return {};
    const { api, reports } = target;
    const before = reports.get(CLUSTER_REPORT);
    const results = this.#resultsAfter(before?.results ?? [], clock.now());
    if (results.length > 0) await writer.put(api.clusterReports, reportWith(results, api), before);
    else if (before !== undefined) await writer.delete(api.clusterReports, before);
    return {};
  }

  #resultsAfter(before: readonly StoredResult[], now: Date): readonly Told[] {
    const coverage = this.#options.board.coverage();
    const ofCoverage =
      coverage === undefined
        ? before.filter(isTold).filter(({ rule }) => rule !== CLUSTER_RULES.trustRoot)
        : timed(coverageResults(coverage), before, now);
    const ofTrust = this.#policyNames().flatMap((name) => this.#trustOf(name, before, now));
    return [...ofTrust, ...ofCoverage];
  }

  #trustOf(name: string, before: readonly StoredResult[], now: Date): readonly Told[] {
    const view = this.#options.program.viewOf(name);
    const trust = view === undefined ? ({ fresh: 'Unknown' } as const) : view.outcome.trust;
    switch (trust?.fresh) {
      case undefined:
      case 'True':
        return [];
      case 'Unknown':
        return before
          .filter(isTold)
          .filter(({ policy, rule }) => policy === name && rule === CLUSTER_RULES.trustRoot);
      case 'False': {
        const { reason, message } = trust;
        return timed([trustResult({ policy: name, reason, message })], before, now);
      }
    }
  }

  #policyNames(): readonly string[] {
    return this.#options.policies
      .list()
      .map(({ metadata }) => metadata.name)
      .sort();
  }
}

type Told = StoredResult & Pick<ReportResult, 'policy' | 'result'>;

function isTold(result: StoredResult): result is Told {
  return result.policy !== undefined && result.result !== undefined;
}

function reportWith(results: readonly Told[], api: ReportApi): PolicyReport {
  const { group, version } = api.clusterReports;
  return {
    apiVersion: `${group}/${version}`,
    kind: api.clusterReportKind,
    metadata: { name: CLUSTER_REPORT, labels: REPORT_LABELS },
    ...api.top,
    results,
    summary: summaryOf(results),
  };
}

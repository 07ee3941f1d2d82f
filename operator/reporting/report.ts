// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { createHash } from 'node:crypto';
import type { KubeObject } from '../../runtime/kube/index.ts';
import { canonicalJson } from '../../verification/index.ts';
import type { ReportSummary, StoredResult } from './result.ts';

/** A reference to the workload that a report is about. */
export interface ReportScope {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
}

/**
 * A report, as far as we write it: a PolicyReport or ClusterPolicyReport (wgpolicyk8s.io/v1alpha2), or a
 * Report or ClusterReport (openreports.io/v1alpha1), which alone have `source`.
 */
export interface PolicyReport extends KubeObject {
  readonly source?: string;
  readonly scope?: ReportScope;
  readonly results?: readonly StoredResult[];
  readonly summary?: ReportSummary;
  /** Only of one that is kept in memory: stands for all that it says, see {@link keptReport}. */
  readonly said?: string;
}

/** Label of the reports that are ours. */
export const REPORT_LABELS = { 'app.kubernetes.io/managed-by': 'countersign' } as const;
/** What selects them. */
export const REPORT_SELECTOR = 'app.kubernetes.io/managed-by=countersign';

/** Whether two reports say the same, whole or kept. */
export function sameReport(one: PolicyReport, other: PolicyReport): boolean {
  return saidOf(one) === saidOf(other);
}

/**
 * What is kept in memory of a report, of which there may be many thousands: where it is, what it is
 * about, since when each result is so, by which exceptions, and whether it says the same as another.
 */
export function keptReport(report: PolicyReport): PolicyReport {
  const { name, namespace, uid, resourceVersion } = report.metadata;
  const { scope, results } = report;
  return {
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    },
    ...(scope === undefined ? {} : { scope }),
    ...(results === undefined ? {} : { results: results.map(keptResult) }),
    said: digestOf(report),
  };
}

/** Of what an exception covers, which exception that is, too: of the end of that one something is told. */
function keptResult({ result, properties, timestamp }: StoredResult): StoredResult {
  const names = result === 'skip' ? ['resultID', 'exception', 'process'] : ['resultID'];
  const kept = names.flatMap((name) => {
    const value = properties?.[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return {
    ...(result === 'skip' ? { result } : {}),
    ...(kept.length === 0 ? {} : { properties: Object.fromEntries(kept) }),
    ...(timestamp === undefined ? {} : { timestamp }),
  };
}

/** Stands for all that a report says, whole or kept: equal where they say the same. */
export function saidOf(report: PolicyReport): string {
  return report.said ?? digestOf(report);
}

function digestOf({ metadata, source, scope, results, summary }: PolicyReport): string {
  const { labels, ownerReferences: owners } = metadata;
  return createHash('sha256')
    .update(canonicalJson({ labels, owners, source, scope, results, summary }))
    .digest('base64');
}

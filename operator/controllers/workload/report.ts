// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { createHash } from 'node:crypto';
import type { KubeObject } from '../../../runtime/kube/index.ts';
import { canonicalJson } from '../../../verification/index.ts';
import type { WorkloadObject } from './objects.ts';
import type { ReportResult } from './results.ts';

/** A result with the instant since which it is so. */
export interface TimedResult extends ReportResult {
  readonly timestamp: { readonly seconds: number; readonly nanos: number };
}

/** A result as it lies in the cluster: whoever may edit reports may have taken parts away. */
export type StoredResult = Partial<TimedResult>;

/** A reference to the workload that a report is about. */
interface Scope {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
}

/** How many results there are of each kind. */
export type ReportSummary = Readonly<Record<ReportResult['result'], number>>;

/** A PolicyReport (wgpolicyk8s.io/v1alpha2), as far as we write it. */
export interface PolicyReport extends KubeObject {
  readonly scope?: Scope;
  readonly results?: readonly StoredResult[];
  readonly summary?: ReportSummary;
}

/** Label of the reports that are ours. */
export const REPORT_LABELS = { 'app.kubernetes.io/managed-by': 'countersign' } as const;

/** The name of the report of a workload: the same as long as the workload lives. */
export function reportName(workload: WorkloadObject): string {
  const { uid = '' } = workload.metadata;
  return `countersign-${createHash('sha256').update(uid).digest('hex').slice(0, 16)}`;
}

/**
 * The report of a workload. The time of a result is that of the existing report as long as the same
 * thing is found, whatever words it is told in.
 */
export function reportOf(
  workload: WorkloadObject,
  results: readonly ReportResult[],
  { before, now }: { readonly before: PolicyReport | undefined; readonly now: Date },
): PolicyReport {
  const { apiVersion = '', kind = '', metadata } = workload;
  const { name, namespace = '', uid = '' } = metadata;
  const known = timesOf(before);
  const instant = { seconds: Math.floor(now.getTime() / 1000), nanos: 0 };
  const owner = { apiVersion, kind, name, uid };
  const { resourceVersion } = before?.metadata ?? {};
  return {
    apiVersion: 'wgpolicyk8s.io/v1alpha2',
    kind: 'PolicyReport',
    metadata: {
      name: reportName(workload),
      namespace,
      labels: REPORT_LABELS,
      ownerReferences: [owner],
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    },
    scope: { ...owner, namespace },
    results: results.map((result) => ({
      ...result,
      timestamp: known.get(result.properties['resultID'] ?? '') ?? instant,
    })),
    summary: summaryOf(results),
  };
}

/** The results of a report by `resultID`, with the instants since which they are so. */
export function timesOf(
  report: PolicyReport | undefined,
): ReadonlyMap<string, TimedResult['timestamp'] | undefined> {
  return new Map(report?.results?.map((r) => [r.properties?.['resultID'] ?? '', r.timestamp]));
}

/** Whether two reports say the same. */
export function sameReport(one: PolicyReport, other: PolicyReport): boolean {
  const said = ({ metadata, scope, results, summary }: PolicyReport): string =>
    canonicalJson({
      labels: metadata.labels,
      owners: metadata.ownerReferences,
      scope,
      results,
      summary,
    });
  return said(one) === said(other);
}

/** Counts results. */
export function summaryOf(results: readonly ReportResult[]): ReportSummary {
  const summary = { pass: 0, fail: 0, warn: 0, error: 0, skip: 0 };
  for (const { result } of results) summary[result] += 1;
  return summary;
}

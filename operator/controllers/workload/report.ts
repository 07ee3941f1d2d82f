// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { createHash } from 'node:crypto';
import type { IndexFunction } from '../../../runtime/kube/index.ts';
import {
  capped,
  REPORT_LABELS,
  summaryOf,
  timed,
  type PolicyReport,
  type ReportApi,
  type ReportResult,
  type ReportScope,
} from '../../reporting/index.ts';
import { keyOfObject } from './key.ts';
import type { WorkloadObject } from './objects.ts';

/** What a report is made with besides the results. */
export interface ReportContext {
  readonly api: ReportApi;
  /** What there is of it. */
  readonly before: PolicyReport | undefined;
  readonly now: Date;
}

/** Index that mirrors of reports must have: reports by the key of the workload that they are about. */
export const REPORT_INDEXES: Readonly<Record<string, IndexFunction<PolicyReport>>> = {
  workload: ({ scope }) => (scope === undefined ? [] : [keyOfScope(scope)]),
};

/** The key of the workload that a report is about. */
export function keyOfScope({ apiVersion, kind, name, namespace }: ReportScope): string {
  return keyOfObject({ apiVersion, kind, metadata: { name, namespace } });
}

/** The name of the report of a workload: the same as long as the workload lives. */
export function reportName(workload: WorkloadObject): string {
  const { uid = '' } = workload.metadata;
  return `countersign-${createHash('sha256').update(uid).digest('hex').slice(0, 16)}`;
}

/**
 * The report of a workload. Where results are too many to be listed, the summary counts all the same.
 * The time of a result is that of the existing report as long as the same thing is found.
 */
export function reportOf(
  workload: WorkloadObject,
  results: readonly ReportResult[],
  { api, before, now }: ReportContext,
): PolicyReport {
  const { apiVersion = '', kind = '', metadata } = workload;
  const { name, namespace = '', uid = '' } = metadata;
  const owner = { apiVersion, kind, name, uid };
  return {
    apiVersion: `${api.reports.group}/${api.reports.version}`,
    kind: api.reportKind,
    metadata: {
      name: reportName(workload),
      namespace,
      labels: REPORT_LABELS,
      ownerReferences: [owner],
    },
    ...api.top,
    scope: { ...owner, namespace },
    results: timed(capped(results), before?.results, now),
    summary: summaryOf(results),
  };
}

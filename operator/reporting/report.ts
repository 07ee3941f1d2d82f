// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

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
}

/** Label of the reports that are ours. */
export const REPORT_LABELS = { 'app.kubernetes.io/managed-by': 'countersign' } as const;
/** What selects them. */
export const REPORT_SELECTOR = 'app.kubernetes.io/managed-by=countersign';

/** Whether two reports say the same. */
export function sameReport(one: PolicyReport, other: PolicyReport): boolean {
  const said = ({ metadata, source, scope, results, summary }: PolicyReport): string =>
    canonicalJson({
      labels: metadata.labels,
      owners: metadata.ownerReferences,
      source,
      scope,
      results,
      summary,
    });
  return said(one) === said(other);
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Kubectl } from '../harness/index.ts';

/** One result of a PolicyReport. */
export interface ReportResult {
  readonly policy: string;
  readonly rule?: string;
  readonly result: string;
  readonly message?: string;
  readonly source?: string;
  readonly category?: string;
  readonly timestamp?: { readonly seconds: number; readonly nanos: number };
  readonly properties: Readonly<Record<string, string>>;
}

/** A PolicyReport. */
export interface Report {
  readonly metadata: { readonly name: string; readonly resourceVersion: string };
  readonly scope?: { readonly kind: string; readonly name: string };
  readonly results?: readonly ReportResult[];
  readonly summary?: Readonly<Record<string, number>>;
}

/** The report of a workload; `undefined` where there is none. */
export async function reportOf(
  world: { readonly kubectl: Kubectl },
  workload: { readonly kind: string; readonly name: string; readonly namespace: string },
): Promise<Report | undefined> {
  const reports = await world.kubectl.list<Report>('policyreports', workload.namespace);
  return reports.find((r) => r.scope?.kind === workload.kind && r.scope.name === workload.name);
}

/** The results of a report; empty where there is none. */
export function resultsOf(report: Report | undefined): readonly ReportResult[] {
  return report?.results ?? [];
}

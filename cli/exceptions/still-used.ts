// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Cluster } from '../cluster/cluster.ts';
import { readReports, type ReportResult, type WorkloadReport } from '../cluster/workloads.ts';

/**
 * How many workloads are reported to run by exceptions, or to run on although these are over, by
 * `namespace/name`. What may not be read is warned of.
 */
export async function readStillUsed(
  cluster: Cluster,
  namespaces: ReadonlySet<string>,
  warn: (line: string) => void,
): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  for (const namespace of namespaces) {
    const { found, isComplete } = await readReports(cluster, namespace);
    if (!isComplete)
      warn(
        `the reports in ${namespace} may not all be read: what still runs by what is over is not known`,
      );
    for (const name of found.flatMap(exceptionsIn)) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}

/** The exceptions by which the pods of a workload run or ran, each once. */
function exceptionsIn({ results = [] }: WorkloadReport): readonly string[] {
  return [...new Set(results.flatMap(exceptionOf))];
}

function exceptionOf({ result, properties = {} }: ReportResult): readonly string[] {
  const { exception, process, reason } = properties;
  const isUse = result === 'skip' || reason === 'EXCEPTION_EXPIRED';
  return exception !== undefined && process === 'background' && isUse ? [exception] : [];
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { ClusterReportReconciler } from '../controllers/cluster-report/index.ts';
import type { ProgramReconciler } from '../controllers/policy/index.ts';
import { ReportApiReconciler } from '../controllers/report-api/index.ts';
import { CLUSTER_REPORT, REPORT_API, type Host, type Parts } from './host.ts';

/** Adds what decides where reports are written, and the report about the cluster. */
export function addReports(host: Host, parts: Parts, program: ProgramReconciler): void {
  const { client: api, clock, logger, reportApi } = host.options;
  const { mirrors, inventory, board, collection, reports, reportWriter: writer } = parts;
  const choosing = new ReportApiReconciler({
    api,
    setting: reportApi,
    collection,
    writer,
    store: reports,
    logger,
    onAvailable: () => {
      host.enqueueAll('workload', inventory.keys());
      host.enqueue('cluster-report', CLUSTER_REPORT);
    },
  });
  host.add({
    name: 'report-api',
    concurrency: 1,
    reconcile: (_key, signal) => choosing.reconcile(signal),
    needs: [],
  });
  host.enqueue('report-api', REPORT_API);
  const { policies } = mirrors;
  const telling = new ClusterReportReconciler({
    policies: policies.store,
    program,
    board,
    collection,
    writer,
    clock,
  });
  host.add({
    name: 'cluster-report',
    concurrency: 1,
    reconcile: () => telling.reconcile(),
    needs: [policies],
  });
  policies.store.onChange((_name, current) => {
    // What was told of a policy goes with it.
    if (current === undefined) host.enqueue('cluster-report', CLUSTER_REPORT);
  });
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import {
  followChanges,
  followOwners,
  Refreshes,
  WorkloadExaminer,
  WorkloadReconciler,
  type FindingsFollower,
} from '../controllers/workload/index.ts';
import type { Host, Parts } from './host.ts';
import { workloadStores } from './parts.ts';

/** Who waits for a registry that hangs, for up to a minute, does not hold up workloads with images of others. */
const SLOW = { afterMs: 500, most: 256 };

/** Adds what judges running workloads again and reports what it finds. */
export function addWorkloads(host: Host, parts: Parts, follower?: FindingsFollower): void {
  const { mirrors, inventory, owners } = parts;
  const { namespaces, configMaps, exceptions, workloads } = mirrors;
  const reconciler = createReconciler(host, parts, follower);
  host.add({
    name: 'workload',
    concurrency: host.options.concurrency,
    slow: SLOW,
    reconcile: (key, signal) => reconciler.reconcile(key, signal),
    needs: [namespaces, configMaps, exceptions, ...Object.values(workloads)],
  });
  const sources = {
    workloads: workloadStores(mirrors),
    exceptions: exceptions.store,
    namespaces: namespaces.store,
  };
  const enqueue = (key: string): void => host.enqueue('workload', key);
  followChanges(sources, inventory, enqueue);
  followOwners(owners, sources, inventory, enqueue);
}

function createReconciler(
  host: Host,
  parts: Parts,
  follower: FindingsFollower | undefined,
): WorkloadReconciler {
  const { clock, logger, judge, evidence, tags, keychains } = host.options;
  const { mirrors, program, exceptions, inventory, reports, board, usage, log } = parts;
  const refreshes = new Refreshes(clock);
  return new WorkloadReconciler({
    inventory,
    program,
    exceptions,
    namespaces: mirrors.namespaces.store,
    exemptNamespaces: new Set(host.options.exemptNamespaces),
    examiner: new WorkloadExaminer({ judge, evidence, tags, keychains, refreshes }),
    reports,
    events: host.events,
    board,
    usage,
    log,
    clock,
    logger,
    random: Math.random,
    follower,
  });
}

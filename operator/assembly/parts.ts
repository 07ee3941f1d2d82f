// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { FollowedExceptions } from '../../runtime/exceptions/index.ts';
import { FollowedProgram } from '../../runtime/program/index.ts';
import {
  ReportStore,
  WorkloadInventory,
  type WorkloadKind,
} from '../controllers/workload/index.ts';
import { createMirrors, type OperatorMirrors } from '../mirrors.ts';
import { ReplicaTracker } from '../state/replicas.ts';
import type { Host, Parts } from './host.ts';

/** Makes what several controllers work with; nothing is read before the mirrors are started. */
export function createParts(host: Host): Parts {
  const { namespace, logger, clock, client, metrics, reports } = host.options;
  const mirrors = createMirrors((spec) => host.mirror(spec), namespace);
  const inventory = new WorkloadInventory(workloadStores(mirrors));
  return {
    mirrors,
    inventory,
    program: new FollowedProgram({
      store: mirrors.configMaps.store,
      namespace,
      logger,
      onRevision: () => {
        host.enqueueAll('exception', mirrors.exceptions.store.keys());
        host.enqueueAll('workload', inventory.keys());
      },
    }),
    exceptions: new FollowedExceptions(mirrors.exceptions.store, logger),
    replicas: new ReplicaTracker({
      leases: mirrors.leases,
      clock,
      onChange: () => host.enqueueAll('policy', mirrors.policies.store.keys()),
    }),
    reports: new ReportStore({
      api: client,
      mirror: mirrors.reports,
      clock,
      enabled: reports,
      onWrite: () => metrics.reportWritten(),
    }),
  };
}

type Stores = { readonly [K in WorkloadKind]: OperatorMirrors['workloads'][K]['store'] };

/** The stores of all kinds that are judged. */
export function workloadStores({ workloads }: OperatorMirrors): Stores {
  const entries = Object.entries(workloads).map(([kind, mirror]) => [kind, mirror.store] as const);
  return Object.fromEntries(entries) as Stores;
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { FollowedExceptions } from '../../runtime/exceptions/index.ts';
import { FollowedProgram } from '../../runtime/program/index.ts';
import {
  followReports,
  ForeignOwners,
  REPORT_INDEXES,
  ReportStore,
  VerificationLog,
  WorkloadInventory,
  type WorkloadKind,
} from '../controllers/workload/index.ts';
import { createMirrors, type OperatorMirrors } from '../mirrors.ts';
import { ReportCollection, ReportWriter } from '../reporting/index.ts';
import { ExceptionUsageBoard } from '../state/exception-usage.ts';
import { FindingsBoard } from '../state/findings-board.ts';
import { ReplicaTracker } from '../state/replicas.ts';
import { CLUSTER_REPORT, type Host, type Parts } from './host.ts';

/** What was found is told after this time, so that one write tells of many workloads. */
const SETTLE_MS = 1000;

/**
 * Who cannot read exceptions any more cannot keep its Lease either, and leads no more; a watch that is
 * silent is begun anew. What a replica must ask, since it serves without a Lease, is settled so here.
 */
const NEVER_STALE = (): boolean => false;

/** Makes what several controllers work with; nothing is read before the mirrors are started. */
export function createParts(host: Host): Parts {
  const { namespace, logger, clock, audit, metrics } = host.options;
  const mirrors = createMirrors((spec) => host.mirror(spec), namespace);
  const owners = new ForeignOwners({ api: host.options.client, clock, logger });
  const inventory = new WorkloadInventory(workloadStores(mirrors), owners);
  const program = new FollowedProgram({
    store: mirrors.configMaps.store,
    namespace,
    logger,
    onRevision: () => {
      host.enqueueAll('exception', mirrors.exceptions.store.keys());
      host.enqueueAll('workload', inventory.keys());
    },
  });
  return {
    mirrors,
    inventory,
    owners,
    program,
    exceptions: new FollowedExceptions(mirrors.exceptions.store, logger, NEVER_STALE),
    replicas: new ReplicaTracker({
      leases: mirrors.leases,
      clock,
      onChange: () => host.enqueueAll('policy', mirrors.policies.store.keys()),
    }),
    board: createBoard(host, { mirrors, inventory, program }),
    usage: new ExceptionUsageBoard({
      clock,
      onChange: (exception) => host.enqueueAfter('exception', exception, SETTLE_MS),
    }),
    log: new VerificationLog({
      clock,
      audit,
      onVerified: (verified) => metrics.verified(verified),
    }),
    ...createReports(host, inventory, owners),
  };
}

function createBoard(
  host: Host,
  { mirrors, inventory, program }: Pick<Parts, 'mirrors' | 'inventory' | 'program'>,
): FindingsBoard {
  const kinds = Object.values(mirrors.workloads);
  const tellCluster = (): void => host.enqueueAfter('cluster-report', CLUSTER_REPORT, SETTLE_MS);
  return new FindingsBoard({
    expected: () => {
      const isKnown = program.snapshot !== undefined && kinds.every((kind) => kind.hasSynced);
      return isKnown ? inventory.keys() : undefined;
    },
    onImpact: (policy) => host.enqueueAfter('policy', policy, SETTLE_MS),
    onPass: () => {
      for (const policy of mirrors.policies.store.keys())
        host.enqueueAfter('policy', policy, SETTLE_MS);
      for (const exception of mirrors.exceptions.store.keys())
        host.enqueueAfter('exception', exception, SETTLE_MS);
      tellCluster();
    },
    onCoverage: tellCluster,
  });
}

function createReports(
  host: Host,
  inventory: WorkloadInventory,
  owners: ForeignOwners,
): Pick<Parts, 'reports' | 'collection' | 'reportWriter'> {
  const { clock, client, metrics } = host.options;
  const enqueue = (key: string): void => host.enqueue('workload', key);
  const tellCluster = (): void => host.enqueue('cluster-report', CLUSTER_REPORT);
  const reportWriter = new ReportWriter({
    api: client,
    onWrite: (outcome) => metrics.reportWritten(outcome),
  });
  const collection: ReportCollection = new ReportCollection({
    mirror: (spec) => host.mirror(spec),
    drop: (mirror) => host.drop(mirror),
    indexes: REPORT_INDEXES,
    onUse: (mirror, clusterMirror) => {
      // A report goes with its owner, of which we may not know yet.
      const putRight = (key: string): void => {
        owners.doubt(key);
        enqueue(key);
      };
      followReports(mirror.store, putRight, (report) => reports.isOwn(report));
      clusterMirror.store.onChange(tellCluster);
      // What was found before it could be written is told now.
      void mirror.synced.then(() => {
        if (reports.takeMissed()) inventory.keys().forEach(enqueue);
      });
      void clusterMirror.synced.then(tellCluster);
    },
  });
  const reports = new ReportStore({ collection, writer: reportWriter, clock });
  return { reports, collection, reportWriter };
}

type Stores = { readonly [K in WorkloadKind]: OperatorMirrors['workloads'][K]['store'] };

/** The stores of all kinds that are judged. */
export function workloadStores({ workloads }: OperatorMirrors): Stores {
  const entries = Object.entries(workloads).map(([kind, mirror]) => [kind, mirror.store] as const);
  return Object.fromEntries(entries) as Stores;
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { KubeObject } from '../../runtime/kube/index.ts';
import type { PodStatusLike } from '../../runtime/workload/index.ts';
import { collectionAt } from './addresses.ts';
import { ClusterError, isForbidden, type Cluster } from './cluster.ts';

/** A pod, or something that makes pods. */
export interface WorkloadObject extends KubeObject {
  readonly kind: string;
  readonly spec?: unknown;
  readonly status?: PodStatusLike & { readonly phase?: string };
}

/** One result of a report, as far as it is read. */
export interface ReportResult {
  readonly policy?: string;
  readonly rule?: string;
  readonly result?: string;
  readonly message?: string;
  /** `container`, `image`, `digest`, `reason` among others. */
  readonly properties?: Readonly<Record<string, string>>;
}

/** What the operator found of one workload. */
export interface WorkloadReport extends KubeObject {
  readonly scope?: { readonly kind: string; readonly name: string; readonly uid?: string };
  readonly results?: readonly ReportResult[];
}

/** What runs in a namespace, or would. */
export interface Inventory {
  readonly namespace: string;
  readonly objects: readonly WorkloadObject[];
  readonly byUid: ReadonlyMap<string, WorkloadObject>;
  readonly reports: readonly WorkloadReport[];
  /** Reports by the uid of the workload that they are about. */
  readonly reportByUid: ReadonlyMap<string, WorkloadReport>;
  /** Kinds that may not be listed. */
  readonly unread: readonly string[];
}

/** Kinds that carry a pod spec: group, plural, kind. */
const KINDS = [
  ['', 'pods', 'Pod'],
  ['', 'replicationcontrollers', 'ReplicationController'],
  ['apps', 'deployments', 'Deployment'],
  ['apps', 'replicasets', 'ReplicaSet'],
  ['apps', 'statefulsets', 'StatefulSet'],
  ['apps', 'daemonsets', 'DaemonSet'],
  ['batch', 'jobs', 'Job'],
  ['batch', 'cronjobs', 'CronJob'],
] as const;
/** Where reports may be: the operator writes one of them. */
const REPORTS = [
  ['wgpolicyk8s.io', 'v1alpha2', 'policyreports'],
  ['openreports.io', 'v1alpha1', 'reports'],
] as const;
/** Stands for them where not all may be listed, or none are served. */
export const REPORT = 'PolicyReport';
const OURS = 'app.kubernetes.io/managed-by=countersign';

/** Reads the workloads of a namespace and what was reported of them; what may not be read is left out. */
export async function readInventory(cluster: Cluster, namespace: string): Promise<Inventory> {
  const unread: string[] = [];
  const objects: WorkloadObject[] = [];
  for (const [group, plural, kind] of KINDS) {
    const at = collectionAt(group, 'v1', plural, namespace);
    const found = await allowed(() => cluster.list<WorkloadObject>(at));
    if (found === undefined) unread.push(kind);
    else objects.push(...found.map((object) => ({ ...object, kind })));
  }
  const reports = await readReports(cluster, namespace);
  if (!reports.isComplete) unread.push(REPORT);
  return inventoryOf(namespace, { objects, reports: reports.found, unread });
}

/** What was reported of a namespace. */
export interface ReportsRead {
  readonly found: readonly WorkloadReport[];
  /** False where some may not be read, or no API of reports is served: there may be more. */
  readonly isComplete: boolean;
}

/** Reads what was reported of a namespace. An API that is not served holds no reports; one that may not be read may. */
export async function readReports(cluster: Cluster, namespace: string): Promise<ReportsRead> {
  const found: WorkloadReport[] = [];
  let isServed = false;
  let isRefused = false;
  for (const [group, version, plural] of REPORTS) {
    const at = collectionAt(group, version, plural, namespace);
    try {
      found.push(...(await cluster.list<WorkloadReport>(at, OURS)));
      isServed = true;
    } catch (thrown) {
      if (isForbidden(thrown)) isRefused = true;
      else if (!isNotServed(thrown)) throw thrown;
    }
  }
  return { found, isComplete: isServed && !isRefused };
}

/** An inventory of what was read. */
export function inventoryOf(
  namespace: string,
  read: Pick<Inventory, 'objects' | 'reports' | 'unread'>,
): Inventory {
  return {
    namespace,
    ...read,
    byUid: new Map(read.objects.map((object) => [object.metadata.uid ?? '', object])),
    reportByUid: new Map(read.reports.map((report) => [report.scope?.uid ?? '', report])),
  };
}

/** `undefined` where the caller has no right to it, or the API is not served. */
async function allowed<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (thrown) {
    if (isForbidden(thrown) || isNotServed(thrown)) return undefined;
    throw thrown;
  }
}

function isNotServed(thrown: unknown): boolean {
  return thrown instanceof ClusterError && thrown.status === 404;
}

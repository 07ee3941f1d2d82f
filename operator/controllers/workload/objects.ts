// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { KubeObject } from '../../../runtime/kube/index.ts';
import type { PodStatusLike } from '../../../runtime/workload/index.ts';
import { RESOURCES } from '../../state/resources.ts';

/** The kinds that are judged, with where they are read from. */
export const WORKLOADS = {
  Pod: { apiVersion: 'v1', resource: RESOURCES.pods },
  Deployment: { apiVersion: 'apps/v1', resource: RESOURCES.deployments },
  StatefulSet: { apiVersion: 'apps/v1', resource: RESOURCES.statefulSets },
  DaemonSet: { apiVersion: 'apps/v1', resource: RESOURCES.daemonSets },
  ReplicaSet: { apiVersion: 'apps/v1', resource: RESOURCES.replicaSets },
  ReplicationController: { apiVersion: 'v1', resource: RESOURCES.replicationControllers },
  Job: { apiVersion: 'batch/v1', resource: RESOURCES.jobs },
  CronJob: { apiVersion: 'batch/v1', resource: RESOURCES.cronJobs },
} as const;

/** A kind that is judged. */
export type WorkloadKind = keyof typeof WORKLOADS;

/** All of them. */
export const KINDS = Object.keys(WORKLOADS) as readonly WorkloadKind[];

/** Whether an object, or what a reference names, is of a kind that is mirrored. */
export function isMirrored(one: {
  readonly apiVersion?: string;
  readonly kind?: string;
}): one is { readonly apiVersion: string; readonly kind: WorkloadKind } {
  const { apiVersion, kind = '' } = one;
  return (
    Object.hasOwn(WORKLOADS, kind) && WORKLOADS[kind as WorkloadKind].apiVersion === apiVersion
  );
}

/** A workload or pod, as far as it is kept in memory. */
export interface WorkloadObject extends KubeObject {
  readonly kind?: string;
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly status?: PodStatusLike & { readonly phase?: string };
}

/** Kinds of which old ones stay behind without pods. */
const COUNTED: ReadonlySet<WorkloadKind> = new Set(['ReplicaSet', 'ReplicationController']);

type JsonMap = Readonly<Record<string, unknown>>;

const CONTAINER_LISTS = ['initContainers', 'containers', 'ephemeralContainers'] as const;
const STATUS_LISTS = [
  'initContainerStatuses',
  'containerStatuses',
  'ephemeralContainerStatuses',
] as const;

/**
 * Keeps of an object only what decides its judgement, so that thousands of pods fit into memory and
 * that other changes are no changes.
 */
export function trimmed(kind: WorkloadKind): (object: WorkloadObject) => WorkloadObject {
  return (object) => {
    const { name, namespace, uid, resourceVersion, ownerReferences, deletionTimestamp } =
      object.metadata;
    const { apiVersion } = WORKLOADS[kind];
    return {
      apiVersion,
      kind,
      metadata: present({
        name,
        namespace,
        uid,
        resourceVersion,
        ownerReferences,
        deletionTimestamp,
      }),
      spec: kind === 'Pod' ? trimmedSpec(object.spec) : trimmedTemplate(kind, object.spec),
      ...(kind === 'Pod' ? { status: trimmedStatus(object.status) } : {}),
    };
  };
}

/** Whether no pod is to be made of an object as things are. */
export function isIdle({ spec }: WorkloadObject): boolean {
  return spec?.['replicas'] === 0;
}

/** Whether two states of an object are to be judged in the same way. */
export function sameForJudgement(one: WorkloadObject, other: WorkloadObject): boolean {
  const relevant = ({ metadata, spec, status }: WorkloadObject): string =>
    JSON.stringify([
      metadata.uid,
      metadata.ownerReferences,
      metadata.deletionTimestamp,
      spec,
      status,
    ]);
  return relevant(one) === relevant(other);
}

function trimmedTemplate(kind: WorkloadKind, spec: JsonMap | undefined): JsonMap {
  const template = (holder: unknown): JsonMap => ({
    template: { spec: trimmedSpec(mapOf(mapOf(mapOf(holder)['template'])['spec'])) },
  });
  if (mapOf(spec)['replicas'] === 0 && COUNTED.has(kind)) return { ...template(spec), replicas: 0 };
  if (kind !== 'CronJob') return template(spec);
  return { jobTemplate: { spec: template(mapOf(mapOf(spec)['jobTemplate'])['spec']) } };
}

function trimmedSpec(spec: JsonMap | undefined): JsonMap {
  const { serviceAccountName, serviceAccount, imagePullSecrets, volumes } = mapOf(spec);
  const lists = CONTAINER_LISTS.map(
    (list) => [list, trimmedContainers(mapOf(spec)[list])] as const,
  );
  const withImage = Array.isArray(volumes)
    ? volumes.filter((volume) => mapOf(volume)['image'] !== undefined)
    : volumes;
  return present({
    ...Object.fromEntries(lists),
    volumes: Array.isArray(withImage) && withImage.length === 0 ? undefined : withImage,
    serviceAccountName,
    serviceAccount,
    imagePullSecrets,
  });
}

function trimmedContainers(list: unknown): unknown {
  if (!Array.isArray(list)) return list;
  return list.map((container) => {
    const { name, image } = mapOf(container);
    return present({ name, image });
  });
}

function trimmedStatus(status: WorkloadObject['status']): NonNullable<WorkloadObject['status']> {
  const lists = STATUS_LISTS.map((list) => [
    list,
    status?.[list]?.map(({ name, imageID }) => present({ name, imageID })),
  ]);
  return present({ phase: status?.phase, ...Object.fromEntries(lists) });
}

function mapOf(value: unknown): JsonMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as JsonMap)
    : {};
}

/** The object without what is undefined. */
function present<T extends object>(object: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const entries = Object.entries(object).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]: Exclude<T[K], undefined> };
}

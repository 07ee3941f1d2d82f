// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import {
  type ForeignOwners,
  INVENTORY_INDEXES,
  KINDS,
  trimmed,
  WORKLOADS,
  WorkloadInventory,
  type WorkloadKind,
  type WorkloadObject,
} from '../controllers/workload/index.ts';
import type { ObjectStore } from '../../runtime/kube/index.ts';
import { pathOf } from '../state/resources.ts';
import type { FakeApi } from './fake-api.ts';

/** The namespace of workloads unless told. */
export const CHECKOUT = 'checkout';

/** What a workload is made of. */
export interface WorkloadOptions {
  readonly namespace?: string;
  readonly uid?: string;
  /** What controls it. */
  readonly owner?: WorkloadObject;
  /** Images by name of container. */
  readonly images?: Readonly<Record<string, string>>;
  /** More of the pod spec. */
  readonly spec?: Readonly<Record<string, unknown>>;
}

/** What a pod is made of besides. */
export interface PodOptions extends WorkloadOptions {
  /** What its node reports, by name of container. */
  readonly imageIds?: Readonly<Record<string, string>>;
  readonly phase?: string;
}

/** A reference by which an object controls another. */
export function controlledBy(owner: WorkloadObject, edits: object = {}): object {
  const { apiVersion, kind, metadata } = owner;
  return { apiVersion, kind, name: metadata.name, uid: metadata.uid, controller: true, ...edits };
}

/** A workload with a template, as it is mirrored. Its service account is `web`. */
export function workload(
  kind: Exclude<WorkloadKind, 'Pod'>,
  name: string,
  options: WorkloadOptions = {},
): WorkloadObject {
  const template = { template: { spec: podSpec(options) } };
  const spec = kind === 'CronJob' ? { jobTemplate: { spec: template } } : template;
  return trimmed(kind)({ metadata: metadataOf(kind, name, options), spec });
}

/** A pod as it is mirrored. Its service account is `web`. */
export function pod(name: string, options: PodOptions = {}): WorkloadObject {
  const { imageIds = {}, phase = 'Running' } = options;
  const containerStatuses = Object.entries(imageIds).map(([container, imageID]) => ({ name: container, imageID }));
  const status = { phase, containerStatuses };
  return trimmed('Pod')({ metadata: metadataOf('Pod', name, options), spec: podSpec(options), status });
}

/** Where the API server keeps a workload. */
export function pathTo({ kind, metadata }: WorkloadObject): string {
  const { namespace = '', name } = metadata;
  return pathOf(WORKLOADS[kind as WorkloadKind].resource, { namespace, name });
}

/** The mirrors of all kinds, and the inventory over them. */
export function inventoryOf(
  api: FakeApi,
  owners?: ForeignOwners,
): {
  readonly stores: Readonly<Record<WorkloadKind, ObjectStore<WorkloadObject>>>;
  readonly inventory: WorkloadInventory;
  /** Puts workloads there, as somebody else would. */
  readonly apply: (...objects: readonly WorkloadObject[]) => void;
} {
  const stores = Object.fromEntries(
    KINDS.map((kind) => [kind, api.mirror<WorkloadObject>(pathOf(WORKLOADS[kind].resource), INVENTORY_INDEXES)]),
  ) as Record<WorkloadKind, ObjectStore<WorkloadObject>>;
  const apply = (...objects: readonly WorkloadObject[]): void => {
    for (const object of objects) api.seed(pathTo(object), object);
  };
  return { stores, inventory: new WorkloadInventory(stores, owners), apply };
}

function metadataOf(kind: string, name: string, options: WorkloadOptions): WorkloadObject['metadata'] {
  const { namespace = CHECKOUT, uid = `uid-of-${kind}-${name}`, owner } = options;
  const owners = owner === undefined ? {} : { ownerReferences: [controlledBy(owner)] };
  return { name, namespace, uid, ...owners } as WorkloadObject['metadata'];
}

function podSpec({ images = {}, spec = {} }: WorkloadOptions): Readonly<Record<string, unknown>> {
  const containers = Object.entries(images).map(([name, image]) => ({ name, image }));
  return { containers, serviceAccountName: 'web', ...spec };
}

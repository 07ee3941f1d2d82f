// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { IndexFunction, ObjectView } from '../../../runtime/kube/index.ts';
import { topOwner, type OwnerLookup } from '../../../runtime/workload/index.ts';
import type { ForeignOwners } from './foreign-owners.ts';
import { keyOfObject, SEPARATOR } from './key.ts';
import { isIdle, isMirrored, KINDS, WORKLOADS } from './objects.ts';
import type { WorkloadKind, WorkloadObject } from './objects.ts';

/** Indexes that the stores must have: objects by the uid of what controls them, and by namespace. */
export const INVENTORY_INDEXES: Readonly<Record<string, IndexFunction<WorkloadObject>>> = {
  controller: (object) => {
    const owner = object.metadata.ownerReferences?.find(
      (reference) => reference.controller === true,
    );
    return owner === undefined ? [] : [owner.uid];
  },
  namespace: (object) => [object.metadata.namespace ?? ''],
};

/** What is mirrored of every kind. */
export type WorkloadStores = Readonly<
  Record<WorkloadKind, Pick<ObjectView<WorkloadObject>, 'get' | 'list' | 'byIndex'>>
>;

/** What is known of owners of other kinds. */
export type ForeignView = Pick<ForeignOwners, 'find' | 'isAwaited' | 'byKey' | 'byController'>;

const MAX_DEPTH = 8;

/**
 * What runs in the cluster and what it belongs to: workloads that are mirrored, and owners of other
 * kinds where they are known. Keys are those of {@link keyOfObject}, of top-level workloads.
 */
export class WorkloadInventory {
  readonly #stores: WorkloadStores;
  readonly #foreign: ForeignView | undefined;

  constructor(stores: WorkloadStores, foreign?: ForeignView) {
    this.#stores = stores;
    this.#foreign = foreign;
  }

  /** The object under a key; `undefined` where there is none, or where something else owns it. */
  topLevel(key: string): WorkloadObject | undefined {
    const [kind = '', namespace = '', name = ''] = key.split(SEPARATOR);
    if (!isKind(kind)) return this.#foreign?.byKey(key).find((owner) => this.#isTopOfAny(owner));
    const object = this.#stores[kind].get(`${namespace}/${name}`);
    return object !== undefined && this.#top(object) === object ? object : undefined;
  }

  /** Key of the workload that a person would name for an object: the object itself, or what owns it. */
  keyOf(object: WorkloadObject): string {
    return keyOfObject(this.#top(object));
  }

  /** Whether it is not known yet if something owns a workload; that is found out soon. */
  awaitsOwner(top: WorkloadObject): boolean {
    const { namespace = '', ownerReferences = [] } = top.metadata;
    const owner = ownerReferences.find(({ controller }) => controller === true);
    return owner !== undefined && (this.#foreign?.isAwaited(namespace, owner) ?? false);
  }

  /** The live pods of a workload, through all that lies between. */
  podsOf(top: WorkloadObject): readonly WorkloadObject[] {
    if (isPod(top)) return isLive(top) ? [top] : [];
    return this.#descendants(top, 0).filter((object) => isPod(object) && isLive(object));
  }

  /**
   * What the pods of a workload are made from: itself, and for a kind that is not mirrored what it owns
   * that is; old ReplicaSets of which no pod is wanted are left out there. None for a pod.
   */
  templatesOf(top: WorkloadObject): readonly WorkloadObject[] {
    return isMirrored(top) ? [top].filter((object) => !isPod(object)) : this.#makers(top, 0);
  }

  /** Keys of all top-level workloads, or of those of one namespace. */
  keys(namespace?: string): readonly string[] {
    const keys = KINDS.flatMap((kind) => {
      const store = this.#stores[kind];
      const objects =
        namespace === undefined ? store.list() : store.byIndex('namespace', namespace);
      return objects.flatMap((object) => {
        const top = this.#top(object);
        return top === object || !isMirrored(top) ? [keyOfObject(top)] : [];
      });
    });
    return [...new Set(keys)];
  }

  #top(object: WorkloadObject): WorkloadObject {
    return topOwner(object, this.#lookup);
  }

  readonly #lookup: OwnerLookup = (namespace, owner) =>
    isMirrored(owner)
      ? this.#stores[owner.kind].get(`${namespace}/${owner.name}`)
      : this.#foreign?.find(namespace, owner);

  /** An owner counts as long as anything belongs to it. Asked by way of that, so that it is read again in time. */
  #isTopOfAny(owner: WorkloadObject): boolean {
    const [child] = this.#children(owner);
    return child !== undefined && this.#top(child) === owner;
  }

  #makers(owner: WorkloadObject, depth: number): readonly WorkloadObject[] {
    if (depth >= MAX_DEPTH) return [];
    return this.#children(owner).flatMap((child) => {
      if (!isMirrored(child)) return this.#makers(child, depth + 1);
      return isPod(child) || isIdle(child) ? [] : [child];
    });
  }

  #descendants(owner: WorkloadObject, depth: number): readonly WorkloadObject[] {
    if (depth >= MAX_DEPTH) return [];
    return this.#children(owner).flatMap((object) => [
      object,
      ...this.#descendants(object, depth + 1),
    ]);
  }

  #children(owner: WorkloadObject): readonly WorkloadObject[] {
    const { uid = '', namespace } = owner.metadata;
    if (uid === '') return [];
    const mirrored = KINDS.flatMap((kind) => this.#stores[kind].byIndex('controller', uid));
    const foreign = this.#foreign?.byController(uid) ?? [];
    return [...mirrored, ...foreign].filter((object) => object.metadata.namespace === namespace);
  }
}

function isKind(kind: string): kind is WorkloadKind {
  return Object.hasOwn(WORKLOADS, kind);
}

function isPod(object: WorkloadObject): boolean {
  return object.kind === 'Pod' && isMirrored(object);
}

/** A pod that has ended runs nothing any more. */
function isLive({ status }: WorkloadObject): boolean {
  return status?.phase !== 'Succeeded' && status?.phase !== 'Failed';
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { IndexFunction, ObjectView } from '../../../runtime/kube/index.ts';
import { topOwner, type OwnerLookup } from '../../../runtime/workload/index.ts';
import { KINDS, WORKLOADS, type WorkloadKind, type WorkloadObject } from './objects.ts';

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

const MAX_DEPTH = 8;
const SEPARATOR = '|';

/** What runs in the cluster and what it belongs to. Keys are `kind|namespace|name` of top-level workloads. */
export class WorkloadInventory {
  readonly #stores: WorkloadStores;

  constructor(stores: WorkloadStores) {
    this.#stores = stores;
  }

  /** The object under a key; `undefined` where there is none, or where something else owns it. */
  topLevel(key: string): WorkloadObject | undefined {
    const [kind = '', namespace = '', name = ''] = key.split(SEPARATOR);
    const object = isKind(kind) ? this.#stores[kind].get(`${namespace}/${name}`) : undefined;
    return object !== undefined && this.#top(object) === object ? object : undefined;
  }

  /** Key of the workload that a person would name for an object: the object itself, or what owns it. */
  keyOf(object: WorkloadObject): string {
    return keyOfObject(this.#top(object));
  }

  /** The live pods of a workload, through all that lies between. */
  podsOf(top: WorkloadObject): readonly WorkloadObject[] {
    if (top.kind === 'Pod') return isLive(top) ? [top] : [];
    return this.#descendants(top, 0).filter((object) => object.kind === 'Pod' && isLive(object));
  }

  /** Keys of all top-level workloads, or of those of one namespace. */
  keys(namespace?: string): readonly string[] {
    return KINDS.flatMap((kind) => {
      const store = this.#stores[kind];
      const objects =
        namespace === undefined ? store.list() : store.byIndex('namespace', namespace);
      return objects.filter((object) => this.#top(object) === object).map(keyOfObject);
    });
  }

  #top(object: WorkloadObject): WorkloadObject {
    return topOwner(object, this.#lookup);
  }

  readonly #lookup: OwnerLookup = (namespace, { apiVersion, kind, name }) => {
    if (!isKind(kind) || WORKLOADS[kind].apiVersion !== apiVersion) return undefined;
    return this.#stores[kind].get(`${namespace}/${name}`);
  };

  #descendants(owner: WorkloadObject, depth: number): readonly WorkloadObject[] {
    const { uid = '', namespace } = owner.metadata;
    if (depth >= MAX_DEPTH || uid === '') return [];
    return KINDS.flatMap((kind) => this.#stores[kind].byIndex('controller', uid))
      .filter((object) => object.metadata.namespace === namespace)
      .flatMap((object) => [object, ...this.#descendants(object, depth + 1)]);
  }
}

/** The key under which an object would be found if nothing owned it. */
export function keyOfObject({ kind = '', metadata }: WorkloadObject): string {
  return [kind, metadata.namespace ?? '', metadata.name].join(SEPARATOR);
}

function isKind(kind: string): kind is WorkloadKind {
  return Object.hasOwn(WORKLOADS, kind);
}

/** A pod that has ended runs nothing any more. */
function isLive({ status }: WorkloadObject): boolean {
  return status?.phase !== 'Succeeded' && status?.phase !== 'Failed';
}

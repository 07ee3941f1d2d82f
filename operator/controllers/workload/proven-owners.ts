// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { LRUCache } from 'lru-cache';
import { keyOfObject } from './key.ts';
import type { WorkloadObject } from './objects.ts';

/** An object that was read, and until when that is believed, by the monotonic clock. */
export interface ProvenOwner {
  readonly owner: WorkloadObject;
  readonly until: number;
}

/** Owners that were read, bounded in number: by the reference to them, by their key, and by what controls them. */
export class ProvenOwners {
  readonly #owners: LRUCache<string, ProvenOwner>;
  readonly #byKey = new Map<string, Set<WorkloadObject>>();
  readonly #byController = new Map<string, Set<WorkloadObject>>();

  constructor(most: number) {
    this.#owners = new LRUCache({
      max: most,
      dispose: ({ owner }) => {
        leave(this.#byKey, keyOfObject(owner), owner);
        leave(this.#byController, controllerOf(owner), owner);
      },
    });
  }

  get(reference: string): ProvenOwner | undefined {
    return this.#owners.get(reference);
  }

  put(reference: string, proven: ProvenOwner): void {
    this.#owners.set(reference, proven);
    const { owner } = proven;
    join(this.#byKey, keyOfObject(owner), owner);
    join(this.#byController, controllerOf(owner), owner);
  }

  delete(reference: string): void {
    this.#owners.delete(reference);
  }

  /** Owners with a key: several where one was made again under its name. */
  byKey(key: string): readonly WorkloadObject[] {
    return [...(this.#byKey.get(key) ?? [])];
  }

  /** Owners that are themselves controlled by the object with this uid. */
  byController(uid: string): readonly WorkloadObject[] {
    return [...(this.#byController.get(uid) ?? [])];
  }
}

function controllerOf({ metadata }: WorkloadObject): string {
  return metadata.ownerReferences?.find(({ controller }) => controller === true)?.uid ?? '';
}

function join(index: Map<string, Set<WorkloadObject>>, key: string, owner: WorkloadObject): void {
  if (key === '') return;
  index.set(key, (index.get(key) ?? new Set()).add(owner));
}

function leave(index: Map<string, Set<WorkloadObject>>, key: string, owner: WorkloadObject): void {
  const set = index.get(key);
  set?.delete(owner);
  if (set?.size === 0) index.delete(key);
}

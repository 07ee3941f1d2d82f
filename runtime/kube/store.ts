// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { objectKey, type KubeObject } from './objects.ts';

/**
 * Told of every change: `current` is undefined for a deletion, `previous` for a new object. It should
 * only note what is to be done (enqueue a key): what it throws is logged and lost.
 */
export type ChangeHandler<T> = (
  key: string,
  current: T | undefined,
  previous: T | undefined,
) => void;

/** The values under which an object is found in an index. */
export type IndexFunction<T> = (object: T) => readonly string[];

/** Objects in memory, for reading. Keys are `namespace/name`, or the name alone. */
export interface ObjectView<T extends KubeObject> {
  /** How many objects there are. */
  readonly size: number;
  get(key: string): T | undefined;
  /** All objects at this moment, in no order. */
  list(): readonly T[];
  /** All keys at this moment. */
  keys(): readonly string[];
  /** The objects that an index has under a value. Throws a RangeError for an unknown index. */
  byIndex(name: string, value: string): readonly T[];
  /** Tells a handler of every object there is, then of every change. Returns how to end that. */
  onChange(handler: ChangeHandler<T>): () => void;
}

/** What an ObjectStore works with. */
export interface ObjectStoreOptions<T extends KubeObject> {
  readonly indexes?: Readonly<Record<string, IndexFunction<T>>>;
  /** Told what a handler or an index function threw; nobody else is stopped by it. */
  readonly onFault: (thrown: unknown) => void;
}

interface Index<T> {
  readonly of: IndexFunction<T>;
  readonly keys: Map<string, Set<string>>;
}

/** Objects in memory with indexes and handlers. Written by a Reflector, or by a test. */
export class ObjectStore<T extends KubeObject> implements ObjectView<T> {
  readonly #objects = new Map<string, T>();
  readonly #handlers = new Set<ChangeHandler<T>>();
  readonly #indexes = new Map<string, Index<T>>();
  readonly #onFault: (thrown: unknown) => void;

  constructor(options: ObjectStoreOptions<T>) {
    this.#onFault = options.onFault;
    for (const [name, of] of Object.entries(options.indexes ?? {})) {
      this.#indexes.set(name, { of, keys: new Map() });
    }
  }

  get size(): number {
    return this.#objects.size;
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  list(): readonly T[] {
    return [...this.#objects.values()];
  }

  keys(): readonly string[] {
    return [...this.#objects.keys()];
  }

  byIndex(name: string, value: string): readonly T[] {
    const index = this.#indexes.get(name);
    if (index === undefined) throw new RangeError(`no index is called ${name}`);
    return [...(index.keys.get(value) ?? [])].flatMap((key) => this.#objects.get(key) ?? []);
  }

  onChange(handler: ChangeHandler<T>): () => void {
    this.#handlers.add(handler);
    for (const [key, object] of this.#objects) this.#guard(() => handler(key, object, undefined));
    return () => {
      this.#handlers.delete(handler);
    };
  }

  /** Puts an object in, or replaces it; one of the same resourceVersion changes nothing. */
  put(object: T): void {
    const key = objectKey(object);
    const previous = this.#objects.get(key);
    if (previous !== undefined && sameVersion(previous, object)) return;
    this.#unindex(key, previous);
    this.#objects.set(key, object);
    this.#index(key, object);
    this.#tell(key, object, previous);
  }

  /** Takes an object out; one that is not there is no change. */
  remove(key: string): void {
    const previous = this.#objects.get(key);
    if (previous === undefined) return;
    this.#unindex(key, previous);
    this.#objects.delete(key);
    this.#tell(key, undefined, previous);
  }

  #index(key: string, object: T): void {
    for (const index of this.#indexes.values()) {
      for (const value of this.#valuesOf(index, object)) {
        const keys = index.keys.get(value);
        if (keys === undefined) index.keys.set(value, new Set([key]));
        else keys.add(key);
      }
    }
  }

  #unindex(key: string, object: T | undefined): void {
    if (object === undefined) return;
    for (const index of this.#indexes.values()) {
      for (const value of this.#valuesOf(index, object)) {
        const keys = index.keys.get(value);
        keys?.delete(key);
        if (keys?.size === 0) index.keys.delete(value);
      }
    }
  }

  #valuesOf(index: Index<T>, object: T): readonly string[] {
    try {
      return index.of(object);
    } catch (thrown) {
      this.#onFault(thrown);
      return [];
    }
  }

  #tell(key: string, current: T | undefined, previous: T | undefined): void {
    for (const handler of this.#handlers) this.#guard(() => handler(key, current, previous));
  }

  #guard(call: () => void): void {
    try {
      call();
    } catch (thrown) {
      this.#onFault(thrown);
    }
  }
}

function sameVersion(one: KubeObject, other: KubeObject): boolean {
  const version = one.metadata.resourceVersion;
  return (
    version !== undefined &&
    version === other.metadata.resourceVersion &&
    one.metadata.uid === other.metadata.uid
  );
}

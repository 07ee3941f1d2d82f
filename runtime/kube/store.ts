// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { objectKey, type KubeObject } from './objects.ts';

/** Told of every change: `current` is undefined for a deletion, `previous` for a new object. */
export type ChangeHandler<T> = (key: string, current: T | undefined, previous: T | undefined) => void;

/** Objects in memory by `namespace/name`, with indexes and handlers. */
export class ObjectStore<T extends KubeObject> {
  readonly #objects = new Map<string, T>();
  readonly #handlers = new Set<ChangeHandler<T>>();
  readonly #indexes = new Map<string, { of: (object: T) => readonly string[]; entries: Map<string, Set<string>> }>();
  readonly #onHandlerError: (thrown: unknown) => void;

  constructor(onHandlerError: (thrown: unknown) => void) {
    this.#onHandlerError = onHandlerError;
  }

  /** One object. */
  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  /** All objects; a live view. */
  list(): IterableIterator<T> {
    return this.#objects.values();
  }

  /** All keys; a live view. */
  keys(): IterableIterator<string> {
    return this.#objects.keys();
  }

  /** How many objects there are. */
  get size(): number {
    return this.#objects.size;
  }

  /** Adds a handler. Exceptions of a handler are reported and stop nobody else. Returns its removal. */
  onChange(handler: ChangeHandler<T>): () => void {
    this.#handlers.add(handler);
    return () => this.#handlers.delete(handler);
  }

  /** Adds an index: objects by each of the values that `of` gives. Before the first object comes. */
  addIndex(name: string, of: (object: T) => readonly string[]): void {
    this.#indexes.set(name, { of, entries: new Map() });
  }

  /** The objects of an index's value. */
  byIndex(name: string, value: string): readonly T[] {
    const keys = this.#indexes.get(name)?.entries.get(value) ?? new Set<string>();
    return [...keys].flatMap((key) => this.#objects.get(key) ?? []);
  }

  /** Puts an object in, or replaces it. */
  put(object: T): void {
    const key = objectKey(object);
    const previous = this.#objects.get(key);
    if (previous !== undefined && previous.metadata.resourceVersion === object.metadata.resourceVersion) return;
    this.#unindex(key, previous);
    this.#objects.set(key, object);
    for (const index of this.#indexes.values()) {
      for (const value of index.of(object)) index.entries.set(value, (index.entries.get(value) ?? new Set()).add(key));
    }
    this.#tell(key, object, previous);
  }

  /** Takes an object out. */
  remove(key: string): void {
    const previous = this.#objects.get(key);
    if (previous === undefined) return;
    this.#unindex(key, previous);
    this.#objects.delete(key);
    this.#tell(key, undefined, previous);
  }

  #unindex(key: string, object: T | undefined): void {
    if (object === undefined) return;
    for (const index of this.#indexes.values()) {
      for (const value of index.of(object)) {
        const keys = index.entries.get(value);
        keys?.delete(key);
        if (keys?.size === 0) index.entries.delete(value);
      }
    }
  }

  #tell(key: string, current: T | undefined, previous: T | undefined): void {
    for (const handler of this.#handlers) {
      try {
        handler(key, current, previous);
      } catch (thrown) {
        this.#onHandlerError(thrown);
      }
    }
  }
}

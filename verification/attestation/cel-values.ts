// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { CelList, CelMap, CelValue } from '@bufbuild/cel';

/** By these names the library knows lists and maps that are not its own: it asks `symbol in value`. */
const LIST: unique symbol = Symbol.for('@bufbuild/cel/list');
const MAP: unique symbol = Symbol.for('@bufbuild/cel/map');

type Members<T> = { readonly [K in keyof T as K extends string ? K : never]: T[K] };
type ListView = Members<CelList> & Iterable<CelValue>;
type MapView = Members<CelMap> & Iterable<[CelMapKey, CelValue]>;
type CelMapKey = Parameters<CelMap['get']>[0] & Exclude<CelValue, number | null>;

/** What was converted once is shared by all conditions over the same statement. */
const converted = new WeakMap<object, CelValue>();

/**
 * Shows parsed JSON to CEL, converting no more of it than is looked at. Integers that a double holds
 * exactly are `int`, so that `count + 1` works, whatever way they are written (`1`, `1.0`); all other
 * numbers are `double`. Only own properties are fields, and a field that holds null is present.
 */
export function celOfJson(json: unknown): CelValue {
  if (typeof json !== 'object' || json === null) return convert(json);
  const known = converted.get(json);
  if (known !== undefined) return known;
  const value = convert(json);
  converted.set(json, value);
  return value;
}

function convert(json: unknown): CelValue {
  switch (typeof json) {
    case 'string':
    case 'boolean':
      return json;
    case 'number':
      return Number.isSafeInteger(json) ? BigInt(json) : json;
    case 'object':
      if (json === null) return null;
      return Array.isArray(json)
        ? asCelList(new JsonList(json))
        : asCelMap(new JsonMap(json as Readonly<Record<string, unknown>>));
    default:
      return null;
  }
}

/** A list that grows in place: the library would build a chain of lists, which overflows the stack. */
export class GrowingList {
  readonly [LIST] = true;
  readonly #values: CelValue[];

  constructor(values: CelValue[] = []) {
    this.#values = values;
  }

  get size(): number {
    return this.#values.length;
  }

  get(index: number): CelValue | undefined {
    return this.#values[index];
  }

  push(value: CelValue): void {
    this.#values.push(value);
  }

  values(): IterableIterator<CelValue> {
    return this.#values.values();
  }

  [Symbol.iterator](): IterableIterator<CelValue> {
    return this.#values.values();
  }
}

class JsonList implements ListView {
  readonly [LIST] = true;
  readonly #json: readonly unknown[];
  #values: readonly CelValue[] | undefined;

  constructor(json: readonly unknown[]) {
    this.#json = json;
  }

  get size(): number {
    return this.#json.length;
  }

  get(index: number): CelValue | undefined {
    return this.#all()[index];
  }

  values(): IterableIterator<CelValue> {
    return this.#all().values();
  }

  [Symbol.iterator](): IterableIterator<CelValue> {
    return this.#all().values();
  }

  #all(): readonly CelValue[] {
    this.#values ??= this.#json.map(convert);
    return this.#values;
  }
}

class JsonMap implements MapView {
  readonly [MAP] = true;
  readonly #json: Readonly<Record<string, unknown>>;
  /** Lists and maps in it that were looked at. */
  #inner: Map<string, CelValue> | undefined;
  #names: readonly string[] | undefined;

  constructor(json: Readonly<Record<string, unknown>>) {
    this.#json = json;
  }

  get size(): number {
    return this.#keys().length;
  }

  get(key: unknown): CelValue | undefined {
    if (typeof key !== 'string' || !Object.hasOwn(this.#json, key)) return undefined;
    const json = this.#json[key];
    if (typeof json !== 'object' || json === null) return convert(json);
    const known = this.#inner?.get(key);
    if (known !== undefined) return known;
    const value = convert(json);
    this.#inner ??= new Map();
    this.#inner.set(key, value);
    return value;
  }

  has(key: unknown): boolean {
    return typeof key === 'string' && Object.hasOwn(this.#json, key);
  }

  forEach(callback: (value: CelValue, key: string, map: CelMap) => void): void {
    for (const [key, value] of this) callback(value, key, asCelMap(this));
  }

  keys(): ArrayIterator<string> {
    return this.#keys().values();
  }

  entries(): ArrayIterator<[string, CelValue]> {
    return this.#keys()
      .map((key): [string, CelValue] => [key, this.get(key) ?? null])
      .values();
  }

  values(): ArrayIterator<CelValue> {
    return this.#keys()
      .map((key) => this.get(key) ?? null)
      .values();
  }

  [Symbol.iterator](): ArrayIterator<[string, CelValue]> {
    return this.entries();
  }

  #keys(): readonly string[] {
    this.#names ??= Object.keys(this.#json);
    return this.#names;
  }
}

/** A list for the library, which keeps the symbol of its type to itself. */
export function asCelList(view: ListView): CelList {
  return view as CelList;
}

function asCelMap(view: MapView): CelMap {
  return view as CelMap;
}

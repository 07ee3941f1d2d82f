// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Draft } from './bases.ts';

type Key = string | number;

/** A field in a copy of a valid object: where it is, and how to change it. */
export class Place {
  readonly object: Draft;
  readonly #keys: readonly Key[];

  private constructor(object: Draft, keys: readonly Key[]) {
    this.object = object;
    this.#keys = keys;
  }

  /**
   * Finds a path such as `spec.requirements[].allowedDigests[]` in the first object that has it, in
   * the first elements that lead there, and copies that object. `{}` is the first key of a map.
   */
  static find(bases: readonly Draft[], path: string): Place {
    const steps = path.split(/\.|(?=\[\])|(?=\{\})/);
    for (const base of bases) {
      const keys = resolve(base, steps);
      if (keys !== undefined) return new Place(copy(base), keys);
    }
    throw new Error(`no base object has ${path}`);
  }

  /** The path as the API server writes it. */
  get field(): string {
    return this.#keys
      .map((key) => (typeof key === 'number' ? `[${String(key)}]` : `.${key}`))
      .join('')
      .slice(1);
  }

  get value(): unknown {
    return this.#keys.reduce<unknown>((value, key) => child(value, key), this.object);
  }

  set value(value: unknown) {
    const parent = this.#parent();
    parent[this.#last] = value;
  }

  /** Removes the field. */
  remove(): void {
    const parent = this.#parent();
    Reflect.deleteProperty(parent, this.#last);
  }

  get #last(): Key {
    return this.#keys.at(-1) ?? '';
  }

  #parent(): Record<Key, unknown> {
    const parents = this.#keys.slice(0, -1);
    return parents.reduce<unknown>((value, key) => child(value, key), this.object) as Draft;
  }
}

/** No part of the copy is shared, not even with another part of it. */
function copy(base: Draft): Draft {
  return JSON.parse(JSON.stringify(base)) as Draft;
}

function resolve(value: unknown, steps: readonly string[]): readonly Key[] | undefined {
  const [step, ...rest] = steps;
  if (step === undefined) return value === undefined ? undefined : [];
  for (const key of candidates(value, step)) {
    const keys = resolve(child(value, key), rest);
    if (keys !== undefined) return [key, ...keys];
  }
  return undefined;
}

function candidates(value: unknown, step: string): readonly Key[] {
  if (typeof value !== 'object' || value === null) return [];
  if (step === '[]') return Array.isArray(value) ? value.map((_, index) => index) : [];
  return step === '{}' ? Object.keys(value) : [step];
}

function child(value: unknown, key: Key): unknown {
  return (value as Record<Key, unknown>)[key];
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { DEFAULT_LIMITS } from '../limits.ts';
import type { CompiledException } from './exception.ts';

/**
 * Exceptions by policy, namespace and digest, one look-up per policy and image; and by name. What it
 * answers depends on what it holds, not on the order in which that came. It changes in place: whoever
 * looks twice with a wait in between may see two states, and lists that it answers are not to be kept.
 */
export class ExceptionIndex {
  /** By digest first: most digests have none, and then nothing is put together for the look-up. */
  readonly #byDigest = new Map<string, Map<string, CompiledException[]>>();
  readonly #byName = new Map<string, CompiledException>();
  /** By the exception that they say they renew. */
  readonly #byRenewed = new Map<string, CompiledException[]>();
  /** All, the oldest first: those within the limit have effect. */
  readonly #all: CompiledException[];
  readonly #limit: number;

  /** Of more than `limit` exceptions the newest are left out. */
  constructor(
    exceptions: Iterable<CompiledException> = [],
    limit: number = DEFAULT_LIMITS.exceptions,
  ) {
    this.#all = [...exceptions].sort(byAge);
    this.#limit = limit;
    for (const exception of this.#all.slice(0, limit)) this.#link(exception);
  }

  /** How many exceptions are left out because there are too many: they have no effect. */
  get dropped(): number {
    return Math.max(0, this.#all.length - this.#limit);
  }

  /** Takes one more. */
  add(exception: CompiledException): void {
    const position = this.#positionOf(exception);
    this.#all.splice(position, 0, exception);
    if (position >= this.#limit) return;
    this.#link(exception);
    const pushedOut = this.#all[this.#limit];
    if (pushedOut !== undefined) this.#unlink(pushedOut);
  }

  /** Takes one out: the very object that was put in. Does nothing where it is not there. */
  remove(exception: CompiledException): void {
    let position = this.#positionOf(exception);
    while (this.#all[position] !== exception) {
      const other = this.#all[position];
      if (other === undefined || byAge(other, exception) !== 0) return;
      position += 1;
    }
    this.#all.splice(position, 1);
    if (position >= this.#limit) return;
    this.#unlink(exception);
    const movedUp = this.#all[this.#limit - 1];
    if (movedUp !== undefined) this.#link(movedUp);
  }

  /** The exceptions that name this policy, namespace and digest, live or not. */
  candidates(policy: string, namespace: string, digest: string): readonly CompiledException[] {
    return this.#byDigest.get(digest)?.get(keyOf(policy, namespace)) ?? NONE;
  }

  /** The exception of that name. */
  named(namespace: string, name: string): CompiledException | undefined {
    return this.#byName.get(keyOf(name, namespace));
  }

  /** The exceptions that say they renew the one of that name. */
  renewing(namespace: string, name: string): readonly CompiledException[] {
    return this.#byRenewed.get(keyOf(name, namespace)) ?? NONE;
  }

  /** Where the first one is that is not older. */
  #positionOf(exception: CompiledException): number {
    let low = 0;
    let high = this.#all.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = this.#all[middle];
      if (other !== undefined && byAge(other, exception) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #link(exception: CompiledException): void {
    const { namespace, name, renews } = exception;
    this.#byName.set(keyOf(name, namespace), exception);
    if (renews !== undefined) addTo(this.#byRenewed, keyOf(renews, namespace), exception);
    const key = keyOf(exception.policy, namespace);
    for (const digest of exception.digests) {
      const uses = this.#byDigest.get(digest) ?? new Map<string, CompiledException[]>();
      addTo(uses, key, exception);
      this.#byDigest.set(digest, uses);
    }
  }

  #unlink(exception: CompiledException): void {
    const { namespace, name, renews } = exception;
    if (this.#byName.get(keyOf(name, namespace)) === exception)
      this.#byName.delete(keyOf(name, namespace));
    if (renews !== undefined) removeFrom(this.#byRenewed, keyOf(renews, namespace), exception);
    const key = keyOf(exception.policy, namespace);
    for (const digest of exception.digests) {
      const uses = this.#byDigest.get(digest);
      if (uses === undefined) continue;
      removeFrom(uses, key, exception);
      if (uses.size === 0) this.#byDigest.delete(digest);
    }
  }
}

const NONE: readonly CompiledException[] = [];

/** The oldest first, so that nobody pushes out what is there; by name where that is not known, or one second. */
function byAge(a: CompiledException, b: CompiledException): number {
  if (a.createdAt !== b.createdAt) return a.createdAt < b.createdAt ? -1 : 1;
  return compare(a.namespace, b.namespace) || compare(a.name, b.name);
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

type Lists = Map<string, CompiledException[]>;

function addTo(lists: Lists, key: string, exception: CompiledException): void {
  const others = lists.get(key);
  if (others === undefined) lists.set(key, [exception]);
  else others.push(exception);
}

function removeFrom(lists: Lists, key: string, exception: CompiledException): void {
  const list = lists.get(key) ?? [];
  const position = list.indexOf(exception);
  if (position >= 0) list.splice(position, 1);
  if (list.length === 0) lists.delete(key);
}

/** A namespace holds no slash, so that no two uses have one key. */
function keyOf(name: string, namespace: string): string {
  return `${name}/${namespace}`;
}

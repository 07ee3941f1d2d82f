// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { DEFAULT_LIMITS } from '../limits.ts';
import type { CompiledException } from './exception.ts';

/** Exceptions by policy, namespace and digest, one look-up per policy and image; and by name. */
export class ExceptionIndex {
  /** By digest first: most digests have none, and then nothing is put together for the look-up. */
  readonly #byDigest = new Map<string, Map<string, CompiledException[]>>();
  readonly #byName = new Map<string, CompiledException>();
  /** By the exception that they say they renew. */
  readonly #byRenewed = new Map<string, CompiledException[]>();
  /** How many exceptions were left out because there are too many: they have no effect. */
  readonly dropped: number;

  /** Takes exceptions in the given order, up to `limit` of them. */
  constructor(
    exceptions: Iterable<CompiledException> = [],
    limit: number = DEFAULT_LIMITS.exceptions,
  ) {
    let count = 0;
    for (const exception of exceptions) {
      count += 1;
      if (count <= limit) this.#add(exception);
    }
    this.dropped = Math.max(0, count - limit);
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

  #add(exception: CompiledException): void {
    const { namespace, name, renews } = exception;
    this.#byName.set(keyOf(name, namespace), exception);
    if (renews !== undefined) addTo(this.#byRenewed, keyOf(renews, namespace), exception);
    const key = keyOf(exception.policy, exception.namespace);
    for (const digest of exception.digests) {
      const uses = this.#byDigest.get(digest) ?? new Map<string, CompiledException[]>();
      addTo(uses, key, exception);
      this.#byDigest.set(digest, uses);
    }
  }
}

const NONE: readonly CompiledException[] = [];

function addTo(
  lists: Map<string, CompiledException[]>,
  key: string,
  exception: CompiledException,
): void {
  const others = lists.get(key);
  if (others === undefined) lists.set(key, [exception]);
  else others.push(exception);
}

/** A namespace holds no slash, so that no two uses have one key. */
function keyOf(name: string, namespace: string): string {
  return `${name}/${namespace}`;
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { DEFAULT_LIMITS } from '../limits.ts';
import type { CompiledException } from './exception.ts';

/** Exceptions by policy, namespace and digest; one look-up per policy and image. */
export class ExceptionIndex {
  /** By digest first: most digests have none, and then nothing is put together for the look-up. */
  readonly #byDigest = new Map<string, Map<string, CompiledException[]>>();
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

  #add(exception: CompiledException): void {
    const key = keyOf(exception.policy, exception.namespace);
    for (const digest of exception.digests) {
      const uses = this.#byDigest.get(digest) ?? new Map<string, CompiledException[]>();
      const others = uses.get(key);
      if (others === undefined) uses.set(key, [exception]);
      else others.push(exception);
      this.#byDigest.set(digest, uses);
    }
  }
}

const NONE: readonly CompiledException[] = [];

/** A namespace holds no slash, so that no two uses have one key. */
function keyOf(policy: string, namespace: string): string {
  return `${policy}/${namespace}`;
}

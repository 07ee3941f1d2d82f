// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { CompiledException } from './exception.ts';

/** Exceptions by policy, namespace and digest; one look-up per policy and image. */
export class ExceptionIndex {
  readonly #byUse = new Map<string, readonly CompiledException[]>();

  constructor(exceptions: Iterable<CompiledException> = []) {
    for (const exception of exceptions) {
      for (const digest of exception.digests) {
        const key = keyOf(exception.policy, exception.namespace, digest);
        this.#byUse.set(key, [...(this.#byUse.get(key) ?? []), exception]);
      }
    }
  }

  /** The exceptions that name this policy, namespace and digest, live or not. */
  candidates(policy: string, namespace: string, digest: string): readonly CompiledException[] {
    return this.#byUse.get(keyOf(policy, namespace, digest)) ?? [];
  }
}

function keyOf(policy: string, namespace: string, digest: string): string {
  return `${policy}/${namespace}/${digest}`;
}

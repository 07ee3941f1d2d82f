// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { LRUCache } from 'lru-cache';
import type { Clock } from '../../../runtime/clock.ts';
import { canonicalJson, repositoryName } from '../../../verification/index.ts';
import type { JudgeInput } from '../../../runtime/judge/index.ts';

const KEPT = 100_000;

/** What is read: an image, with which credentials, for which policies. */
export type Reading = Pick<JudgeInput, 'use' | 'keychain' | 'snapshot'>;

/**
 * When the evidence of an image was last read because its time had come: work is by unique image, so
 * that a thousand workloads with the same one ask a registry once in an interval. What is kept apart
 * as evidence (by credentials, and by how a policy reaches the registry) has a time of its own.
 */
export class Refreshes {
  readonly #clock: Clock;
  readonly #readAt = new LRUCache<string, number>({ max: KEPT });

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Milliseconds until the evidence is to be read again; 0 or less where that is due. What is asked for
   * the first time is read in any case, and due after a whole interval.
   */
  msUntilDue(reading: Reading, intervalMs: number): number {
    const key = keyOf(reading);
    const now = this.#clock.monotonic();
    const readAt = this.#readAt.get(key);
    if (readAt !== undefined) return readAt + intervalMs - now;
    this.#readAt.set(key, now);
    return intervalMs;
  }

  /** Notes that the evidence was read again. */
  wasRead(reading: Reading): void {
    this.#readAt.set(keyOf(reading), this.#clock.monotonic());
  }
}

function keyOf({ use, keychain, snapshot }: Reading): string {
  const { image } = use;
  const registries = snapshot.matching(use).map(({ registry }) => canonicalJson(registry));
  const distinct = [...new Set(registries)].sort();
  return JSON.stringify([repositoryName(image), image.digest, keychain.identity, distinct]);
}

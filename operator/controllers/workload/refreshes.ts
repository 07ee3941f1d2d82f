// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { LRUCache } from 'lru-cache';
import type { Clock } from '../../../runtime/clock.ts';
import { repositoryName } from '../../../verification/index.ts';
import type { PinnedUse } from '../../../runtime/judge/index.ts';

const KEPT = 100_000;

/**
 * When the evidence of an image was last read because its time had come: work is by unique image, so
 * that a thousand workloads with the same one ask a registry once in an interval.
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
  msUntilDue({ image }: PinnedUse, intervalMs: number): number {
    const key = keyOf(image);
    const now = this.#clock.monotonic();
    const readAt = this.#readAt.get(key);
    if (readAt !== undefined) return readAt + intervalMs - now;
    this.#readAt.set(key, now);
    return intervalMs;
  }

  /** Notes that the evidence was read again. */
  wasRead({ image }: PinnedUse): void {
    this.#readAt.set(keyOf(image), this.#clock.monotonic());
  }
}

function keyOf(image: PinnedUse['image']): string {
  return `${repositoryName(image)}@${image.digest}`;
}

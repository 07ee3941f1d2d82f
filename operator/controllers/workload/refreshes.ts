// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { LRUCache } from 'lru-cache';
import type { Clock } from '../../../runtime/clock.ts';
import { repositoryName } from '../../../verification/index.ts';
import type { PinnedUse } from '../../../runtime/judge/index.ts';

/**
 * The part of an interval after which a workload is looked at again at the earliest, its jitter taken
 * off: evidence is due then. Were it due only after the whole, half of the looks would come too early
 * and the next one an interval later.
 */
export const EARLIEST_LOOK = 0.9;
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
   * True where the interval (milliseconds) has passed since this last answered true, or since it was
   * first asked: what is asked for the first time is read in any case.
   */
  isDue({ image }: PinnedUse, intervalMs: number): boolean {
    const key = `${repositoryName(image)}@${image.digest}`;
    const now = this.#clock.monotonic();
    const before = this.#readAt.get(key);
    const due = before !== undefined && now - before >= intervalMs;
    if (before === undefined || due) this.#readAt.set(key, now);
    return due;
  }
}

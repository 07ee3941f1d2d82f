// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { once } from 'node:events';
import type { Clock } from '../../runtime/clock.ts';

/** A clock whose instant tests set; deadlines are real and short. */
export class TestClock implements Clock {
  /** The instant of the wall clock. */
  instant: Date = new Date('2026-11-20T12:00:00Z');
  /** Milliseconds that have passed. */
  elapsed = 0;
  /** Bounds every deadline, so that tests of slow registries are not slow. */
  longestDeadlineMs = 200;

  now(): Date {
    return this.instant;
  }

  monotonic(): number {
    return this.elapsed;
  }

  deadline(ms: number): AbortSignal {
    return AbortSignal.timeout(Math.min(ms, this.longestDeadlineMs));
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    const waited = AbortSignal.timeout(Math.min(ms, 5));
    const either = signal === undefined ? waited : AbortSignal.any([waited, signal]);
    if (!either.aborted) await once(either, 'abort');
    signal?.throwIfAborted();
  }

  /** Moves both clocks. */
  advance(ms: number): void {
    this.elapsed += ms;
    this.instant = new Date(this.instant.getTime() + ms);
  }
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Clock } from './clock.ts';

/** A clock that stands still until a test moves it. Production never imports it. */
export interface FixedClock extends Clock {
  /**
   * Moves both clocks by `ms` milliseconds, firing due sleeps and deadlines in order, each at its
   * own instant; what they start may schedule more within the span. Resolves when all have run.
   */
  advance(ms: number): Promise<void>;
  /** Number of sleeps and deadlines that are waiting. */
  readonly waiting: number;
}

interface Waiter {
  readonly due: number;
  readonly fire: () => void;
}

/** A clock standing at `start` (a date, or RFC 3339); its monotonic clock starts at 0. */
export function fixedClock(start: Date | string = '2026-01-01T00:00:00Z'): FixedClock {
  const origin = new Date(start).getTime();
  if (Number.isNaN(origin)) throw new RangeError('fixedClock: not a date');
  const waiters = new Set<Waiter>();
  let elapsed = 0;

  const add = (ms: number, fire: () => void): Waiter => {
    const waiter = { due: elapsed + Math.max(ms, 0), fire };
    waiters.add(waiter);
    return waiter;
  };
  const next = (until: number): Waiter | undefined => {
    let first: Waiter | undefined;
    for (const waiter of waiters) {
      if (waiter.due <= until && (first === undefined || waiter.due < first.due)) first = waiter;
    }
    return first;
  };
  const advance = async (ms: number): Promise<void> => {
    const until = elapsed + ms;
    await settle();
    for (let due = next(until); due !== undefined; due = next(until)) {
      waiters.delete(due);
      elapsed = Math.max(elapsed, due.due);
      due.fire();
      await settle();
    }
    elapsed = until;
  };
  return {
    now: () => new Date(origin + elapsed),
    monotonic: () => elapsed,
    deadline: (ms) => {
      const controller = new AbortController();
      add(ms, () => {
        controller.abort(new DOMException('the deadline has passed', 'TimeoutError'));
      });
      return controller.signal;
    },
    sleep: (ms, signal) => sleepOn(ms, signal, { add, drop: (waiter) => waiters.delete(waiter) }),
    advance,
    get waiting() {
      return waiters.size;
    },
  };
}

interface Waiters {
  readonly add: (ms: number, fire: () => void) => Waiter;
  readonly drop: (waiter: Waiter) => void;
}

function sleepOn(ms: number, signal: AbortSignal | undefined, waiters: Waiters): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      const reason: unknown = signal?.reason;
      reject(
        reason instanceof Error ? reason : new DOMException('the wait was aborted', 'AbortError'),
      );
    };
    if (signal?.aborted === true) {
      abort();
      return;
    }
    const waiter = waiters.add(ms, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    const onAbort = (): void => {
      waiters.drop(waiter);
      abort();
    };
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** Lets everything that is ready run, also what it makes ready. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) {
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

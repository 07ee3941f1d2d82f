// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

/** The largest delay a timer of the platform takes, in milliseconds; more would fire at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/** Time as a process sees it: what tests replace. Nothing else reads a clock; queues and shutdown set timers of their own. */
export interface Clock {
  /** The wall clock: for comparing with dates in objects. May jump. */
  now(): Date;
  /** Milliseconds from an arbitrary start, never going back: for measuring durations. */
  monotonic(): number;
  /**
   * A signal that aborts with a `TimeoutError` after `ms` milliseconds (at most MAX_TIMER_MS, 24 days;
   * 0 or less aborts at the next turn). It never keeps the process alive.
   */
  deadline(ms: number): AbortSignal;
  /**
   * Resolves after `ms` milliseconds, however many; 0 or less resolves at the next turn. Rejects with
   * the reason of `signal` when that aborts first, and then leaves no timer behind.
   */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** The real clock. */
export const systemClock: Clock = {
  now: () => new Date(),
  monotonic: () => performance.now(),
  deadline: (ms) => AbortSignal.timeout(Math.min(Math.max(Math.ceil(ms), 0), MAX_TIMER_MS)),
  sleep: async (ms, signal) => {
    let left = ms;
    do {
      await timer(Math.min(Math.max(left, 0), MAX_TIMER_MS), signal);
      left -= MAX_TIMER_MS;
    } while (left > 0);
  },
};

function timer(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(asError(signal.reason));
      return;
    }
    const onAbort = (): void => {
      clearTimeout(handle);
      reject(asError(signal?.reason));
    };
    const handle = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    }, ms);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new DOMException('the wait was aborted', 'AbortError');
}

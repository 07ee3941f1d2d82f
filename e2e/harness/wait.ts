// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { setTimeout as sleep } from 'node:timers/promises';

/** How long and how often {@link waitFor} asks. */
export interface WaitOptions {
  /** Milliseconds until it gives up. */
  readonly timeoutMs: number;
  /** What was waited for; the error starts with it. */
  readonly message: string;
  /** Milliseconds between two attempts; 50 unless told. */
  readonly intervalMs?: number;
}

/**
 * Asks until the answer is neither `undefined`, `null` nor `false`, and returns it.
 * What `ask` throws counts as "not yet"; the last of it is the cause of the
 * error thrown at the deadline.
 *
 * @example const pod = await waitFor(() => readyPod(), { timeoutMs: 10_000, message: 'pod ready' });
 */
export async function waitFor<T>(
  ask: () => T | Promise<T>,
  options: WaitOptions,
): Promise<Exclude<T, undefined | null | false>> {
  const deadline = performance.now() + options.timeoutMs;
  let last: unknown;
  do {
    try {
      const answer = await ask();
      if (answer !== undefined && answer !== null && answer !== false) {
        return answer as Exclude<T, undefined | null | false>;
      }
      last = undefined;
    } catch (error) {
      last = error;
    }
    await sleep(options.intervalMs ?? 50);
  } while (performance.now() < deadline);
  const detail = last instanceof Error ? `: ${last.message}` : '';
  throw new Error(`${options.message}: not within ${String(options.timeoutMs)} ms${detail}`, {
    cause: last,
  });
}

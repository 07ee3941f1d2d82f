// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Clock } from '../../clock.ts';

/**
 * The clocks of a process that may be stopped and continued: time goes on meanwhile, but nothing of the
 * process runs, neither its timers nor what it waits for.
 */
export class PausableClock implements Clock {
  readonly #clock: Clock;
  #resumed: PromiseWithResolvers<undefined> | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  pause(): void {
    this.#resumed ??= Promise.withResolvers();
  }

  resume(): void {
    this.#resumed?.resolve(undefined);
    this.#resumed = undefined;
  }

  get isPaused(): boolean {
    return this.#resumed !== undefined;
  }

  /** Resolves when the process runs. */
  async running(): Promise<void> {
    while (this.#resumed !== undefined) await this.#resumed.promise;
  }

  now(): Date {
    return this.#clock.now();
  }

  monotonic(): number {
    return this.#clock.monotonic();
  }

  deadline(ms: number): AbortSignal {
    const controller = new AbortController();
    const reason = new DOMException('the deadline has passed', 'TimeoutError');
    void this.sleep(ms).then(() => controller.abort(reason));
    return controller.signal;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    try {
      await this.#clock.sleep(ms, signal);
    } finally {
      await this.running();
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Clock } from '../clock.ts';

/** Node's timers overflow beyond this many milliseconds and would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Keys by the instant at which they are due. One timer a key; instants beyond 24.8 days are reached in steps. */
export class Timetable {
  readonly #clock: Clock;
  readonly #due: (key: string) => void;
  readonly #entries = new Map<string, { readonly at: number; readonly timer: NodeJS.Timeout }>();

  constructor(clock: Clock, due: (key: string) => void) {
    this.#clock = clock;
    this.#due = due;
  }

  /** Makes a key due after some milliseconds, unless it is due earlier already. */
  set(key: string, ms: number): void {
    const at = this.#clock.monotonic() + Math.max(0, ms);
    const entry = this.#entries.get(key);
    if (entry !== undefined && entry.at <= at) return;
    this.delete(key);
    this.#arm(key, at);
  }

  /** Forgets a key. */
  delete(key: string): void {
    clearTimeout(this.#entries.get(key)?.timer);
    this.#entries.delete(key);
  }

  /** Forgets all keys. */
  clear(): void {
    for (const key of [...this.#entries.keys()]) this.delete(key);
  }

  #arm(key: string, at: number): void {
    const left = Math.max(0, at - this.#clock.monotonic());
    const timer = setTimeout(
      () => {
        if (this.#clock.monotonic() + 1 < at && left > LONGEST_TIMER_MS) {
          this.#arm(key, at);
          return;
        }
        this.#entries.delete(key);
        this.#due(key);
      },
      Math.min(Math.ceil(left), LONGEST_TIMER_MS),
    );
    this.#entries.set(key, { at, timer });
  }
}

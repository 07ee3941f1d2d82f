// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Clock } from '../runtime/clock.ts';

/** When the waiter of one request must have its answer. Costs nothing until somebody waits. */
export class Deadline {
  readonly #clock: Clock;
  readonly #endsAt: number;
  #signal: AbortSignal | undefined;

  /** `budgetMs` counts from now. */
  constructor(clock: Clock, budgetMs: number) {
    this.#clock = clock;
    this.#endsAt = clock.monotonic() + budgetMs;
  }

  /** Milliseconds that remain; at least 1. */
  get remainingMs(): number {
    return Math.max(1, this.#endsAt - this.#clock.monotonic());
  }

  /** Aborts at the deadline. */
  get signal(): AbortSignal {
    this.#signal ??= this.#clock.deadline(this.remainingMs);
    return this.#signal;
  }

  /** Aborts after `ms`, or at the deadline where that is earlier. */
  within(ms: number): AbortSignal {
    return this.#clock.deadline(Math.min(ms, this.remainingMs));
  }
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Clock } from '../clock.ts';
import { HOLD_MS } from './lease.ts';

/** A span of time in which this process leads. There is never another one of anybody at that time. */
export interface Term {
  /** Aborts when the term ends. May be late where the process was paused: ask `held` before acting. */
  readonly signal: AbortSignal;
  /**
   * Whether the term lasts. Read from the clocks in that moment, so that it is false after a pause of
   * the process, whatever else has not run yet. Once false it never becomes true again.
   */
  held(): boolean;
}

/** An instant by both clocks. */
export interface Instant {
  readonly monotonic: number;
  readonly wall: number;
}

/** Now, by both clocks. */
export function instantOf(clock: Clock): Instant {
  return { monotonic: clock.monotonic(), wall: clock.now().getTime() };
}

/**
 * A term by a Lease. It lasts for a time after the start of the request that renewed the Lease last:
 * others count the time of a lease, which is longer, from when they saw that renewal, which is later.
 */
export class LeaseTerm implements Term {
  readonly #clock: Clock;
  readonly #ended = new AbortController();
  #renewed: Instant;

  constructor(clock: Clock, acquired: Instant) {
    this.#clock = clock;
    this.#renewed = acquired;
  }

  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  held(): boolean {
    if (!this.#ended.signal.aborted && this.msLeft <= 0)
      this.end(new Error('the lease was not renewed in time'));
    return !this.#ended.signal.aborted;
  }

  /**
   * Milliseconds that the term lasts without another renewal. The wall clock can only shorten it: it
   * alone goes on while a machine is suspended.
   */
  get msLeft(): number {
    const now = instantOf(this.#clock);
    const { monotonic, wall } = this.#renewed;
    return HOLD_MS - Math.max(now.monotonic - monotonic, now.wall - wall);
  }

  /** Says that a request which was started at this instant renewed the Lease. Of no effect once the term has ended. */
  renewed(started: Instant): void {
    if (this.held()) this.#renewed = started;
  }

  /** Ends the term. */
  end(reason: Error): void {
    this.#ended.abort(reason);
  }
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Clock } from '../clock.ts';
import { holderOf, lifeOf, type Lease } from './lease.ts';

/**
 * The Lease as one candidate saw it change. What it says of time is compared with nothing: a holder is
 * gone when no renewal was seen for the time of a lease by our own clock.
 */
export class ObservedLease {
  readonly #clock: Clock;
  readonly #identity: string;
  #said: string | undefined;
  #freeAt = 0;

  constructor(clock: Clock, identity: string) {
    this.#clock = clock;
    this.#identity = identity;
  }

  /** Takes what was just read; `undefined` where there is no Lease. */
  see(lease: Lease | undefined): void {
    // Whoever held one that was deleted may not know it yet: their time runs as before.
    if (lease === undefined) return;
    const said = JSON.stringify(lease.spec ?? {});
    if (said === this.#said) return;
    this.#said = said;
    const holder = holderOf(lease);
    const free = holder === '' || holder === this.#identity;
    this.#freeAt = free ? 0 : this.#clock.monotonic() + lifeOf(lease);
  }

  /** Milliseconds until it may be taken; 0 where it may be taken now. */
  get msUntilFree(): number {
    return Math.max(0, this.#freeAt - this.#clock.monotonic());
  }
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import pLimit, { type LimitFunction } from 'p-limit';

/** Lets a number of holders in at once, in the order in which they come. */
export class Turnstile {
  readonly #limit: LimitFunction;

  constructor(holders: number) {
    this.#limit = pLimit(holders);
  }

  /** Resolves once there is room, and at the latest when the signal fires, which gives the room back. */
  async enter(signal: AbortSignal): Promise<void> {
    const fired = new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), { once: true });
    });
    const entered = new Promise<void>((resolve) => {
      void this.#limit(async () => {
        resolve();
        await fired;
      });
    });
    await Promise.race([entered, fired]);
  }
}

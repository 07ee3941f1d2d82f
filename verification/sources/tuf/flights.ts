// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

/** Work that several callers wait for together; it ends when it is done, or nobody waits any more. */
interface Flight<T> {
  readonly result: Promise<T>;
  readonly controller: AbortController;
  waiting: number;
}

/**
 * One run of work for all who ask for the same thing at the same time. Two runs under one key never
 * overlap, not even where the first one was ended.
 */
export class Flights<T> {
  readonly #flights = new Map<string, Flight<T>>();
  /** The last run under a key, settled when nothing of it is left. */
  readonly #last = new Map<string, Promise<void>>();

  /**
   * Joins the run under `key`, or starts it. Rejects with `ended()` as soon as `signal` fires; the
   * signal given to `work` fires when that of every caller has.
   */
  async join(
    key: string,
    work: (signal: AbortSignal) => Promise<T>,
    end: { readonly signal: AbortSignal; readonly ended: () => Error },
  ): Promise<T> {
    if (end.signal.aborted) throw end.ended();
    const flight = this.#flights.get(key) ?? this.#start(key, work);
    flight.waiting += 1;
    const done = new AbortController();
    const aborted = new Promise<never>((_, reject) => {
      const onAbort = (): void => reject(end.ended());
      end.signal.addEventListener('abort', onAbort, { once: true, signal: done.signal });
    });
    try {
      return await Promise.race([flight.result, aborted]);
    } finally {
      done.abort();
      flight.waiting -= 1;
      if (flight.waiting === 0) this.#leave(key, flight);
    }
  }

  #start(key: string, work: (signal: AbortSignal) => Promise<T>): Flight<T> {
    const controller = new AbortController();
    const before = this.#last.get(key) ?? Promise.resolve();
    const result = before.then(async () => work(controller.signal));
    const flight = { result, controller, waiting: 0 };
    const settled = result.then(nothing, nothing);
    this.#last.set(key, settled);
    void settled.then(() => {
      if (this.#last.get(key) === settled) this.#last.delete(key);
    });
    this.#flights.set(key, flight);
    return flight;
  }

  /** Nobody joins a run that is being ended. */
  #leave(key: string, flight: Flight<T>): void {
    flight.controller.abort();
    if (this.#flights.get(key) === flight) this.#flights.delete(key);
  }

  /** Ends every run, and waits until it has ended. */
  async close(): Promise<void> {
    for (const { controller } of this.#flights.values()) controller.abort();
    await Promise.all(this.#last.values());
  }
}

function nothing(): void {
  // The result tells; this only waits for it.
}

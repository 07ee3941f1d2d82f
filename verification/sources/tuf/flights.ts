// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

/** Work that several callers wait for together; it ends when it is done, or nobody waits any more. */
interface Flight<T> {
  readonly result: Promise<T>;
  readonly controller: AbortController;
  waiting: number;
}

/** One run of work for all who ask for the same thing at the same time. */
export class Flights<T> {
  readonly #flights = new Map<string, Flight<T>>();

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
    const flight = { result: work(controller.signal), controller, waiting: 0 };
    flight.result.catch(() => undefined);
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
    const flights = [...this.#flights.values()];
    for (const { controller } of flights) controller.abort();
    await Promise.allSettled(flights.map(async ({ result }) => result));
  }
}

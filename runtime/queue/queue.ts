// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Clock } from '../clock.ts';
import { Timetable } from './timetable.ts';

/** What a reconciler wants next: nothing, or another look after a while. */
export interface ReconcileResult {
  readonly requeueAfterMs?: number;
}

/**
 * Brings the world closer to what is wanted for one key. Level-based: the same code for add, update
 * and resync. A throw is retried with backoff, a TerminalError waits for the next change.
 */
export type Reconciler = (key: string, signal: AbortSignal) => Promise<ReconcileResult>;

/** Retrying does not help: somebody must change something first. */
export class TerminalError extends Error {
  constructor(message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = 'TerminalError';
  }
}

/** What is told of a queue's work. */
export interface QueueObserver {
  readonly done?: (key: string, outcome: 'ok' | 'retry' | 'terminal', ms: number) => void;
  readonly failed?: (key: string, error: unknown, retryMs: number | undefined) => void;
}

/** How a queue works. */
export interface QueueOptions {
  readonly reconcile: Reconciler;
  readonly clock: Clock;
  /** Keys worked on at the same time; never the same one twice. */
  readonly concurrency: number;
  /**
   * A key that is worked on for longer than `afterMs` waits for somebody slow, and does not count to
   * `concurrency` any more, as long as there are no more than `most` such: who is slow then holds up
   * nobody else. Every key counts where this is absent.
   */
  readonly slow?: { readonly afterMs: number; readonly most: number };
  readonly observer?: QueueObserver;
  /** Backoff of the first retry and its bound, milliseconds. */
  readonly backoffMs?: { readonly first: number; readonly most: number };
}

const BACKOFF_MS = { first: 100, most: 60_000 };
/** Nobody is waited for longer than this because of what a server asks. */
const MOST_ASKED_MS = 300_000;

/**
 * A keyed work queue: a key waits once however often it is added, is worked on by one worker at a
 * time, and comes again when it was added meanwhile. A key that fails never delays others.
 */
export class WorkQueue {
  readonly #options: QueueOptions;
  readonly #waiting = new Set<string>();
  readonly #active = new Set<string>();
  /** Those of the active ones that are slow. */
  readonly #slow = new Set<string>();
  readonly #again = new Set<string>();
  readonly #failures = new Map<string, number>();
  readonly #timetable: Timetable;
  readonly #stop = new AbortController();
  #started = false;
  #idle = Promise.withResolvers<undefined>();

  constructor(options: QueueOptions) {
    if (!Number.isSafeInteger(options.concurrency) || options.concurrency < 1)
      throw new RangeError('concurrency: must be a positive integer');
    this.#options = options;
    this.#timetable = new Timetable(options.clock, (key) => {
      this.add(key);
    });
  }

  /** Keys that wait now, without those that wait for an instant. */
  get depth(): number {
    return this.#waiting.size;
  }

  /** Begins work; what was added before waits until then. */
  start(): void {
    this.#started = true;
    this.#work();
  }

  /** Adds a key. */
  add(key: string): void {
    if (this.#stop.signal.aborted) return;
    if (this.#active.has(key)) this.#again.add(key);
    else this.#waiting.add(key);
    this.#work();
  }

  /** Adds a key after a while; the earliest of several instants counts. */
  addAfter(key: string, ms: number): void {
    if (!this.#stop.signal.aborted) this.#timetable.set(key, ms);
  }

  /** Takes no more work, aborts what runs and waits for its end. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.#timetable.clear();
    this.#waiting.clear();
    this.#again.clear();
    if (this.#active.size > 0) await this.#idle.promise;
  }

  #work(): void {
    if (!this.#started || this.#stop.signal.aborted) return;
    for (const key of this.#waiting) {
      if (this.#occupied >= this.#options.concurrency) return;
      this.#waiting.delete(key);
      this.#active.add(key);
      void this.#reconcile(key);
    }
  }

  /** How many keys count to the bound. */
  get #occupied(): number {
    return this.#active.size - Math.min(this.#slow.size, this.#options.slow?.most ?? 0);
  }

  /** Lets another key begin when this one turns out to be slow. Answers how to end that. */
  #watchSlow(key: string): () => void {
    const { slow } = this.#options;
    if (slow === undefined) return () => undefined;
    const timer = setTimeout(() => {
      this.#slow.add(key);
      this.#work();
    }, slow.afterMs);
    return () => {
      clearTimeout(timer);
      this.#slow.delete(key);
    };
  }

  async #reconcile(key: string): Promise<void> {
    const { clock, reconcile, observer } = this.#options;
    const started = clock.monotonic();
    this.#timetable.delete(key);
    const unwatch = this.#watchSlow(key);
    try {
      const { requeueAfterMs } = await reconcile(key, this.#stop.signal);
      this.#failures.delete(key);
      if (requeueAfterMs !== undefined) this.addAfter(key, requeueAfterMs);
      observer?.done?.(key, 'ok', clock.monotonic() - started);
    } catch (thrown) {
      this.#failed(key, thrown, clock.monotonic() - started);
    }
    unwatch();
    this.#active.delete(key);
    if (this.#again.delete(key)) this.#waiting.add(key);
    if (this.#stop.signal.aborted && this.#active.size === 0) this.#idle.resolve(undefined);
    this.#work();
  }

  #failed(key: string, thrown: unknown, ms: number): void {
    if (this.#stop.signal.aborted) return;
    const { observer = {} } = this.#options;
    const retryMs = thrown instanceof TerminalError ? undefined : this.#backoff(key, thrown);
    if (retryMs === undefined) this.#failures.delete(key);
    else this.addAfter(key, retryMs);
    observer.failed?.(key, thrown, retryMs);
    observer.done?.(key, retryMs === undefined ? 'terminal' : 'retry', ms);
  }

  #backoff(key: string, thrown: unknown): number {
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    const { first, most } = this.#options.backoffMs ?? BACKOFF_MS;
    const grown = Math.min(first * 2 ** Math.min(failures, 20), most);
    const jittered = grown * (0.75 + Math.random() / 2);
    return Math.max(jittered, Math.min(askedMs(thrown), MOST_ASKED_MS));
  }
}

/** What a server asked to wait (KubeError has it from `Retry-After`); 0 where it did not. */
function askedMs(thrown: unknown): number {
  if (typeof thrown !== 'object' || thrown === null) return 0;
  if (!('retryAfterSeconds' in thrown)) return 0;
  const { retryAfterSeconds } = thrown;
  return typeof retryAfterSeconds === 'number' ? Math.max(retryAfterSeconds, 0) * 1000 : 0;
}

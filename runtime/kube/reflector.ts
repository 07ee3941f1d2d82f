// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Clock } from '../clock.ts';
import type { Logger } from '../log/index.ts';
import type { KubeClient } from './client.ts';
import { isStatus, KubeError } from './error.ts';
import { objectKey, resourcePath, type KubeObject, type Resource } from './objects.ts';
import { ObjectStore, type IndexFunction, type ObjectView } from './store.ts';
import { watch, type WatchEvent } from './watch.ts';

/** What a reflector mirrors, and how. Times in milliseconds. */
export interface ReflectorOptions<T extends KubeObject> {
  readonly client: Pick<KubeClient, 'list' | 'stream'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly resource: Resource;
  /** Only this namespace; all of them otherwise. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Trims an object before it is kept; must keep name, namespace, uid and resourceVersion. */
  readonly transform?: (object: T) => T;
  readonly indexes?: Readonly<Record<string, IndexFunction<T>>>;
  /** Silence after which a watch counts as dead; 90,000 unless told. Bookmarks come every minute. */
  readonly stallMs?: number;
  /**
   * First and longest wait after a failure; 200 and 5,000 unless told: what was revoked while the API
   * server was away must not wait for long when it is back.
   */
  readonly backoffMs?: { readonly first: number; readonly most: number };
  /** Wait where the resource type is not served; 30,000 unless told. */
  readonly missingMs?: number;
  /** How long a list is good even where no watch failed; 6 hours unless told. */
  readonly relistMs?: number;
  /** Between 0 and 1, for jitter. */
  readonly random?: () => number;
}

/** How a reflector is doing. */
export interface ReflectorStatus {
  /** Plural of the resource. */
  readonly resource: string;
  readonly synced: boolean;
  readonly secondsSinceContact: number;
  /** What is wrong now; absent while all is well. */
  readonly problem?: string;
}

const PAGE = 500;
const LIST_MS = 60_000;
/** A watch that ends sooner than this counts as failed: else a server that hangs up at once is hammered. */
const SHORT_WATCH_MS = 1000;
/** Failures in a row after which the resourceVersion is no longer believed in. */
const FAILURES_BEFORE_LIST = 5;
const DEFAULTS = {
  stallMs: 90_000,
  backoffMs: { first: 200, most: 5_000 },
  missingMs: 30_000,
  relistMs: 6 * 3_600_000,
};

/**
 * Mirrors a collection into a store: paged list, then watches from its resourceVersion with bookmarks.
 * It supervises itself, forever: an expired version lists again, silence and every other error
 * reconnect with jittered backoff, a handler that throws harms nobody. What was mirrored stays while
 * the API server is away. A resource type that is not served is tried again slowly and not synced.
 */
export class Reflector<T extends KubeObject> {
  readonly #options: ReflectorOptions<T> & typeof DEFAULTS;
  readonly #path: string;
  readonly #logger: Logger;
  readonly #store: ObjectStore<T>;
  readonly #firstSync = Promise.withResolvers<undefined>();
  /** The current run; a run whose signal is aborted touches nothing any more. */
  #run: { readonly stop: AbortController; readonly done: Promise<void> } | undefined;
  #synced = false;
  /** Whether the current watch has brought anything. */
  #progress = false;
  #contactAt: number;
  #listedAt = 0;
  #version: string | undefined;
  #pageSize = PAGE;
  #problem: string | undefined;

  constructor(options: ReflectorOptions<T>) {
    this.#options = { ...DEFAULTS, ...options };
    const { resource, namespace } = options;
    this.#path = resourcePath({ ...resource, ...(namespace === undefined ? {} : { namespace }) });
    this.#logger = options.logger.child({ resource: resource.plural });
    this.#contactAt = options.clock.monotonic();
    this.#store = new ObjectStore({
      ...(options.indexes === undefined ? {} : { indexes: options.indexes }),
      onFault: (error) => this.#logger.error('handler of a watch failed', { error }),
    });
  }

  /** What is mirrored. */
  get store(): ObjectView<T> {
    return this.#store;
  }

  /** Starts mirroring and returns at once; nothing where it runs already. */
  start(): void {
    if (this.#run !== undefined) return;
    const stop = new AbortController();
    this.#run = { stop, done: this.#mirror(stop.signal) };
  }

  /** Ends mirroring, also during the first list; what is in the store stays. Resolves when it is quiet. */
  async stop(): Promise<void> {
    const run = this.#run;
    this.#run = undefined;
    run?.stop.abort();
    await run?.done;
  }

  /** True once a whole list was taken, as long as the resource type is served. */
  get hasSynced(): boolean {
    return this.#synced;
  }

  /** Resolves once a whole list was taken; stays open until then, whatever happens. */
  get synced(): Promise<void> {
    return this.#firstSync.promise;
  }

  /** Seconds since the API server last said anything about the collection (or since construction). */
  secondsSinceContact(): number {
    return (this.#options.clock.monotonic() - this.#contactAt) / 1000;
  }

  /** How it is doing: for readiness and metrics. */
  status(): ReflectorStatus {
    return {
      resource: this.#options.resource.plural,
      synced: this.#synced,
      secondsSinceContact: this.secondsSinceContact(),
      ...(this.#problem === undefined ? {} : { problem: this.#problem }),
    };
  }

  async #mirror(signal: AbortSignal): Promise<void> {
    const { backoffMs, missingMs, clock, random = Math.random } = this.#options;
    const stopped = (): boolean => signal.aborted;
    let failures = 0;
    while (!stopped()) {
      try {
        await this.#cycle(signal);
        failures = 0;
        this.#takeProgress();
      } catch (thrown) {
        if (stopped()) return;
        failures = this.#takeProgress() ? 1 : failures + 1;
        const missing = this.#failed(thrown, failures);
        const grown = Math.min(backoffMs.first * 2 ** (failures - 1), backoffMs.most);
        const wait = (missing ? missingMs : grown) * (0.5 + random() / 2);
        await clock.sleep(wait, signal).catch(() => undefined);
      }
    }
  }

  #takeProgress(): boolean {
    const progress = this.#progress;
    this.#progress = false;
    return progress;
  }

  /** One list where it is due, one watch. */
  async #cycle(signal: AbortSignal): Promise<void> {
    const { clock, relistMs } = this.#options;
    if (this.#version === undefined || clock.monotonic() - this.#listedAt > relistMs) {
      await this.#list(signal).catch((thrown: unknown) => {
        // The pages of a slow list may expire before their end: then all at once.
        if (isStatus(thrown, 410)) this.#pageSize = 0;
        throw thrown;
      });
    }
    const start = clock.monotonic();
    await this.#watch(signal);
    if (!this.#progress && clock.monotonic() - start < SHORT_WATCH_MS) {
      throw new Error('the watch ended at once');
    }
    this.#problem = undefined;
  }

  /** Notes a failure; true where the resource type is not served. */
  #failed(thrown: unknown, failures: number): boolean {
    const missing = isStatus(thrown, 404);
    const expired = isStatus(thrown, 410);
    if (missing || expired || failures % FAILURES_BEFORE_LIST === 0) this.#version = undefined;
    if (missing) this.#synced = false;
    const text = thrown instanceof Error ? thrown.message : String(thrown);
    this.#problem = missing ? `the resource type is not served: ${text}` : text;
    const log = { error: thrown, failures };
    if (expired) this.#logger.debug('watch expired, listing again', log);
    else this.#logger.warn('watch failed, trying again', log);
    return missing;
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { client, clock } = this.#options;
    this.#version = undefined;
    const seen = new Set<string>();
    const query = {
      ...this.#selectors(),
      ...(this.#pageSize === 0 ? {} : { limit: this.#pageSize }),
    };
    let next = '';
    let version: string | undefined;
    do {
      const page = await client.list<T>(
        this.#path,
        { ...query, continue: next },
        { signal, timeoutMs: LIST_MS },
      );
      signal.throwIfAborted();
      this.#contactAt = clock.monotonic();
      for (const item of page.items) {
        seen.add(objectKey(item));
        this.#put(item);
      }
      next = page.metadata.continue ?? '';
      version = page.metadata.resourceVersion;
    } while (next !== '');
    for (const key of this.#store.keys()) if (!seen.has(key)) this.#store.remove(key);
    this.#version = version;
    this.#listedAt = clock.monotonic();
    this.#pageSize = PAGE;
    this.#synced = true;
    this.#problem = undefined;
    this.#firstSync.resolve(undefined);
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { client, clock, stallMs } = this.#options;
    const query = { ...this.#selectors(), resourceVersion: this.#version ?? '' };
    for await (const event of watch<T>(client, this.#path, { query, signal, stallMs })) {
      signal.throwIfAborted();
      this.#contactAt = clock.monotonic();
      this.#problem = undefined;
      this.#take(event);
    }
  }

  #take(event: WatchEvent<T>): void {
    if (event.type === 'OPENED') return;
    const { type, object } = event;
    if (type === 'ERROR') {
      this.#version = undefined;
      throw new KubeError(object.code ?? 0, object.message ?? 'the watch reported an error');
    }
    this.#progress = true;
    if (type === 'DELETED') this.#store.remove(objectKey(object));
    else if (type !== 'BOOKMARK') this.#put(object);
    this.#version = object.metadata.resourceVersion ?? this.#version;
  }

  #put(object: T): void {
    const { transform } = this.#options;
    try {
      this.#store.put(transform === undefined ? object : transform(object));
    } catch (error) {
      const { namespace, name } = object.metadata;
      this.#logger.error('object could not be taken over', { namespace, name, error });
    }
  }

  #selectors(): Record<string, string> {
    const { labelSelector, fieldSelector } = this.#options;
    return {
      ...(labelSelector === undefined ? {} : { labelSelector }),
      ...(fieldSelector === undefined ? {} : { fieldSelector }),
    };
  }
}

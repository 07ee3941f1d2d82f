// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../clock.ts';
import { KubeError, type KubeClient, type ListOptions } from './client.ts';
import { resourcePath, objectKey, type KubeObject, type Resource } from './objects.ts';
import { ObjectStore } from './store.ts';
import { readLines } from './watch-lines.ts';

/** What a reflector mirrors, and how. */
export interface ReflectorOptions<T extends KubeObject> {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly resource: Resource;
  /** Only this namespace; all of them otherwise. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Trims an object before it is kept. */
  readonly transform?: (object: T) => T;
  /** Told of every failure; the reflector goes on by itself. */
  readonly onError?: (error: unknown) => void;
  /** Milliseconds of silence after which a watch counts as stalled. */
  readonly stallMs?: number;
}

const PAGE = 500;
/** The API server ends the watch after this time; bookmarks come about every minute. */
const WATCH_SECONDS = 300;
const STALL_MS = 90_000;
const BACKOFF_MS = { first: 200, most: 30_000 };

interface WatchEvent<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: T & { readonly code?: number; readonly message?: string };
}

/**
 * Mirrors a collection: paged list, then a watch from its resourceVersion with bookmarks. Supervised:
 * a 410 lists again, silence beyond `stallMs` and every other error reconnect with jittered backoff,
 * forever. `stop` sticks, also during the first list.
 */
export class Reflector<T extends KubeObject> {
  readonly store: ObjectStore<T>;
  readonly #options: ReflectorOptions<T>;
  readonly #path: string;
  readonly #stop = new AbortController();
  readonly #firstSync = Promise.withResolvers<undefined>();
  #synced = false;
  #lastContact: number;
  #running: Promise<void> | undefined;
  #version: string | undefined;
  #problem: string | undefined;

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
    this.#path = resourcePath({ ...options.resource, ...(options.namespace === undefined ? {} : { namespace: options.namespace }) });
    this.#lastContact = options.clock.monotonic();
    this.store = new ObjectStore((thrown) => options.onError?.(thrown));
  }

  /** Starts mirroring; returns at once. */
  start(): void {
    this.#running ??= this.#run();
  }

  /** Ends mirroring; what is in the store stays. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  /** True once a whole list was taken. */
  get hasSynced(): boolean {
    return this.#synced;
  }

  /** Resolves once a whole list was taken. */
  get synced(): Promise<undefined> {
    return this.#firstSync.promise;
  }

  /** Seconds since the API server last said anything about the collection. */
  secondsSinceContact(): number {
    return (this.#options.clock.monotonic() - this.#lastContact) / 1000;
  }

  /** What is wrong now; `undefined` while all is well. */
  get problem(): string | undefined {
    return this.#problem;
  }

  async #run(): Promise<void> {
    let backoff = BACKOFF_MS.first;
    while (!this.#stop.signal.aborted) {
      try {
        if (this.#version === undefined) await this.#list();
        await this.#watch();
        this.#problem = undefined;
        backoff = BACKOFF_MS.first;
      } catch (thrown) {
        if (this.#stop.signal.aborted) return;
        this.#failed(thrown);
        await this.#pause(backoff * (0.5 + Math.random()));
        backoff = Math.min(backoff * 2, BACKOFF_MS.most);
      }
    }
  }

  #failed(thrown: unknown): void {
    this.#problem = thrown instanceof Error ? thrown.message : String(thrown);
    if (thrown instanceof KubeError && (thrown.status === 410 || thrown.status === 404)) this.#version = undefined;
    this.#options.onError?.(thrown);
  }

  async #pause(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.#stop.signal }).catch(() => undefined);
  }

  async #list(): Promise<void> {
    const { client } = this.#options;
    const seen = new Set<string>();
    let next: string | undefined;
    let version: string | undefined;
    do {
      const query: ListOptions = { ...this.#selectors(), limit: PAGE, ...(next === undefined ? {} : { continue: next }) };
      const page = await client.list<T>(this.#path, query, { signal: this.#stop.signal, timeoutMs: 60_000 });
      this.#stop.signal.throwIfAborted();
      for (const item of page.items) {
        seen.add(objectKey(item));
        this.#put(item);
      }
      next = page.metadata.continue === '' ? undefined : page.metadata.continue;
      version = page.metadata.resourceVersion;
      this.#lastContact = this.#options.clock.monotonic();
    } while (next !== undefined);
    for (const key of [...this.store.keys()].filter((k) => !seen.has(k))) this.store.remove(key);
    this.#version = version;
    this.#synced = true;
    this.#problem = undefined;
    this.#firstSync.resolve(undefined);
  }

  async #watch(): Promise<void> {
    const stall = new AbortController();
    const signal = AbortSignal.any([this.#stop.signal, stall.signal]);
    const query = {
      ...this.#selectors(),
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion: this.#version ?? '',
      timeoutSeconds: WATCH_SECONDS.toString(),
    };
    const stallMs = this.#options.stallMs ?? STALL_MS;
    const stalled = (): void => {
      stall.abort(new Error(`watch stalled: nothing for ${stallMs.toString()} ms`));
    };
    let timer = setTimeout(stalled, stallMs);
    try {
      const body = await this.#options.client.stream(this.#path, query, signal);
      for await (const line of readLines(body)) {
        clearTimeout(timer);
        timer = setTimeout(stalled, stallMs);
        this.#lastContact = this.#options.clock.monotonic();
        this.#take(JSON.parse(line) as WatchEvent<T>);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  #take(event: WatchEvent<T>): void {
    const { type, object } = event;
    if (type === 'ERROR') {
      this.#version = undefined;
      throw new KubeError(object.code ?? 0, object.message ?? 'watch error');
    }
    this.#version = object.metadata.resourceVersion ?? this.#version;
    if (type === 'DELETED') this.store.remove(objectKey(object));
    else if (type !== 'BOOKMARK') this.#put(object);
  }

  #put(object: T): void {
    const { transform } = this.#options;
    this.store.put(transform === undefined ? object : transform(object));
  }

  #selectors(): Record<string, string> {
    const { labelSelector, fieldSelector } = this.#options;
    return {
      ...(labelSelector === undefined ? {} : { labelSelector }),
      ...(fieldSelector === undefined ? {} : { fieldSelector }),
    };
  }
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { request, type Dispatcher } from 'undici';
import { systemClock, type Clock } from '../clock.ts';
import { checkedBeforeSend } from './before-send.ts';
import type { KubeConnection } from './connection.ts';
import { answerError, isObjectMissing, isStatus, KubeError } from './error.ts';
import type { KubeList, KubeObject } from './objects.ts';

/** Options of every call. */
export interface CallOptions {
  /** Ends the call; it then rejects with a KubeError of status 0. */
  readonly signal?: AbortSignal;
  /** Milliseconds for the whole call; 10,000 unless told. */
  readonly timeoutMs?: number;
  /** Further query parameters, e.g. `{dryRun: 'All'}`. */
  readonly query?: Readonly<Record<string, string>>;
  /** What the answer is to be, in place of `application/json`; it has to be some JSON. */
  readonly accept?: string;
  /**
   * Asked at the last moment, when a connection is there and nothing has been written to it yet. What
   * it throws is thrown by the call, as the cause of a KubeError of status 0, and nothing is sent.
   */
  readonly beforeSend?: () => void;
}

/** Which part of a collection to list. */
export interface ListOptions {
  readonly limit?: number;
  readonly continue?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly resourceVersion?: string;
}

/** `apply` is server-side apply and needs a field manager. */
export type PatchType = 'json' | 'merge' | 'apply';

/** Options of a patch. */
export interface PatchOptions extends CallOptions {
  readonly fieldManager?: string;
  /** Takes fields from other managers (`apply` only). */
  readonly force?: boolean;
}

/** Options of a deletion. */
export interface DeleteOptions extends CallOptions {
  /** The deletion is refused (409) where the object is another one by now. */
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
}

/** Bytes of a stream, as watches have it. */
export interface StreamOptions {
  readonly query: Readonly<Record<string, string>>;
  /** Ends the stream. */
  readonly signal: AbortSignal;
  /** Milliseconds without a byte after which the stream fails. */
  readonly stallMs: number;
}

interface Call extends CallOptions {
  readonly body?: unknown;
  readonly contentType?: string;
}

const PATCH_TYPES: Readonly<Record<PatchType, string>> = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  apply: 'application/apply-patch+yaml',
};
const DEFAULT_TIMEOUT_MS = 10_000;
const HEADERS_MS = 30_000;
/** Bytes of an answer: a page of 500 pods has a few MiB, an unpaged list of 10,000 has 78. */
const MAX_ANSWER_BYTES = 256 * 1024 * 1024;

/**
 * Raw JSON calls to the API server over shared connections. Objects come back as they are: unknown
 * fields survive, dates stay strings. Whatever is not a success is thrown as a KubeError. Reads are
 * tried a second time where a kept connection turned out to be dead; nothing else is retried here.
 */
export class KubeClient {
  readonly #connection: KubeConnection;
  readonly #clock: Clock;

  constructor(connection: KubeConnection, clock: Clock = systemClock) {
    this.#connection = connection;
    this.#clock = clock;
  }

  /**
   * One object; `undefined` only where the API server says that this object does not exist. A 404 that
   * is about the resource type is thrown: it says nothing about objects.
   */
  async get<T>(path: string, options: CallOptions = {}): Promise<T | undefined> {
    try {
      return (await this.#call('GET', path, options)) as T;
    } catch (thrown) {
      if (isObjectMissing(thrown)) return undefined;
      throw thrown;
    }
  }

  /** One page of a list. Items carry `apiVersion` and `kind`, which the API server leaves out. */
  async list<T extends KubeObject>(
    path: string,
    list: ListOptions = {},
    options: CallOptions = {},
  ): Promise<KubeList<T>> {
    const query: Record<string, string> = { ...options.query };
    for (const [key, value] of Object.entries(list)) {
      if (value !== undefined && value !== '') query[key] = String(value);
    }
    const page = (await this.#call('GET', path, { ...options, query })) as KubeList<T>;
    const apiVersion = page.apiVersion ?? '';
    const kind = (page.kind ?? '').replace(/List$/u, '');
    return { ...page, items: page.items.map((item) => ({ apiVersion, kind, ...item })) };
  }

  /** Creates an object in a collection; 409 `AlreadyExists` where there is one. */
  async create<T>(path: string, body: unknown, options: CallOptions = {}): Promise<T> {
    return (await this.#call('POST', path, { ...options, body })) as T;
  }

  /** Replaces an object; a resourceVersion in the body guards against lost updates (409 `Conflict`). */
  async replace<T>(path: string, body: unknown, options: CallOptions = {}): Promise<T> {
    return (await this.#call('PUT', path, { ...options, body })) as T;
  }

  /** Patches an object. `body` is a list of operations for `json`, an object otherwise. */
  async patch<T>(
    path: string,
    body: unknown,
    type: PatchType,
    options: PatchOptions = {},
  ): Promise<T> {
    const { fieldManager, force, ...call } = options;
    const query = {
      ...call.query,
      ...(fieldManager === undefined ? {} : { fieldManager }),
      ...(force === undefined ? {} : { force: String(force) }),
    };
    return (await this.#call('PATCH', path, {
      ...call,
      query,
      body,
      contentType: PATCH_TYPES[type],
    })) as T;
  }

  /** Deletes an object. True where it was there; false where it had gone before. */
  async delete(path: string, options: DeleteOptions = {}): Promise<boolean> {
    const { preconditions, propagationPolicy, ...call } = options;
    const body = {
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      ...(preconditions === undefined ? {} : { preconditions }),
      ...(propagationPolicy === undefined ? {} : { propagationPolicy }),
    };
    try {
      await this.#call('DELETE', path, { ...call, body });
      return true;
    } catch (thrown) {
      if (isStatus(thrown, 404)) return false;
      throw thrown;
    }
  }

  /** Opens a stream of bytes. Rejects unless the answer is 200; fails on silence longer than `stallMs`. */
  async stream(path: string, options: StreamOptions): Promise<AsyncIterable<Uint8Array>> {
    const { query, signal, stallMs } = options;
    const response = await this.#send('GET', path, { query, signal }, stallMs);
    if (response.statusCode === 200) return response.body;
    const text = await this.#read(response, `GET ${path}`);
    throw answerError(response.statusCode, response.headers, text);
  }

  async #call(method: Dispatcher.HttpMethod, path: string, call: Call): Promise<unknown> {
    const timeoutMs = call.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    const timeout = this.#clock.deadline(timeoutMs);
    const signal = call.signal === undefined ? timeout : AbortSignal.any([call.signal, timeout]);
    const response = await this.#send(method, path, { ...call, signal }, timeoutMs);
    const text = await this.#read(response, `${method} ${path}`);
    const status = response.statusCode;
    if (status < 200 || status > 299) throw answerError(status, response.headers, text);
    try {
      return JSON.parse(text) as unknown;
    } catch (thrown) {
      throw new KubeError(0, `${method} ${path}: the answer is not JSON`, { cause: thrown });
    }
  }

  async #read(response: Dispatcher.ResponseData, what: string): Promise<string> {
    const chunks: Uint8Array[] = [];
    let size = 0;
    try {
      for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
        size += chunk.byteLength;
        if (size > MAX_ANSWER_BYTES) throw new Error('the answer is too large');
        chunks.push(chunk);
      }
    } catch (thrown) {
      throw failure(what, thrown);
    }
    return Buffer.concat(chunks, size).toString('utf8');
  }

  async #send(
    method: Dispatcher.HttpMethod,
    path: string,
    call: Call,
    bodyTimeout: number,
  ): Promise<Dispatcher.ResponseData> {
    const { beforeSend } = call;
    const attempt = async (): Promise<Dispatcher.ResponseData> => {
      const { headers, dispatcher: shared } = await this.#connection.authorize();
      const dispatcher = beforeSend === undefined ? shared : checkedBeforeSend(shared, beforeSend);
      return await request(`${this.#connection.server}${path}${queryOf(call)}`, {
        method,
        dispatcher,
        headers: { ...headers, accept: call.accept ?? 'application/json', ...bodyHeaders(call) },
        body: call.body === undefined ? null : JSON.stringify(call.body),
        signal: call.signal ?? null,
        headersTimeout: HEADERS_MS,
        bodyTimeout,
      });
    };
    try {
      return await attempt();
    } catch (thrown) {
      if (method !== 'GET' || !isDeadConnection(thrown)) throw failure(`${method} ${path}`, thrown);
    }
    return await attempt().catch((thrown: unknown) => {
      throw failure(`${method} ${path}`, thrown);
    });
  }
}

function bodyHeaders(call: Call): Record<string, string> {
  return call.body === undefined ? {} : { 'content-type': call.contentType ?? 'application/json' };
}

function queryOf(call: Call): string {
  const query = new URLSearchParams(call.query).toString();
  return query === '' ? '' : `?${query}`;
}

function isDeadConnection(thrown: unknown): boolean {
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
  return code === 'UND_ERR_SOCKET' || code === 'ECONNRESET' || code === 'EPIPE';
}

function failure(what: string, thrown: unknown): KubeError {
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new KubeError(0, `${what}: ${message}`, { cause: thrown });
}

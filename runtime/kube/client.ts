// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { request, type Dispatcher } from 'undici';
import type { PooledKubeConfig } from './connection.ts';
import type { KubeList } from './objects.ts';

/** The API server refused a call, or could not be reached (status 0). */
export class KubeError extends Error {
  readonly status: number;
  /** `reason` of the Status object, e.g. `AlreadyExists`; empty where there is none. */
  readonly reason: string;
  readonly retryAfterSeconds: number | undefined;

  constructor(status: number, message: string, details: { reason?: string; retryAfterSeconds?: number; cause?: unknown } = {}) {
    super(message, { cause: details.cause });
    this.name = 'KubeError';
    this.status = status;
    this.reason = details.reason ?? '';
    this.retryAfterSeconds = details.retryAfterSeconds;
  }
}

/** True where the API server answered with this status. */
export function isStatus(thrown: unknown, status: number): boolean {
  return thrown instanceof KubeError && thrown.status === status;
}

/** Options of a list call. */
export interface ListOptions {
  readonly limit?: number;
  readonly continue?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly resourceVersion?: string;
}

/** Kinds of patches. */
export type PatchType = 'json' | 'merge' | 'apply';

/** Options of every call. */
export interface CallOptions {
  readonly signal?: AbortSignal;
  /** Milliseconds for the whole call; 10,000 unless told. */
  readonly timeoutMs?: number;
  readonly query?: Readonly<Record<string, string>>;
}

const PATCH_TYPES: Readonly<Record<PatchType, string>> = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  apply: 'application/apply-patch+yaml',
};
const DEFAULT_TIMEOUT_MS = 10_000;

/**
 * Raw JSON calls to the API server over shared connections. Objects come back as they are: unknown
 * fields survive, dates stay strings. Whatever is not a success is thrown as a KubeError.
 */
export class KubeClient {
  readonly config: PooledKubeConfig;

  constructor(config: PooledKubeConfig) {
    this.config = config;
  }

  /** One object; `undefined` where there is none (404). */
  async get<T>(path: string, options: CallOptions = {}): Promise<T | undefined> {
    try {
      return (await this.#call('GET', path, options)) as T;
    } catch (thrown) {
      if (isStatus(thrown, 404)) return undefined;
      throw thrown;
    }
  }

  /** One page of a list. */
  async list<T>(path: string, list: ListOptions = {}, options: CallOptions = {}): Promise<KubeList<T>> {
    const query: Record<string, string> = { ...options.query };
    for (const [key, value] of Object.entries(list)) query[key] = String(value);
    return (await this.#call('GET', path, { ...options, query })) as KubeList<T>;
  }

  /** Creates an object in a collection. */
  async create<T>(path: string, body: unknown, options: CallOptions = {}): Promise<T> {
    return (await this.#call('POST', path, { ...options, body })) as T;
  }

  /** Replaces an object; a resourceVersion in the body guards against lost updates. */
  async replace<T>(path: string, body: unknown, options: CallOptions = {}): Promise<T> {
    return (await this.#call('PUT', path, { ...options, body })) as T;
  }

  /** Patches an object. */
  async patch<T>(path: string, body: unknown, type: PatchType, options: CallOptions = {}): Promise<T> {
    return (await this.#call('PATCH', path, { ...options, body, contentType: PATCH_TYPES[type] })) as T;
  }

  /** Deletes an object; one that is gone is fine. */
  async delete(path: string, options: CallOptions & { readonly preconditions?: { uid?: string; resourceVersion?: string } } = {}): Promise<void> {
    const { preconditions, ...rest } = options;
    const body = { apiVersion: 'v1', kind: 'DeleteOptions', ...(preconditions === undefined ? {} : { preconditions }) };
    try {
      await this.#call('DELETE', path, { ...rest, body });
    } catch (thrown) {
      if (!isStatus(thrown, 404)) throw thrown;
    }
  }

  /** Opens a stream, as watches do; the body is the caller's to end. Throws unless it answers 200. */
  async stream(path: string, query: Readonly<Record<string, string>>, signal: AbortSignal): Promise<Dispatcher.ResponseData['body']> {
    const response = await this.#send('GET', path, { query, signal, bodyTimeoutMs: 0 });
    if (response.statusCode === 200) return response.body;
    throw errorOf(response, await response.body.text());
  }

  async #call(method: Dispatcher.HttpMethod, path: string, call: Call): Promise<unknown> {
    const timeout = AbortSignal.timeout(call.timeoutMs ?? DEFAULT_TIMEOUT_MS);
    const signal = call.signal === undefined ? timeout : AbortSignal.any([call.signal, timeout]);
    const response = await this.#send(method, path, { ...call, signal });
    const text = await response.body.text().catch((thrown: unknown) => {
      throw new KubeError(0, `${method} ${path}: ${messageOf(thrown)}`, { cause: thrown });
    });
    if (response.statusCode >= 200 && response.statusCode < 300) return JSON.parse(text);
    throw errorOf(response, text);
  }

  async #send(method: Dispatcher.HttpMethod, path: string, call: Call): Promise<Dispatcher.ResponseData> {
    try {
      const { headers, dispatcher } = await this.config.authorize();
      const query = new URLSearchParams(call.query).toString();
      return await request(`${this.config.server}${path}${query === '' ? '' : `?${query}`}`, {
        method,
        dispatcher,
        headers: { ...headers, accept: 'application/json', ...(call.body === undefined ? {} : { 'content-type': call.contentType ?? 'application/json' }) },
        body: call.body === undefined ? null : JSON.stringify(call.body),
        ...(call.signal === undefined ? {} : { signal: call.signal }),
        ...(call.bodyTimeoutMs === undefined ? {} : { bodyTimeout: call.bodyTimeoutMs }),
      });
    } catch (thrown) {
      throw new KubeError(0, `${method} ${path}: ${messageOf(thrown)}`, { cause: thrown });
    }
  }
}

interface Call extends CallOptions {
  readonly body?: unknown;
  readonly contentType?: string;
  readonly bodyTimeoutMs?: number;
}

function errorOf(response: Dispatcher.ResponseData, text: string): KubeError {
  const status = response.statusCode;
  const retry = Number(response.headers['retry-after']);
  const details = Number.isFinite(retry) ? { retryAfterSeconds: retry } : {};
  try {
    const { message, reason } = JSON.parse(text) as { message?: string; reason?: string };
    return new KubeError(status, message ?? `status ${status.toString()}`, { ...details, reason: reason ?? '' });
  } catch {
    return new KubeError(status, `status ${status.toString()}: ${text.slice(0, 200)}`, details);
  }
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type {
  CallOptions,
  DeleteOptions,
  KubeClient,
  PatchOptions,
  PatchType,
} from '../kube/index.ts';
import type { Term } from './term.ts';

/** Why a write was not sent. */
export type FenceErrorCode =
  /** This process does not lead, or not any more. */
  | 'NOT_LEADING'
  /** The write would overwrite whatever is there: a fault of ours. */
  | 'UNCONDITIONAL';

/** A write was refused before anything was sent. */
export class FenceError extends Error {
  readonly code: FenceErrorCode;

  constructor(code: FenceErrorCode, message: string) {
    super(message);
    this.name = 'FenceError';
    this.code = code;
  }
}

type Calls = Pick<
  KubeClient,
  'get' | 'list' | 'stream' | 'create' | 'replace' | 'patch' | 'delete'
>;

/**
 * Calls to the API server of one term. Reads pass. A write is sent only while the term is held, which
 * is asked again at the last moment before the first byte, and is aborted when the term ends; and only
 * where it is conditional on what was read, so that one that was sent before and arrives late changes
 * nothing that a later leader wrote. A creation is conditional by itself: it fails where the name is taken.
 */
export class FencedClient implements Calls {
  readonly #client: Calls;
  readonly #term: Term;

  constructor(client: Calls, term: Term) {
    this.#client = client;
    this.#term = term;
  }

  get: KubeClient['get'] = (path, options) => this.#client.get(path, options);

  list: KubeClient['list'] = (path, list, options) => this.#client.list(path, list, options);

  stream: KubeClient['stream'] = (path, options) => this.#client.stream(path, options);

  async create<T>(path: string, body: unknown, options: CallOptions = {}): Promise<T> {
    if (path.endsWith('/eviction') && !isBound(at(body, 'deleteOptions', 'preconditions')))
      throw unconditional(`an eviction without preconditions: ${path}`);
    return await this.#send(options, (fenced) => this.#client.create<T>(path, body, fenced));
  }

  async replace<T>(path: string, body: unknown, options: CallOptions = {}): Promise<T> {
    if (!isText(at(body, 'metadata', 'resourceVersion')))
      throw unconditional(`a replacement without metadata.resourceVersion: ${path}`);
    return await this.#send(options, (fenced) => this.#client.replace<T>(path, body, fenced));
  }

  async patch<T>(
    path: string,
    body: unknown,
    type: PatchType,
    options: PatchOptions = {},
  ): Promise<T> {
    const bound = type === 'json' ? hasTest(body) : isText(at(body, 'metadata', 'resourceVersion'));
    if (!bound) throw unconditional(`a ${type} patch that does not hold to a version: ${path}`);
    return await this.#send(options, (fenced) => this.#client.patch<T>(path, body, type, fenced));
  }

  async delete(path: string, options: DeleteOptions = {}): Promise<boolean> {
    if (!isBound(options.preconditions))
      throw unconditional(`a deletion without preconditions: ${path}`);
    return await this.#send(options, (fenced) => this.#client.delete(path, fenced));
  }

  async #send<O extends CallOptions, T>(options: O, send: (options: O) => Promise<T>): Promise<T> {
    const term = this.#term;
    assertHeld(term);
    const either =
      options.signal === undefined ? term.signal : AbortSignal.any([options.signal, term.signal]);
    const beforeSend = (): void => {
      assertHeld(term);
      options.beforeSend?.();
    };
    try {
      return await send({ ...options, signal: either, beforeSend });
    } catch (thrown) {
      if (thrown instanceof Error && thrown.cause instanceof FenceError) throw thrown.cause;
      throw thrown;
    }
  }
}

function assertHeld(term: Term): void {
  if (!term.held()) throw new FenceError('NOT_LEADING', 'this process does not lead any more');
}

function unconditional(what: string): FenceError {
  return new FenceError('UNCONDITIONAL', `not sent: ${what}`);
}

/** Whether a JSON patch fails where the object is of another version. */
function hasTest(body: unknown): boolean {
  if (!Array.isArray(body)) return false;
  return body.some(
    (operation: unknown) =>
      at(operation, 'op') === 'test' &&
      at(operation, 'path') === '/metadata/resourceVersion' &&
      isText(at(operation, 'value')),
  );
}

/** Whether preconditions name a version or an object. */
function isBound(preconditions: unknown): boolean {
  return isText(at(preconditions, 'resourceVersion')) || isText(at(preconditions, 'uid'));
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}

function at(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (node, name) =>
      typeof node === 'object' && node !== null
        ? (node as Record<string, unknown>)[name]
        : undefined,
    value,
  );
}

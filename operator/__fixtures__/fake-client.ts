// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { PassThrough } from 'node:stream';
import {
  KubeClient,
  PooledKubeConfig,
  splitKey,
  type DeleteOptions,
  type KubeList,
  type KubeObject,
  type StreamOptions,
} from '../../runtime/kube/index.ts';
import type { FakeApi } from './fake-api.ts';

/** A client of the API server in memory, with watches. */
export class FakeClient extends KubeClient {
  readonly #api: FakeApi;

  constructor(api: FakeApi) {
    super(new PooledKubeConfig());
    this.#api = api;
  }

  override async get<T>(path: string): Promise<T | undefined> {
    return await this.#api.get<T>(path);
  }

  override async list<T extends KubeObject>(path: string): Promise<KubeList<T>> {
    return await this.#api.list<T>(path);
  }

  override async create<T>(path: string, body: unknown): Promise<T> {
    return await this.#api.create<T>(path, body);
  }

  override async replace<T>(path: string, body: unknown): Promise<T> {
    return await this.#api.replace<T>(path, body);
  }

  override async patch<T>(path: string, body: unknown): Promise<T> {
    return await this.#api.patch<T>(path, body);
  }

  override async delete(path: string, options?: DeleteOptions): Promise<boolean> {
    return await this.#api.delete(path, options);
  }

  override async stream(path: string, { signal }: StreamOptions): Promise<AsyncIterable<Uint8Array>> {
    const watch = new PassThrough();
    const send = (type: string, object: object): void => {
      watch.write(`${JSON.stringify({ type, object })}\n`);
    };
    const end = this.#api.follow(path, {
      put: (object) => send('MODIFIED', object),
      remove: (key) => send('DELETED', { metadata: splitKey(key) }),
    });
    signal.addEventListener('abort', () => {
      end();
      watch.destroy(new Error('aborted'));
    });
    return await Promise.resolve(watch);
  }
}

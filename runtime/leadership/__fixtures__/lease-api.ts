// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Clock } from '../../clock.ts';
import { KubeError, type CallOptions, type KubeClient, type KubeList, type KubeObject } from '../../kube/index.ts';
import type { Lease } from '../lease.ts';

/** How a call of one candidate goes wrong. */
export interface CallFault {
  /** Milliseconds before the API server gets it, and before its answer is back. */
  readonly toMs?: number;
  readonly fromMs?: number;
  /** Refused with this status. */
  readonly status?: number;
  /** `request`: never arrives. `answer`: it is done, but nobody hears of it. */
  readonly lost?: 'request' | 'answer';
}

/** What a candidate asks of the API server. */
export type Verb = 'get' | 'create' | 'replace' | 'delete';

/** The Lease as an API server keeps it: versions and conflicts. A deletion is of something else, and only counted. */
export class LeaseServer {
  lease: Lease | undefined;
  #version = 0;

  write(verb: Verb, body: unknown): unknown {
    if (verb === 'get' || verb === 'delete') return this.lease;
    const next = body as Lease;
    if (verb === 'create' && this.lease !== undefined) throw refusal(409, 'AlreadyExists');
    if (verb === 'replace' && this.lease === undefined) throw refusal(404, 'NotFound');
    if (verb === 'replace' && next.metadata.resourceVersion !== this.lease?.metadata.resourceVersion) throw refusal(409, 'Conflict');
    this.#version += 1;
    this.lease = structuredClone({ ...next, metadata: { ...next.metadata, resourceVersion: this.#version.toString() } });
    return this.lease;
  }
}

/** The way of one candidate to the API server: slow, broken or refused as a test wants it. */
export class LeaseApi implements Pick<KubeClient, 'get' | 'list' | 'stream' | 'create' | 'replace' | 'patch' | 'delete'> {
  /** Writes that were sent, whatever became of them. */
  readonly sent: Verb[] = [];
  fault: (verb: Verb) => CallFault = () => ({});
  /** Told of every write at the moment that it is sent. */
  onSend: (verb: Verb) => void = () => undefined;
  /** Waited for before a call is sent, and before its answer is heard: a token, a process that is paused. */
  before: () => Promise<void> = () => Promise.resolve();
  after: () => Promise<void> = () => Promise.resolve();
  readonly #server: LeaseServer;
  readonly #clock: Clock;

  /** `clock` is that of the network: it goes on where a process is paused. */
  constructor(server: LeaseServer, clock: Clock) {
    this.#server = server;
    this.#clock = clock;
  }

  get<T>(_path: string, options?: CallOptions): Promise<T | undefined> {
    return this.#call('get', undefined, options) as Promise<T | undefined>;
  }

  list<T extends KubeObject>(): Promise<KubeList<T>> {
    return Promise.reject(refusal(405, 'MethodNotAllowed'));
  }

  stream(): Promise<never> {
    return Promise.reject(refusal(405, 'MethodNotAllowed'));
  }

  create<T>(_path: string, body: unknown, options?: CallOptions): Promise<T> {
    return this.#call('create', body, options) as Promise<T>;
  }

  replace<T>(_path: string, body: unknown, options?: CallOptions): Promise<T> {
    return this.#call('replace', body, options) as Promise<T>;
  }

  patch<T>(): Promise<T> {
    return Promise.reject(refusal(405, 'MethodNotAllowed'));
  }

  async delete(_path: string, options?: CallOptions): Promise<boolean> {
    await this.#call('delete', undefined, options);
    return true;
  }

  async #call(verb: Verb, body: unknown, options: CallOptions = {}): Promise<unknown> {
    const fault = this.fault(verb);
    await this.before();
    options.beforeSend?.();
    if (options.signal?.aborted === true) throw new KubeError(0, 'aborted');
    if (verb !== 'get') this.sent.push(verb);
    if (verb !== 'get') this.onSend(verb);
    try {
      return await this.#exchange(verb, body, fault);
    } finally {
      await this.after();
    }
  }

  /** What was sent arrives, whether or not the caller still waits. */
  async #exchange(verb: Verb, body: unknown, { toMs = 0, fromMs = 0, status, lost }: CallFault): Promise<unknown> {
    const never = new Promise<never>(() => undefined);
    if (lost === 'request') return await never;
    if (toMs > 0) await this.#clock.sleep(toMs);
    if (status !== undefined) throw refusal(status, 'Forbidden');
    const answer = this.#server.write(verb, body);
    if (lost === 'answer') return await never;
    if (fromMs > 0) await this.#clock.sleep(fromMs);
    return structuredClone(answer);
  }
}

function refusal(status: number, reason: string): KubeError {
  return new KubeError(status, reason, { reason, objectName: 'countersign-operator' });
}

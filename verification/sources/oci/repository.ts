// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Limits } from '../../limits.ts';
import type { Access, Authenticator } from './auth.ts';
import { statusFailure } from './failure.ts';
import type { Expected, Reply } from './reply.ts';
import type { Transport } from './transport.ts';

/** Something to read from a repository. */
export interface Resource {
  /** Below `/v2/<repository>/`, or a whole URL at the registry. */
  readonly at: string | URL;
  /** For messages: `manifest sha256:…`. */
  readonly what: string;
  readonly accept?: string;
  readonly maxBytes: number;
  readonly expected?: Expected;
}

/** What readers share. */
export interface Client {
  readonly transport: Transport;
  readonly authenticator: Authenticator;
  readonly limits: Limits;
}

/** Reads one repository with one credential until its signal fires. */
export class RepositoryReader {
  readonly limits: Limits;
  readonly #client: Client;
  readonly #access: Access;
  readonly #signal: AbortSignal;

  constructor(client: Client, access: Access, signal: AbortSignal) {
    this.limits = client.limits;
    this.#client = client;
    this.#access = access;
    this.#signal = signal;
  }

  /** `host/path`, for messages. */
  get name(): string {
    return `${this.#access.endpoint.host}/${this.#access.repository}`;
  }

  /** The URL of something below `/v2/<repository>/`. */
  url(path: string): URL {
    return new URL(`/v2/${this.#access.repository}/${path}`, this.#access.endpoint.origin);
  }

  /** What is there, or `undefined` for 404. Rejects for every other status but 200. */
  async get(resource: Resource): Promise<Reply | undefined> {
    const reply = await this.read(resource);
    if (reply.status === 404) return undefined;
    this.demand(reply, resource);
    return reply;
  }

  /** Rejects an answer that is not a success, with the reason that its status stands for. */
  demand(reply: Reply, resource: Resource): void {
    if (reply.status !== 200) {
      throw statusFailure(reply.status, this.#access.endpoint.host, resource.what);
    }
  }

  /** The answer, whatever its status, after one attempt to authenticate where that is asked for. */
  async read(resource: Resource): Promise<Reply> {
    const offered = await this.#client.authenticator.offer(this.#access);
    const first = await this.#send(resource, offered);
    // What another origin asks for after a redirect is not ours to answer (D3).
    if (first.status !== 401 || first.isForeign) return first;
    const header = await this.#client.authenticator.answer(this.#access, first, offered);
    return this.#send(resource, header);
  }

  async #send(resource: Resource, authorization: string | undefined): Promise<Reply> {
    const { at, what, accept, maxBytes, expected } = resource;
    return this.#client.transport.send({
      endpoint: this.#access.endpoint,
      url: typeof at === 'string' ? this.url(at) : at,
      what,
      maxBytes,
      redirects: this.limits.redirects,
      signal: this.#signal,
      ...(accept === undefined ? {} : { accept }),
      ...(expected === undefined ? {} : { expected }),
      ...(authorization === undefined ? {} : { authorization }),
    });
  }
}

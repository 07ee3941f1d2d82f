// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { digestOf, OCI_INDEX, OCI_MANIFEST, type Digest } from '../../../image/index.ts';

/** A request as it arrived. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** Answers a request, or answers `false` to leave it to the registry. */
export type Handler = (
  request: SeenRequest,
  response: ServerResponse,
) => boolean | undefined | Promise<boolean | undefined>;

interface Stored {
  readonly bytes: Buffer;
  readonly mediaType: string;
}

/** A registry in this process, on loopback; honest unless a handler makes it otherwise. */
export class FakeRegistry {
  readonly seen: SeenRequest[] = [];
  readonly manifests = new Map<string, Stored>();
  readonly blobs = new Map<string, Buffer>();
  /** Lists of the referrers API; `undefined` has no such API. */
  referrers: Map<string, unknown[]> | undefined;
  readonly #handlers: Handler[] = [];
  readonly #server: ReturnType<typeof createServer>;

  constructor(tls?: { readonly key: string; readonly cert: string }) {
    const listener = (request: IncomingMessage, response: ServerResponse): void => {
      void this.#serve(request, response);
    };
    this.#server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  }

  async start(): Promise<this> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return this;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get host(): string {
    return `127.0.0.1:${this.port.toString()}`;
  }

  /** Handlers are asked in order, before the registry's own answer. */
  handle(path: RegExp | string, handler: Handler): void {
    this.#handlers.push((request, response) => {
      const isMine = typeof path === 'string' ? request.path === path : path.test(request.path);
      return isMine ? handler(request, response) : false;
    });
  }

  /** Stores a document, by its digest and by the tag where one is given. */
  put(repository: string, document: object, tag?: string): { digest: Digest; size: number } {
    const { mediaType } = document as { mediaType?: string };
    return this.putBytes(repository, Buffer.from(JSON.stringify(document)), {
      mediaType: mediaType ?? OCI_MANIFEST,
      ...(tag === undefined ? {} : { tag }),
    });
  }

  putBytes(
    repository: string,
    bytes: Buffer,
    as: { readonly mediaType: string; readonly tag?: string },
  ): { digest: Digest; size: number } {
    const digest = digestOf(bytes);
    this.manifests.set(`${repository} ${digest}`, { bytes, mediaType: as.mediaType });
    if (as.tag !== undefined) {
      this.manifests.set(`${repository} ${as.tag}`, { bytes, mediaType: as.mediaType });
    }
    return { digest, size: bytes.length };
  }

  /** Stores a blob and answers the descriptor of it. */
  blob(repository: string, content: string, mediaType: string): object {
    const bytes = Buffer.from(content);
    const digest = digestOf(bytes);
    this.blobs.set(`${repository} ${digest}`, bytes);
    return { mediaType, digest, size: bytes.length };
  }

  /** Adds an entry to the list of the referrers API. */
  list(digest: string, descriptor: object): void {
    this.referrers ??= new Map();
    this.referrers.set(digest, [...(this.referrers.get(digest) ?? []), descriptor]);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const { method = '', url = '', headers } = incoming;
    const request = { method, path: url, headers, body: Buffer.concat(chunks).toString() };
    this.seen.push(request);
    for (const handler of this.#handlers) {
      if ((await handler(request, response)) !== false) return;
    }
    this.#answer(request, response);
  }

  #answer(request: SeenRequest, response: ServerResponse): void {
    const found = this.#find(request.path);
    if (found === undefined) {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('404 page not found\n');
    } else response.writeHead(200, { 'content-type': found.mediaType }).end(found.bytes);
  }

  #find(path: string): Stored | undefined {
    const match = /^\/v2\/(.+)\/(manifests|blobs|referrers)\/([^/?]+)/.exec(path);
    const [, repository = '', kind = '', reference = ''] = match ?? [];
    if (kind === 'manifests') return this.manifests.get(`${repository} ${reference}`);
    if (kind === 'blobs') {
      const bytes = this.blobs.get(`${repository} ${reference}`);
      return bytes && { bytes, mediaType: 'application/octet-stream' };
    }
    return kind === 'referrers' ? this.#referrersOf(reference) : undefined;
  }

  #referrersOf(reference: string): Stored | undefined {
    if (this.referrers === undefined) return undefined;
    const manifests = this.referrers.get(reference) ?? null;
    const body = JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests });
    return { bytes: Buffer.from(body), mediaType: OCI_INDEX };
  }
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { once } from 'node:events';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { PooledKubeConfig } from '../connection.ts';
import type { KubeObject } from '../objects.ts';

/** A request as it came. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: unknown;
  readonly headers: http.IncomingHttpHeaders;
}

/** What a test answers in place of the server: a reply, or nothing at all. */
export type Intercepted = { readonly status: number; readonly body: unknown; readonly headers?: Record<string, string> } | 'hang';

interface Watcher {
  readonly collection: string;
  readonly response: ServerResponse;
}

const STATUS = { kind: 'Status', apiVersion: 'v1', status: 'Failure' };

/** A small API server on loopback: lists in pages, watches, writes with versions. */
export class FakeApiServer {
  readonly requests: SeenRequest[] = [];
  /** Connections that were ever opened. */
  connections = 0;
  /** Asked before every request. */
  intercept: (request: SeenRequest) => Intercepted | undefined = () => undefined;
  readonly #server: http.Server | https.Server;
  readonly #objects = new Map<string, KubeObject>();
  readonly #watchers = new Set<Watcher>();
  #version = 100;

  private constructor(tls: { readonly cert: string; readonly key: string } | undefined) {
    const listener = (request: IncomingMessage, response: ServerResponse): void => {
      void this.#serve(request, response);
    };
    this.#server = tls === undefined ? http.createServer(listener) : https.createServer(tls, listener);
    this.#server.on(tls === undefined ? 'connection' : 'secureConnection', () => (this.connections += 1));
  }

  /** Starts on a free loopback port. */
  static async start(tls?: { readonly cert: string; readonly key: string }): Promise<FakeApiServer> {
    const fake = new FakeApiServer(tls);
    fake.#server.listen(0, '127.0.0.1');
    await once(fake.#server, 'listening');
    return fake;
  }

  get url(): string {
    const scheme = this.#server instanceof https.Server ? 'https' : 'http';
    return `${scheme}://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** A kubeconfig that leads here, with a token; without `ca` the certificate is not checked. */
  kubeConfig(ca?: string): PooledKubeConfig {
    const config = new PooledKubeConfig();
    const cluster = ca === undefined ? { skipTLSVerify: true } : { skipTLSVerify: false, caData: Buffer.from(ca).toString('base64') };
    config.loadFromClusterAndUser({ name: 'fake', server: this.url, ...cluster }, { name: 'user', token: 'secret' });
    return config;
  }

  /** Creates or changes the object at a path, and tells the watchers. */
  put(path: string, object: Omit<KubeObject, 'metadata'> & { metadata: { name: string; namespace?: string } }): KubeObject {
    const type = this.#objects.has(path) ? 'MODIFIED' : 'ADDED';
    this.#version += 1;
    const stored = { ...object, metadata: { uid: path, ...object.metadata, resourceVersion: this.#version.toString() } };
    this.#objects.set(path, stored);
    this.#tell(path, { type, object: stored });
    return stored;
  }

  /** Deletes the object at a path, and tells the watchers. */
  remove(path: string): void {
    const object = this.#objects.get(path);
    if (object === undefined) return;
    this.#objects.delete(path);
    this.#version += 1;
    this.#tell(path, { type: 'DELETED', object: { ...object, metadata: { ...object.metadata, resourceVersion: this.#version.toString() } } });
  }

  /** Deletes without a word to anybody, as if the event was lost. */
  forget(path: string): void {
    this.#objects.delete(path);
  }

  object(path: string): KubeObject | undefined {
    return this.#objects.get(path);
  }

  /** Sends anything to every watcher. */
  send(event: unknown): void {
    for (const { response } of this.#watchers) response.write(`${JSON.stringify(event)}\n`);
  }

  /** Sends a bookmark with a new version to every watcher. */
  bookmark(): string {
    this.#version += 10;
    const resourceVersion = this.#version.toString();
    this.send({ type: 'BOOKMARK', object: { kind: 'X', metadata: { resourceVersion } } });
    return resourceVersion;
  }

  get watchers(): number {
    return this.#watchers.size;
  }

  /** Ends every watch: properly, or by cutting the connection. */
  endWatches(how: 'properly' | 'abruptly' = 'properly'): void {
    for (const { response } of this.#watchers) {
      if (how === 'properly') response.end();
      else response.destroy();
    }
    this.#watchers.clear();
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #tell(path: string, event: unknown): void {
    const own = path.slice(0, path.lastIndexOf('/'));
    for (const { collection, response } of this.#watchers) {
      if (belongs(own, collection)) response.write(`${JSON.stringify(event)}\n`);
    }
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const url = new URL(request.url ?? '/', 'http://fake');
    const text = Buffer.concat(chunks).toString('utf8');
    const seen: SeenRequest = {
      method: request.method ?? '',
      path: decodeURIComponent(url.pathname),
      query: url.searchParams,
      body: text === '' ? undefined : (JSON.parse(text) as unknown),
      headers: request.headers,
    };
    this.requests.push(seen);
    const intercepted = this.intercept(seen);
    if (intercepted === 'hang') return;
    if (intercepted !== undefined) answer(response, intercepted.status, intercepted.body, intercepted.headers);
    else if (seen.query.get('watch') === 'true') this.#watch(seen, response);
    else this.#answer(seen, response);
  }

  #watch(seen: SeenRequest, response: ServerResponse): void {
    const watcher = { collection: seen.path, response };
    this.#watchers.add(watcher);
    response.on('close', () => this.#watchers.delete(watcher));
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
  }

  #answer(seen: SeenRequest, response: ServerResponse): void {
    const object = this.#objects.get(seen.path);
    if (seen.method === 'POST') {
      this.#create(seen, response);
      return;
    }
    if (seen.method === 'GET' && object === undefined && isCollection(seen.path)) {
      this.#list(seen, response);
      return;
    }
    if (object === undefined) {
      const name = seen.path.slice(seen.path.lastIndexOf('/') + 1);
      answer(response, 404, { ...STATUS, reason: 'NotFound', message: `"${name}" not found`, details: { name } });
      return;
    }
    if (seen.method === 'DELETE') this.remove(seen.path);
    if (seen.method === 'PUT') this.put(seen.path, seen.body as KubeObject);
    if (seen.method === 'PATCH') this.put(seen.path, merge(object, seen.body) as KubeObject);
    answer(response, 200, this.#objects.get(seen.path) ?? { ...STATUS, status: 'Success' });
  }

  #create(seen: SeenRequest, response: ServerResponse): void {
    const object = seen.body as KubeObject;
    const path = `${seen.path}/${object.metadata.name}`;
    if (this.#objects.has(path)) answer(response, 409, { ...STATUS, reason: 'AlreadyExists', message: 'exists' });
    else answer(response, 201, this.put(path, object));
  }

  #list(seen: SeenRequest, response: ServerResponse): void {
    const all = [...this.#objects].filter(([path]) => belongs(path.slice(0, path.lastIndexOf('/')), seen.path));
    const start = Number(seen.query.get('continue') ?? 0);
    const limit = Number(seen.query.get('limit') ?? 0) || all.length;
    const more = start + limit < all.length;
    answer(response, 200, {
      kind: 'ThingList',
      apiVersion: 'v1',
      metadata: { resourceVersion: this.#version.toString(), ...(more ? { continue: (start + limit).toString() } : {}) },
      items: all.slice(start, start + limit).map(([, object]) => object),
    });
  }
}

function answer(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(text);
}

function belongs(own: string, collection: string): boolean {
  return own === collection || own.replace(/\/namespaces\/[^/]+/u, '') === collection;
}

/** Paths of objects have a name after the plural. */
function isCollection(path: string): boolean {
  const rest = path.replace(/^\/(?:api\/[^/]+|apis\/[^/]+\/[^/]+)/u, '').replace(/^\/namespaces\/[^/]+(?=\/)/u, '');
  return rest.split('/').length === 2;
}

function merge(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const result: Record<string, unknown> = { ...(target as Record<string, unknown>) };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) result[key] = undefined;
    else result[key] = merge(result[key] ?? {}, value);
  }
  return result;
}

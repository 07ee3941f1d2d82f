// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Agent, request as forward } from 'node:https';
import { Transform } from 'node:stream';
import { parse } from 'yaml';

/** A call of the process behind the proxy. */
export interface ApiCall {
  /** `performance.now` when it came. */
  readonly at: number;
  readonly method: string;
  /** Path without the query. */
  readonly path: string;
  /** Whether it asks for a watch. */
  readonly isWatch: boolean;
  /** What the API server answered; 0 as long as it did not. */
  status: number;
}

/** What the proxy does in the place of the API server: refuses a call, or never answers it. */
export type ApiFault = { readonly status: number; readonly retryAfterSeconds?: number } | 'hang';

interface Kubeconfig {
  readonly clusters: readonly {
    readonly name: string;
    cluster: Readonly<Record<string, unknown>>;
  }[];
}

const READS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Stands between one process and the API server: sees every call that it makes, under its own
 * credentials, and misbehaves when told.
 */
export class ApiProxy {
  /** Path of the kubeconfig that leads through the proxy. */
  readonly kubeconfig: string;
  /** Every write since the start, in its order; also those that got a fault for an answer. */
  readonly writes: ApiCall[] = [];
  /** Every read since the start, in its order; also those that got a fault for an answer. */
  readonly reads: ApiCall[] = [];
  /** Watches that the API server answered, at once or later, with 410 Gone. */
  readonly expired: ApiCall[] = [];
  /** Asked for every call; `undefined` passes it on. */
  fault: (call: ApiCall) => ApiFault | undefined = () => undefined;
  /** Asked for all that the API server sends; a call for which it says yes once gets nothing any more. */
  isHole: (call: ApiCall) => boolean = () => false;
  readonly #open = new Map<ServerResponse, ApiCall>();
  readonly #server: Server;
  readonly #agent: Agent;
  readonly #target: URL;

  /** Listens on a loopback port for who uses this kubeconfig. */
  constructor(kubeconfig: string, port: number) {
    const config = parse(readFileSync(kubeconfig, 'utf8')) as Kubeconfig;
    const { server, 'certificate-authority-data': ca } = config.clusters[0]?.cluster ?? {};
    this.#target = new URL(String(server));
    this.#agent = new Agent({ keepAlive: true, ca: Buffer.from(String(ca), 'base64') });
    this.kubeconfig = `${kubeconfig}.${port.toString()}`;
    const cluster = {
      server: `http://127.0.0.1:${port.toString()}`,
      'insecure-skip-tls-verify': true,
    };
    const through = {
      ...config,
      clusters: config.clusters.map((entry) => ({ ...entry, cluster })),
    };
    writeFileSync(this.kubeconfig, JSON.stringify(through), { mode: 0o600 });
    this.#server = createServer((request, response) => this.#take(request, response));
    this.#server.listen(port, '127.0.0.1');
  }

  /** Hangs up on whoever waits for more of these calls. */
  cut(which: (call: ApiCall) => boolean): void {
    for (const [response, call] of this.#open) if (which(call)) response.destroy();
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#agent.destroy();
  }

  #take(request: IncomingMessage, response: ServerResponse): void {
    const { method = '', url = '/' } = request;
    const [path = '', query = ''] = url.split('?');
    const isWatch = new URLSearchParams(query).get('watch') === 'true';
    const call = { at: performance.now(), method, path, isWatch, status: 0 };
    (READS.has(method) ? this.reads : this.writes).push(call);
    this.#open.set(response, call);
    response.once('close', () => this.#open.delete(response));
    const fault = this.fault(call);
    if (fault === 'hang') return;
    if (fault === undefined) this.#pass(call, request, response);
    else refuse(response, fault);
  }

  #pass(call: ApiCall, request: IncomingMessage, response: ServerResponse): void {
    const { method = 'GET', url: path = '/', headers } = request;
    const { hostname, port } = this.#target;
    const options = { hostname, port, method, path, headers, agent: this.#agent };
    const upstream = forward(options, (answer) => {
      call.status = answer.statusCode ?? 0;
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      // A watch is accepted before there is anything to tell.
      response.flushHeaders();
      const through = this.#through(call);
      answer.pipe(through.bytes).pipe(response);
      answer.once('error', () => {
        // Who is behind a black hole does not hear the other end hang up, either.
        if (!through.isHole()) response.destroy();
      });
    });
    upstream.once('error', () => response.destroy());
    response.once('close', () => upstream.destroy());
    request.pipe(upstream);
  }

  /** What the bytes of an answer go through, and whether they end there. */
  #through(call: ApiCall): { readonly bytes: Transform; readonly isHole: () => boolean } {
    let isHole = false;
    const swallows = (): boolean => (isHole ||= this.isHole(call));
    const bytes = new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        if (call.isWatch && chunk.includes('"code":410')) this.expired.push(call);
        if (swallows()) done();
        else done(null, chunk);
      },
      flush: (done) => {
        if (!swallows()) done();
      },
    });
    return { bytes, isHole: swallows };
  }
}

const REASONS: Readonly<Record<number, string>> = { 403: 'Forbidden', 429: 'TooManyRequests' };

function refuse(response: ServerResponse, fault: Exclude<ApiFault, 'hang'>): void {
  const { status: code, retryAfterSeconds } = fault;
  const status = { apiVersion: 'v1', kind: 'Status', status: 'Failure', message: 'refused', code };
  if (retryAfterSeconds !== undefined) response.setHeader('retry-after', retryAfterSeconds);
  response.writeHead(code, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ ...status, reason: REASONS[code] ?? 'InternalError' }));
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Agent, request as forward } from 'node:https';
import { parse } from 'yaml';

/** A call of the process behind the proxy. */
export interface ApiCall {
  /** `performance.now` when it came. */
  readonly at: number;
  readonly method: string;
  /** Path without the query. */
  readonly path: string;
}

/** What the proxy does in the place of the API server: refuses a call, or never answers it. */
export type ApiFault = { readonly status: number } | 'hang';

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
  /** Asked for every call; `undefined` passes it on. */
  fault: (call: ApiCall) => ApiFault | undefined = () => undefined;
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

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#agent.destroy();
  }

  #take(request: IncomingMessage, response: ServerResponse): void {
    const { method = '', url = '/' } = request;
    const call = { at: performance.now(), method, path: url.split('?')[0] ?? '' };
    if (!READS.has(method)) this.writes.push(call);
    const fault = this.fault(call);
    if (fault === 'hang') return;
    if (fault === undefined) this.#pass(request, response);
    else refuse(response, fault.status);
  }

  #pass(request: IncomingMessage, response: ServerResponse): void {
    const { method = 'GET', url: path = '/', headers } = request;
    const { hostname, port } = this.#target;
    const options = { hostname, port, method, path, headers, agent: this.#agent };
    const upstream = forward(options, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
      answer.once('error', () => response.destroy());
    });
    upstream.once('error', () => response.destroy());
    response.once('close', () => upstream.destroy());
    request.pipe(upstream);
  }
}

function refuse(response: ServerResponse, code: number): void {
  const status = { apiVersion: 'v1', kind: 'Status', status: 'Failure', message: 'refused', code };
  response.writeHead(code, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ ...status, reason: code === 403 ? 'Forbidden' : 'InternalError' }));
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { createServer, request as forward } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';

/** One request that the proxy saw; times are milliseconds on one clock. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly at: number;
  status: number;
  doneAt: number;
}

/** What the proxy answers instead of the registry. */
export interface ProxyFault {
  /** Waits before anything else. */
  readonly delayMs?: number;
  /** Answers by itself; forwards where there is none. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Text; `endless` never ends; `drip` is a byte a second; `hang` never begins. */
  readonly body?: string;
}

/** What a proxy is started with. */
export interface ProxyOptions {
  /** A free one unless told. */
  readonly port?: number;
  /** Asked for every request; `undefined` forwards it. */
  readonly faults?: (request: { method: string; path: string }) => ProxyFault | undefined;
}

/** A proxy before a registry that counts and, when told, misbehaves. */
export interface CountingProxy {
  /** `127.0.0.1:<port>`. */
  readonly host: string;
  /** Since the start or the last {@link CountingProxy.reset}. */
  readonly requests: readonly SeenRequest[];
  reset(): void;
  /** Length of the longest chain of requests of which each began after the one before had ended. */
  maxSequential(): number;
  stop(): Promise<void>;
}

/** Starts a proxy on loopback before the registry at `target` (host:port). */
export async function startCountingProxy(
  target: string,
  options: ProxyOptions = {},
): Promise<CountingProxy> {
  let seen: SeenRequest[] = [];
  const server = createServer((request, response) => {
    const entry = note(request, response);
    seen.push(entry);
    const fault = options.faults?.(entry);
    void answer({ request, response, target, fault });
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    host: `127.0.0.1:${String(port)}`,
    get requests() {
      return seen;
    },
    reset: () => {
      seen = [];
    },
    maxSequential: () => longestChain(seen),
    stop: () => close(server),
  };
}

function note(request: IncomingMessage, response: ServerResponse): SeenRequest {
  const at = performance.now();
  const entry: SeenRequest = {
    method: request.method ?? '',
    path: request.url ?? '',
    at,
    status: 0,
    doneAt: Number.POSITIVE_INFINITY,
  };
  response.once('close', () => {
    entry.status = response.statusCode;
    entry.doneAt = performance.now();
  });
  return entry;
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly target: string;
  readonly fault: ProxyFault | undefined;
}

async function answer(exchange: Exchange): Promise<void> {
  const { request, response, target, fault } = exchange;
  if (fault?.delayMs !== undefined) {
    await new Promise((resolve) => setTimeout(resolve, fault.delayMs));
  }
  if (fault?.body === 'hang') {
    return;
  }
  if (fault?.status === undefined) {
    pass(request, response, target);
    return;
  }
  response.writeHead(fault.status, fault.headers ?? {});
  misanswer(response, fault);
}

function misanswer(response: ServerResponse, fault: ProxyFault): void {
  if (fault.body === 'endless') {
    pour(response);
  } else if (fault.body === 'drip') {
    drip(response);
  } else {
    response.end(fault.body ?? '');
  }
}

/** Writes as long as somebody reads. */
function pour(response: ServerResponse): void {
  const chunk = Buffer.alloc(64 * 1024, 0x20);
  const more = (): void => {
    while (!response.destroyed && response.write(chunk));
  };
  response.on('drain', more);
  more();
}

/** Writes a byte a second as long as somebody reads. */
function drip(response: ServerResponse): void {
  response.write(' ');
  const timer = setInterval(() => response.write(' '), 1_000);
  response.once('close', () => clearInterval(timer));
}

function pass(request: IncomingMessage, response: ServerResponse, target: string): void {
  const [host, port] = target.split(':');
  const { method, url, headers } = request;
  const upstream = forward({ host, port, method, path: url, headers }, (answered) => {
    response.writeHead(answered.statusCode ?? 502, answered.headers);
    answered.pipe(response);
  });
  upstream.on('error', () => response.destroy());
  request.pipe(upstream);
}

function longestChain(requests: readonly SeenRequest[]): number {
  const chains: { readonly doneAt: number; readonly length: number }[] = [];
  for (const request of [...requests].sort((a, b) => a.at - b.at)) {
    const before = chains.filter((c) => c.doneAt <= request.at).map((c) => c.length);
    chains.push({ doneAt: request.doneAt, length: 1 + Math.max(0, ...before) });
  }
  return Math.max(0, ...chains.map((c) => c.length));
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise<void>((resolve) => server.close(() => resolve()));
}

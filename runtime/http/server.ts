// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https';
import { HttpError } from './body.ts';
import { keepTickShape } from './tick-shape.ts';

/** Answers one request; what it throws becomes 500, or the status of an HttpError. */
export type RouteHandler = (
  request: IncomingMessage,
  response: ServerResponse,
) => Promise<void> | void;

/** Certificate and key, PEM. */
export interface TlsMaterial {
  readonly cert: string;
  readonly key: string;
}

/** Bounds of a server; milliseconds and bytes. */
export interface ServerLimits {
  readonly headersTimeoutMs: number;
  /** Whole request, headers and body. */
  readonly requestTimeoutMs: number;
  /** Must exceed the 90 s for which the API server keeps connections. */
  readonly keepAliveTimeoutMs: number;
  readonly headerBytes: number;
}

/** Bounds that suit a webhook. */
export const SERVER_LIMITS: ServerLimits = {
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  keepAliveTimeoutMs: 120_000,
  headerBytes: 32 * 1024,
};

/** What a server is made of. */
export interface ServerOptions {
  /** Handlers by `METHOD /path`. */
  readonly routes: Readonly<Record<string, RouteHandler>>;
  /** Serves TLS (1.2 at least, HTTP/1.1 only) where present. */
  readonly tls?: TlsMaterial;
  readonly limits?: ServerLimits;
  /** Told of everything that was thrown. */
  readonly onError?: (error: unknown) => void;
}

const CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
].join(':');

/** Bytes that a client may go on to send after it was refused. */
const LINGER_BYTES = 64 * 1024 * 1024;

/** A server with bounds on everything. Never redirects; a handler that throws does not end it. */
export class WebServer {
  readonly #server: Server | HttpsServer;
  readonly #routes: ReadonlyMap<string, RouteHandler>;
  readonly #onError: (error: unknown) => void;

  constructor(options: ServerOptions) {
    const limits = options.limits ?? SERVER_LIMITS;
    this.#routes = new Map(Object.entries(options.routes));
    this.#onError = options.onError ?? ((): void => undefined);
    const common = {
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      keepAliveTimeout: limits.keepAliveTimeoutMs,
      maxHeaderSize: limits.headerBytes,
      noDelay: true,
    };
    const listener = (request: IncomingMessage, response: ServerResponse): void => {
      this.#handle(request, response);
    };
    this.#server =
      options.tls === undefined
        ? createHttpServer(common, listener)
        : createHttpsServer(
            {
              ...common,
              ...options.tls,
              minVersion: 'TLSv1.2',
              ciphers: CIPHERS,
              ALPNProtocols: ['http/1.1'],
            },
            listener,
          );
    this.#server.on('clientError', (_error, socket) => {
      if (socket.writable)
        socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
      else socket.destroy();
    });
  }

  /** Listens; resolves with the port. */
  async listen(address: { readonly host: string; readonly port: number }): Promise<number> {
    await keepTickShape();
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(address.port, address.host, () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
    const bound = this.#server.address();
    return typeof bound === 'object' && bound !== null ? bound.port : address.port;
  }

  /** Serves new connections with another certificate; open ones go on. */
  reloadTls(material: TlsMaterial): void {
    if ('setSecureContext' in this.#server)
      this.#server.setSecureContext({ ...material, minVersion: 'TLSv1.2', ciphers: CIPHERS });
  }

  /** Takes no new connections, lets requests end for at most `drainMs`, then closes what is left. */
  async close(drainMs: number): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => {
        resolve();
      });
    });
    this.#server.closeIdleConnections();
    const signal = AbortSignal.timeout(drainMs);
    const force = (): void => {
      this.#server.closeAllConnections();
    };
    signal.addEventListener('abort', force, { once: true });
    await closed;
    signal.removeEventListener('abort', force);
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    const url = request.url ?? '';
    const query = url.indexOf('?');
    const path = query < 0 ? url : url.slice(0, query);
    const handler = this.#routes.get(`${request.method ?? ''} ${path}`);
    if (handler === undefined) {
      answer(response, this.#knowsPath(path) ? 405 : 404, 'no such route');
      return;
    }
    try {
      const running = handler(request, response);
      running?.catch((thrown: unknown) => {
        this.#failed(response, thrown);
      });
    } catch (thrown) {
      this.#failed(response, thrown);
    }
  }

  #knowsPath(path: string): boolean {
    return [...this.#routes.keys()].some((route) => route.endsWith(` ${path}`));
  }

  #failed(response: ServerResponse, thrown: unknown): void {
    this.#onError(thrown);
    if (response.headersSent) response.destroy();
    else if (thrown instanceof HttpError) answer(response, thrown.status, thrown.message);
    else answer(response, 500, 'internal error');
  }
}

/** Answers with a line of text; a body that was not read ends the connection. */
function answer(response: ServerResponse, status: number, text: string): void {
  const { complete } = response.req;
  if (!complete) response.setHeader('connection', 'close');
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': Buffer.byteLength(text) + 1,
  });
  if (complete) response.end(`${text}\n`);
  else endLater(response, `${text}\n`);
}

/**
 * Says all there is to say, and ends the connection when the client has said all too: one that is cut
 * off while it writes may never see the answer. Bounded by bytes, and by the time-out of a request.
 */
function endLater(response: ServerResponse, text: string): void {
  const { req: request } = response;
  let size = 0;
  response.write(text);
  request.removeAllListeners('data');
  request.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > LINGER_BYTES) response.destroy();
  });
  const end = (): void => {
    response.end();
  };
  request.once('end', end);
  request.once('error', end);
  request.once('close', end);
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../clock.ts';
import { createCa, issueLeaf } from '../../tls/index.ts';

/** The name in the certificate of a hook; tests resolve it as they like. */
export const HOOK_NAME = 'hooks.example';

/** What a hook was sent. */
export interface SeenPost {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Answers one request; `false` leaves it to the next. */
export type HookHandler = (seen: SeenPost, response: ServerResponse) => void;

/** A receiver of notifications behind real TLS, on loopback. Answers 204 unless told. */
export class Hook {
  readonly seen: SeenPost[] = [];
  /** CA of its certificate, PEM, and a file that holds it. */
  readonly ca: string;
  readonly caFile: string;
  /** Files of a key, and where tests may put others. */
  readonly directory: string;
  readonly #server: Server;
  handler: HookHandler = (_seen, response) => void response.writeHead(204).end();

  private constructor(server: Server, ca: string) {
    this.#server = server;
    this.ca = ca;
    this.directory = mkdtempSync(join(tmpdir(), 'hook-'));
    this.caFile = this.file('ca.pem', ca);
    server.on('request', (request, response) => void this.#serve(request, response));
  }

  /** Starts one with a CA of its own. */
  static async start(): Promise<Hook> {
    const now = systemClock.now();
    const ca = await createCa(now);
    const { certPem, keyPem } = await issueLeaf(ca, { dnsNames: [HOOK_NAME], now });
    const server = createServer({ cert: certPem, key: keyPem });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Hook(server, ca.certPem);
  }

  /** `host:port`. */
  get host(): string {
    return `${HOOK_NAME}:${(this.#server.address() as AddressInfo).port.toString()}`;
  }

  get url(): string {
    return `https://${this.host}/notify`;
  }

  /** Writes a file and answers its path. */
  file(name: string, content: string): string {
    const path = join(this.directory, name);
    writeFileSync(path, content);
    return path;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { method = '', url = '', headers } = request;
    const seen = { method, path: url, headers, body: Buffer.concat(chunks).toString() };
    this.seen.push(seen);
    this.handler(seen, response);
  }
}

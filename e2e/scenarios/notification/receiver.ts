// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { createHmac, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { CertificateAuthority, freePort } from '../../harness/index.ts';

/** A notification whose signature holds, as a receiver reads it. */
export interface Delivery {
  readonly id: string;
  readonly event: string;
  readonly cluster: string;
  readonly message: string;
  readonly exception: Readonly<Record<string, unknown>> & { readonly name: string };
}

/** Attempts that are answered 503 before any is taken. */
export const REFUSALS = 2;
/** Seconds that a signature may be old. */
const MAX_AGE = 300;

/**
 * A receiver of notifications as somebody would write it after our guide: HTTPS with a certificate of a CA
 * of its own, which checks signature and age, and drops what it has had already.
 */
export class Receiver {
  /** What was taken, in the order in which it came. */
  readonly taken: Delivery[] = [];
  /** What was refused, and why. */
  readonly refused: string[] = [];
  /** Deliveries that came again although they were taken. */
  repeated = 0;
  readonly host: string;
  readonly caFile: string;
  readonly #key: string;
  readonly #server: Server;
  #refusals = REFUSALS;

  private constructor(host: string, caFile: string, parts: { server: Server; key: string }) {
    this.host = host;
    this.caFile = caFile;
    this.#server = parts.server;
    this.#key = parts.key;
    this.#server.on('request', (request, response) => void this.#serve(request, response));
  }

  /** Starts one on a free port of loopback. */
  static async start(directory: string, key: string): Promise<Receiver> {
    const authority = await CertificateAuthority.create(directory, 'receiver-ca');
    const names = ['IP:127.0.0.1'];
    const leaf = await authority.issue('receiver', { commonName: 'receiver', names });
    const server = createServer({ cert: readFileSync(leaf.cert), key: readFileSync(leaf.key) });
    const port = await freePort();
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    const host = `127.0.0.1:${port.toString()}`;
    return new Receiver(host, authority.files.cert, { server, key });
  }

  /** Events of an exception, in the order in which they came. */
  eventsOf(name: string): readonly string[] {
    return this.taken.filter(({ exception }) => exception.name === name).map(({ event }) => event);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    response.writeHead(this.#statusOf(request, Buffer.concat(chunks).toString())).end();
  }

  #statusOf({ headers, url }: IncomingMessage, body: string): number {
    const timestamp = String(headers['countersign-timestamp']);
    const expected = `v1=${createHmac('sha256', this.#key).update(`${timestamp}.${body}`).digest('hex')}`;
    const given = String(headers['countersign-signature']);
    const isSigned =
      given.length === expected.length &&
      timingSafeEqual(Buffer.from(given), Buffer.from(expected));
    if (!isSigned || Math.abs(Date.now() / 1000 - Number(timestamp)) > MAX_AGE) {
      this.refused.push(`${String(url)} ${body}`);
      return 401;
    }
    if (this.#refusals > 0) {
      this.#refusals -= 1;
      return 503;
    }
    const delivery = JSON.parse(body) as Delivery;
    if (delivery.id !== headers['countersign-delivery']) this.refused.push(body);
    if (this.taken.some(({ id }) => id === delivery.id)) this.repeated += 1;
    else this.taken.push(delivery);
    return 204;
  }
}

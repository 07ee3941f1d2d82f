// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { connect, type TLSSocket } from 'node:tls';

/** Where requests go. */
export interface Target {
  readonly host: string;
  readonly port: number;
}

/** One request as raw bytes, and what its answer must contain. */
export interface Shot {
  readonly bytes: Buffer;
  /** Text that proves the right answer, e.g. `"allowed":true`. */
  readonly expect: string;
}

/** What a run of load showed. */
export interface LoadResult {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** A request as the API server sends it. */
export function postBytes(path: string, body: string): Buffer {
  const head = [
    `POST ${path} HTTP/1.1`,
    'Host: countersign-webhook.countersign-system.svc:443',
    'Content-Type: application/json',
    'Accept: application/json, */*',
    `Content-Length: ${Buffer.byteLength(body).toString()}`,
    '',
    '',
  ].join('\r\n');
  return Buffer.from(head + body);
}

/**
 * Sends each of the `shots` in turn over `connections` kept-alive TLS connections until `count`
 * admissions are done; an admission is all shots once, one after the other. Throws for a wrong answer.
 */
export async function load(
  target: Target,
  shots: readonly Shot[],
  options: { connections: number; count: number },
): Promise<LoadResult> {
  const clients = await Promise.all(
    Array.from({ length: options.connections }, () => RawClient.open(target)),
  );
  const times: number[] = [];
  let left = options.count;
  const started = performance.now();
  await Promise.all(
    clients.map(async (client) => {
      while (left > 0) {
        left -= 1;
        const at = performance.now();
        for (const shot of shots) await client.send(shot);
        times.push(performance.now() - at);
      }
    }),
  );
  const seconds = (performance.now() - started) / 1000;
  for (const client of clients) client.close();
  times.sort((a, b) => a - b);
  return {
    perSecond: options.count / seconds,
    p50Ms: quantile(times, 0.5),
    p99Ms: quantile(times, 0.99),
  };
}

/** The value below which a share of the sorted numbers lies. */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** The middle one of some numbers. */
export function median(values: readonly number[]): number {
  return quantile(
    [...values].sort((a, b) => a - b),
    0.5,
  );
}

/**
 * The least HTTP that measures a server and not its client: requests are prepared bytes, of answers
 * only status line, Content-Length and the expected text are looked at.
 */
export class RawClient {
  readonly #socket: TLSSocket;
  #received = '';
  #done: ((answer: string) => void) | undefined;
  #failed: ((error: Error) => void) | undefined;

  private constructor(socket: TLSSocket) {
    this.#socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      this.#received += chunk;
      this.#take();
    });
    const fail = (error?: Error): void => this.#failed?.(error ?? new Error('connection closed'));
    socket.on('error', fail);
    socket.on('close', () => fail());
  }

  /** Connects with TLS as the API server does; the certificate is not looked at. */
  static async open(target: Target): Promise<RawClient> {
    return await new Promise((resolve, reject) => {
      const socket = connect(
        { ...target, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] },
        () => {
          socket.setNoDelay(true);
          socket.off('error', reject);
          resolve(new RawClient(socket));
        },
      );
      socket.once('error', reject);
    });
  }

  /** Sends one request and waits for its whole answer; throws where it is not 200 or not the expected one. */
  async send(shot: Shot): Promise<string> {
    const answer = await new Promise<string>((resolve, reject) => {
      this.#done = resolve;
      this.#failed = reject;
      this.#socket.write(shot.bytes);
    });
    if (!answer.startsWith('HTTP/1.1 200') || !answer.includes(shot.expect)) {
      throw new Error(`wrong answer, ${shot.expect} was expected: ${answer.slice(0, 2000)}`);
    }
    return answer;
  }

  /** Ends the connection. */
  close(): void {
    this.#failed = undefined;
    this.#socket.destroy();
  }

  #take(): void {
    const end = this.#received.indexOf('\r\n\r\n');
    if (end < 0) return;
    const length = /\r\ncontent-length: (\d+)/i.exec(this.#received.slice(0, end));
    if (length === null) throw new Error('answer without Content-Length');
    const total = end + 4 + Number(length[1]);
    if (this.#received.length < total) return;
    const answer = this.#received.slice(0, total);
    this.#received = this.#received.slice(total);
    this.#done?.(answer);
  }
}

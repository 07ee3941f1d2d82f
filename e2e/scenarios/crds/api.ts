// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { parse } from 'yaml';

/** One reason in a refusal: the field and what is wrong with it. */
export interface Cause {
  readonly field: string;
  readonly message: string;
}

/** How the API server answered. */
export interface Answer {
  readonly status: number;
  readonly causes: readonly Cause[];
  readonly message: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** An object to be written. */
export type Body = Readonly<Record<string, unknown>>;

interface Kubeconfig {
  readonly clusters: readonly [{ readonly cluster: Readonly<Record<string, string>> }];
  readonly users: readonly [{ readonly user: Readonly<Record<string, string>> }];
}

/** Hundreds of small questions to the API server over kept connections, as the user of a kubeconfig. */
export class Api {
  readonly #server: string;
  readonly #agent: Agent;

  constructor(kubeconfig: string) {
    const { clusters, users } = parse(readFileSync(kubeconfig, 'utf8')) as Kubeconfig;
    const { cluster } = clusters[0];
    const { user } = users[0];
    this.#server = cluster['server'] ?? '';
    this.#agent = new Agent({
      keepAlive: true,
      ca: decode(cluster['certificate-authority-data']),
      cert: decode(user['client-certificate-data']),
      key: decode(user['client-key-data']),
    });
  }

  /** Closes the kept connections. */
  close(): void {
    this.#agent.destroy();
  }

  /** POST or PUT, strict about unknown fields. */
  send(method: 'POST' | 'PUT', path: string, body: Body, dryRun: boolean): Promise<Answer> {
    const url = new URL(path, this.#server);
    url.searchParams.set('fieldValidation', 'Strict');
    if (dryRun) url.searchParams.set('dryRun', 'All');
    const headers = { 'content-type': 'application/json' };
    return new Promise((resolve, reject) => {
      const call = request(url, { method, headers, agent: this.#agent }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.once('error', reject);
        response.once('end', () => {
          resolve(toAnswer(response.statusCode ?? 0, Buffer.concat(chunks).toString('utf8')));
        });
      });
      call.once('error', reject);
      call.end(JSON.stringify(body));
    });
  }
}

function toAnswer(status: number, text: string): Answer {
  const body = JSON.parse(text) as Answer['body'];
  const details = body['details'] as { readonly causes?: readonly Cause[] } | undefined;
  const message = typeof body['message'] === 'string' ? body['message'] : '';
  return { status, causes: status < 300 ? [] : (details?.causes ?? []), message, body };
}

function decode(data = ''): Buffer {
  return Buffer.from(data, 'base64');
}

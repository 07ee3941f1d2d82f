// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { readFileSync } from 'node:fs';
import { request } from 'node:https';

import type { CertificateFiles } from './certificates.ts';
import type { Server } from './kubeconfig.ts';

/** One GET to the API server on a connection of its own; returns status code and body. */
export function apiGet(
  server: Server,
  client: CertificateFiles,
  path: string,
): Promise<{ readonly status: number; readonly body: string }> {
  const url = new URL(path, server.url);
  const cert = readFileSync(client.cert);
  const key = readFileSync(client.key);
  return new Promise((resolve, reject) => {
    const options = { ca: server.caPem, cert, key, agent: false, timeout: 5_000 };
    const call = request(url, options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('error', reject);
      response.once('end', () => {
        const body = Buffer.concat(chunks).toString('utf8');
        resolve({ status: response.statusCode ?? 0, body });
      });
    });
    call.once('timeout', () => call.destroy(new Error(`no answer from ${url.href}`)));
    call.once('error', reject);
    call.end();
  });
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { randomUUID } from 'node:crypto';
import { request } from 'node:https';
import { pod } from '../../world/index.ts';

/**
 * Asks one replica for its verdict on a pod, as the API server would: `admitted`, the reason code of a
 * denial, or what went wrong.
 */
export async function askReplica(
  port: number,
  asked: { readonly image: string; readonly namespace: string },
): Promise<string> {
  const { image, namespace } = asked;
  const object = pod({ name: 'asked', namespace, image, serviceAccount: 'default' });
  const group = { group: '', version: 'v1' };
  const body = JSON.stringify({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid: randomUUID(),
      kind: { ...group, kind: 'Pod' },
      resource: { ...group, resource: 'pods' },
      name: 'asked',
      namespace,
      operation: 'CREATE',
      userInfo: { username: 'somebody', groups: ['system:authenticated'] },
      object,
      oldObject: null,
      dryRun: true,
    },
  });
  const text = await post(port, body).catch((error: unknown) => String(error));
  try {
    const { response } = JSON.parse(text) as ReviewLike;
    if (response.allowed) return 'admitted';
    const message = response.status?.message ?? '';
    return /\b(?:[A-Z]+_[A-Z_]+|INTERNAL)\b/.exec(message)?.[0] ?? message;
  } catch {
    return text;
  }
}

interface ReviewLike {
  readonly response: { readonly allowed: boolean; readonly status?: { readonly message: string } };
}

function post(port: number, body: string): Promise<string> {
  const options = {
    host: '127.0.0.1',
    port,
    path: '/verify?timeout=10s',
    method: 'POST',
    rejectUnauthorized: false,
    agent: false,
    timeout: 10_000,
    headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
  };
  return new Promise((resolve, reject) => {
    const call = request(options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('error', reject);
      response.once('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
    });
    call.once('timeout', () => call.destroy(new Error('no answer')));
    call.once('error', reject);
    call.end(body);
  });
}

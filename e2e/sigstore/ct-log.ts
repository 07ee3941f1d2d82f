// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { createHash, createPublicKey, sign, X509Certificate } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

import { startJsonServer } from './loopback-server.ts';
import type { LoopbackServer } from './loopback-server.ts';
import { withoutPoison } from './precertificate.ts';

/**
 * Starts a certificate transparency log that promises everything and keeps nothing: RFC 6962
 * `add-chain` and `add-pre-chain`, with signed certificate timestamps by a P-256 key. Each key of
 * `logs` is the path of a log of its own.
 */
export async function startCtLogs(
  logs: Readonly<Record<string, KeyObject>>,
): Promise<LoopbackServer> {
  return startJsonServer((path, body) => {
    const [, name = '', operation] = /^\/([a-z]+)\/ct\/v1\/(add-(?:pre-)?chain)$/.exec(path) ?? [];
    const key = logs[name];
    if (key === undefined) return undefined;
    const chain = chainOf(body);
    const entry = operation === 'add-chain' ? certificateEntry(chain) : precertificateEntry(chain);
    return promise(key, entry);
  });
}

function chainOf(body: string): readonly Buffer[] {
  const { chain } = JSON.parse(body) as { chain: string[] };
  return chain.map((certificate) => Buffer.from(certificate, 'base64'));
}

const X509_ENTRY = 0;
const PRECERT_ENTRY = 1;

/** RFC 6962 §3.4: what the leaf of the log's tree says about a certificate. */
function certificateEntry([certificate]: readonly Buffer[]): Buffer {
  if (certificate === undefined) throw new Error('the chain is empty');
  return Buffer.concat([uint(X509_ENTRY, 2), uint(certificate.length, 3), certificate]);
}

/** RFC 6962 §3.2: the issuer's key, and the certificate to be without what marks it as not yet one. */
function precertificateEntry([certificate, issuer]: readonly Buffer[]): Buffer {
  if (certificate === undefined || issuer === undefined) throw new Error('no issuer in the chain');
  const issuerKey = new X509Certificate(issuer).publicKey;
  const body = withoutPoison(certificate);
  const head = [uint(PRECERT_ENTRY, 2), keyId(issuerKey), uint(body.length, 3)];
  return Buffer.concat([...head, body]);
}

const ECDSA_WITH_SHA256 = Buffer.from([4, 3]);

function promise(key: KeyObject, entry: Buffer): unknown {
  const timestamp = Date.now();
  // Version 1, signature type "certificate timestamp"; no extensions at the end.
  const signed = Buffer.concat([uint(0, 1), uint(0, 1), uint(timestamp, 8), entry, uint(0, 2)]);
  const signature = sign('sha256', signed, key);
  return {
    sct_version: 0,
    id: keyId(createPublicKey(key)).toString('base64'),
    timestamp,
    extensions: '',
    signature: Buffer.concat([ECDSA_WITH_SHA256, uint(signature.length, 2), signature]).toString(
      'base64',
    ),
  };
}

function keyId(key: KeyObject): Buffer {
  return createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest();
}

function uint(value: number, bytes: number): Buffer {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64BE(BigInt(value));
  return buffer.subarray(8 - bytes);
}

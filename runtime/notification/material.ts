// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { createHmac, X509Certificate } from 'node:crypto';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

/** Bytes that a key has at least. */
const MIN_KEY_BYTES = 16;
const MAX_KEY_BYTES = 4096;
const MAX_CA_BYTES = 1024 * 1024;
const BEGIN = '-----BEGIN';
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;
/** A named pipe that nobody writes to is empty, rather than waited for. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK;

/**
 * The key of a file, without the line break at its end that editors leave there. Read anew each time, so
 * that a new key counts from the next attempt on. Rejects where it is too short or too long to be one; no
 * error holds any of it.
 */
export async function readKey(path: string): Promise<Buffer> {
  const bytes = await readBounded(path, MAX_KEY_BYTES);
  let end = bytes.length;
  if (bytes[end - 1] === 0x0a) end -= bytes[end - 2] === 0x0d ? 2 : 1;
  if (end < MIN_KEY_BYTES)
    throw new Error(`${path}: a key has at least ${MIN_KEY_BYTES.toString()} bytes`);
  return bytes.subarray(0, end);
}

/**
 * The text of a file of certificates; nothing where none is named. Rejects where there is no certificate in
 * it, or a broken one.
 */
export async function readCertificates(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  const text = (await readBounded(path, MAX_CA_BYTES)).toString('utf8');
  const certificates = text.match(CERTIFICATE) ?? [];
  const begun = text.split(BEGIN).length - 1;
  if (begun === 0 || begun !== certificates.length || !certificates.every(isCertificate))
    throw new Error(`${path}: holds no certificate, or a broken one`);
  return text;
}

/**
 * The value of the header `countersign-signature`: over instant and body, so that neither can be changed
 * or used again later.
 */
export function signatureOf(key: Uint8Array, timestamp: string, body: string): string {
  return `v1=${createHmac('sha256', key).update(`${timestamp}.${body}`).digest('hex')}`;
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false;
  }
}

async function readBounded(path: string, maxBytes: number): Promise<Buffer> {
  const file = await open(path, FLAGS);
  try {
    const bytes = Buffer.alloc(maxBytes + 1);
    let size = 0;
    for (;;) {
      const { bytesRead } = await file.read(bytes, size, bytes.length - size, null);
      size += bytesRead;
      if (size > maxBytes) throw new Error(`${path}: longer than ${maxBytes.toString()} bytes`);
      if (bytesRead === 0) return bytes.subarray(0, size);
    }
  } finally {
    await file.close();
  }
}

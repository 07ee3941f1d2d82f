// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { createPrivateKey } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { certificatesOf, type Leaf } from '../../runtime/tls/index.ts';
import type { LeafSource } from './source.ts';

/** What reading certificates needs. */
export interface FileLeafSourceOptions {
  /** Holds `tls.crt` (the leaf first, then what leads to its root) and `tls.key`, as a Secret of type TLS is mounted. */
  readonly directory: string;
  /** The name that the API server asks for. */
  readonly dnsName: string;
}

/** Chains and keys are far smaller. */
const MAX_BYTES = 128 * 1024;

/**
 * Takes the leaf from files that somebody else writes, and again when their content changes: volumes are
 * switched by links, so neither a watch nor a date tells.
 */
export class FileLeafSource implements LeafSource {
  readonly checkMs = 2_000;
  readonly #options: FileLeafSourceOptions;

  constructor(options: FileLeafSourceOptions) {
    this.#options = options;
  }

  async renewed(newest: Leaf | undefined): Promise<Leaf | undefined> {
    const { directory, dnsName } = this.#options;
    const certPem = await read(join(directory, 'tls.crt'));
    const keyPem = await read(join(directory, 'tls.key'));
    if (certPem === newest?.certPem && keyPem === newest.keyPem) return undefined;
    const [certificate] = certificatesOf(certPem);
    if (certificate === undefined) throw new Error(`${directory}/tls.crt holds no certificate`);
    if (!certificate.checkPrivateKey(keyFrom(keyPem, directory)))
      throw new Error(`${directory}/tls.key is not the key of tls.crt`);
    if (certificate.checkHost(dnsName) === undefined)
      throw new Error(`${directory}/tls.crt is not for ${dnsName}`);
    return { certPem, keyPem, notAfter: certificate.validToDate.getTime() };
  }
}

/** Throws without what the file holds: errors are logged. */
function keyFrom(pem: string, directory: string): ReturnType<typeof createPrivateKey> {
  try {
    return createPrivateKey(pem);
  } catch {
    throw new Error(`${directory}/tls.key holds no private key`);
  }
}

async function read(path: string): Promise<string> {
  const chunks: Buffer[] = [];
  // `end` is the last byte that is read: one too many tells that there are more.
  const stream = createReadStream(path, { end: MAX_BYTES }) as AsyncIterable<Buffer>;
  for await (const chunk of stream) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  if (bytes.length > MAX_BYTES) throw new Error(`${path} is too large`);
  return bytes.toString('utf8');
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { IncomingMessage } from 'node:http';

/** A request that cannot be taken; `status` is what it is answered with. */
export class HttpError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = 'HttpError';
    this.status = status;
  }
}

/**
 * Reads a whole body of at most `capBytes`. Rejects with an HttpError: 413 beyond the cap (told from
 * Content-Length before anything is read), 415 for an encoded body, 400 for a truncated one.
 */
export function readBody(request: IncomingMessage, capBytes: number): Promise<Buffer> {
  const { 'content-length': announced, 'content-encoding': encoding } = request.headers;
  if (encoding !== undefined && encoding !== 'identity')
    return Promise.reject(new HttpError(415, 'content encodings are not supported'));
  const length = announced === undefined ? undefined : Number(announced);
  if (length !== undefined && length > capBytes)
    return Promise.reject(new HttpError(413, `body exceeds ${capBytes.toString()} bytes`));
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > capBytes) {
        request.removeAllListeners('data');
        request.resume();
        reject(new HttpError(413, `body exceeds ${capBytes.toString()} bytes`));
      } else {
        chunks.push(chunk);
      }
    });
    request.once('end', () => {
      if (length !== undefined && size !== length) reject(new HttpError(400, 'body is truncated'));
      else
        resolve(
          chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, size),
        );
    });
    request.once('error', () => {
      reject(new HttpError(400, 'body cannot be read'));
    });
    request.once('close', () => {
      if (!request.complete) reject(new HttpError(400, 'body is truncated'));
    });
  });
}

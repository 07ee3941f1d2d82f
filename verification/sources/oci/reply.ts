// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { createHash } from 'node:crypto';
import type { Dispatcher } from 'undici';
import { VerificationError } from '../../error.ts';
import type { Digest } from '../../image/index.ts';

/** An answer, with its body read where it was a success and dropped otherwise. */
export interface Reply {
  readonly status: number;
  readonly headers: ReadonlyMap<string, readonly string[]>;
  /** Empty unless the status is 200. */
  readonly body: Buffer;
  /** Whether the body hashes to the digest that was expected; absent where none was. */
  readonly isExpected?: boolean;
  /** The answer came from another origin than the one asked, after a redirect. */
  readonly isForeign: boolean;
}

/** What a body should be: it is then hashed as it arrives, and held once. */
export interface Expected {
  readonly digest: Digest;
  /** Bytes; what is announced, and so no more than a hint. */
  readonly size: number;
}

/** Bounds of one answer. */
export interface ReplyBounds {
  /** Bytes of a body that is kept. */
  readonly maxBytes: number;
  /** Bytes of a body that is dropped; more ends the connection. */
  readonly errorBytes: number;
  readonly expected?: Expected;
  readonly signal: AbortSignal;
  /** For messages. */
  readonly what: string;
}

/**
 * Reads an answer within its bounds. Throws LIMIT_EXCEEDED for a body that is too long, announced or
 * not, and REGISTRY_UNSAFE for a compressed one: we ask for none, and its size means nothing (F1).
 */
export async function readReply(
  data: Dispatcher.ResponseData,
  bounds: ReplyBounds,
): Promise<Omit<Reply, 'isForeign'>> {
  const headers = headerMap(data.headers);
  if (data.statusCode !== 200) {
    // What an error says is not used. Reading a little of it keeps the connection.
    await data.body
      .dump({ limit: bounds.errorBytes, signal: bounds.signal })
      .catch(() => undefined);
    return { status: data.statusCode, headers, body: Buffer.alloc(0) };
  }
  const problem = refusal(headers, bounds);
  if (problem !== undefined) {
    data.body.on('error', () => undefined).destroy();
    throw problem;
  }
  return { status: 200, headers, ...(await readBody(data.body, bounds)) };
}

/** The value of a header; several are joined, as no header that we read may come twice. */
export function headerOf(reply: Pick<Reply, 'headers'>, name: string): string | undefined {
  return reply.headers.get(name)?.join(', ');
}

function headerMap(
  headers: Dispatcher.ResponseData['headers'],
): ReadonlyMap<string, readonly string[]> {
  const map = new Map<string, readonly string[]>();
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined)
      map.set(name.toLowerCase(), typeof value === 'string' ? [value] : value);
  }
  return map;
}

function refusal(
  headers: ReadonlyMap<string, readonly string[]>,
  bounds: ReplyBounds,
): VerificationError | undefined {
  const encoding = headerOf({ headers }, 'content-encoding') ?? 'identity';
  const transfer = headerOf({ headers }, 'transfer-encoding') ?? 'chunked';
  if (encoding.toLowerCase() !== 'identity' || transfer.toLowerCase() !== 'chunked') {
    return new VerificationError('REGISTRY_UNSAFE', `${bounds.what} came compressed`);
  }
  const announced = Number(headerOf({ headers }, 'content-length') ?? 0);
  return announced > bounds.maxBytes ? tooLong(bounds) : undefined;
}

async function readBody(
  body: AsyncIterable<unknown>,
  bounds: ReplyBounds,
): Promise<Pick<Reply, 'body' | 'isExpected'>> {
  if (bounds.expected !== undefined) return readExpected(body, bounds, bounds.expected);
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of capped(body, bounds)) {
    chunks.push(chunk);
    size += chunk.length;
  }
  // In memory of its own: what is kept of it must not hold on to what it shared a pool with.
  const whole = Buffer.allocUnsafeSlow(size);
  let end = 0;
  for (const chunk of chunks) end += chunk.copy(whole, end);
  return { body: whole };
}

/** Into one piece of memory of the announced size: an attestation may be long, and its copy as well. */
async function readExpected(
  body: AsyncIterable<unknown>,
  bounds: ReplyBounds,
  { digest, size }: Expected,
): Promise<Pick<Reply, 'body' | 'isExpected'>> {
  const [algorithm = ''] = digest.split(':', 1);
  const hash = createHash(algorithm);
  const whole = Buffer.allocUnsafeSlow(Math.min(size, bounds.maxBytes));
  let end = 0;
  for await (const chunk of capped(body, { ...bounds, maxBytes: whole.length })) {
    hash.update(chunk);
    end += chunk.copy(whole, end);
  }
  const isExpected = `${algorithm}:${hash.digest('hex')}` === digest;
  // What is shorter than announced must not hold on to memory that nobody counts.
  return { body: end === whole.length ? whole : Buffer.from(whole.subarray(0, end)), isExpected };
}

/** The chunks of a body, until they are too many. */
async function* capped(body: AsyncIterable<unknown>, bounds: ReplyBounds): AsyncGenerator<Buffer> {
  let size = 0;
  for await (const chunk of body) {
    if (!Buffer.isBuffer(chunk)) continue;
    size += chunk.length;
    if (size > bounds.maxBytes) throw tooLong(bounds);
    yield chunk;
  }
}

function tooLong(bounds: ReplyBounds): VerificationError {
  const detail = `${bounds.what} is larger than ${bounds.maxBytes.toString()} bytes`;
  return new VerificationError('LIMIT_EXCEEDED', detail);
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { VerificationError } from '../error.ts';
import { parseDer, tagged, TAG } from './der.ts';

/** A signed certificate timestamp, version 1 (RFC 6962, 3.2). Nothing is verified yet. */
export interface Sct {
  readonly logId: Buffer;
  /** Milliseconds since the epoch. */
  readonly time: bigint;
  readonly extensions: Buffer;
  /** Numbers of TLS 1.2 (RFC 5246, 7.4.1.4.1). */
  readonly hashAlgorithm: number;
  readonly signatureAlgorithm: number;
  readonly signature: Buffer;
}

const MAX_SCTS = 16;
const V1 = 0;
const LOG_ID_BYTES = 32;

/**
 * Reads the extension of a certificate that holds SCTs (RFC 6962, 3.3). Throws SCT_INVALID where it is
 * not a list with at least one, or where one of them is not version 1; LIMIT_EXCEEDED for more than 16.
 */
export function parseSctList(extension: Buffer): readonly Sct[] {
  const reader = new TlsReader(octetsOf(extension));
  const list = new TlsReader(reader.vector());
  reader.end();
  const scts: Sct[] = [];
  while (!list.isAtEnd) {
    if (scts.length === MAX_SCTS)
      throw new VerificationError('LIMIT_EXCEEDED', 'SCT: more than 16 in a certificate');
    scts.push(parseSct(list.vector()));
  }
  if (scts.length === 0) throw invalidSct('the list is empty');
  return scts;
}

/** The error for an SCT that does not hold. */
export function invalidSct(detail: string, cause?: unknown): VerificationError {
  return new VerificationError('SCT_INVALID', `SCT: ${detail}`, { cause });
}

function octetsOf(extension: Buffer): Buffer {
  try {
    return tagged(parseDer(extension, 'list'), TAG.octetString, 'list').value;
  } catch (thrown) {
    throw invalidSct('the list cannot be parsed', thrown);
  }
}

function parseSct(bytes: Buffer): Sct {
  const reader = new TlsReader(bytes);
  if (reader.number(1) !== V1) throw invalidSct('is not of version 1');
  const sct: Sct = {
    logId: reader.bytes(LOG_ID_BYTES),
    time: reader.bytes(8).readBigUInt64BE(),
    extensions: reader.vector(),
    hashAlgorithm: reader.number(1),
    signatureAlgorithm: reader.number(1),
    signature: reader.vector(),
  };
  reader.end();
  return sct;
}

/** Reads what TLS writes: numbers, and bytes that follow their two bytes of length. */
class TlsReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  bytes(length: number): Buffer {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw invalidSct('ends too early');
    const bytes = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return bytes;
  }

  number(size: 1 | 2): number {
    return this.bytes(size).readUIntBE(0, size);
  }

  vector(): Buffer {
    return this.bytes(this.number(2));
  }

  end(): void {
    if (!this.isAtEnd) throw invalidSct('is followed by something');
  }
}

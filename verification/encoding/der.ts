// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { VerificationError } from '../error.ts';
import type { ReasonCode } from '../reasons.ts';

/** One DER value. What is inside of it is read by another call, and only where somebody asks. */
export interface DerValue {
  /** The identifier byte: class, constructed or not, number. */
  readonly tag: number;
  /** Content, without tag and length. */
  readonly value: Buffer;
  /** All of it, as it was written. */
  readonly encoded: Buffer;
}

const LONG_FORM = 0x80;
const MULTI_BYTE_TAG = 0x1f;
const MAX_LENGTH_BYTES = 4;

/**
 * Reads the values that stand one after another in the bytes, one level deep: time is linear in the
 * bytes whatever they are. (The parser of `@sigstore/core` also reads into octet strings, may read
 * beyond their ends, and takes exponential time for some hundred bytes.) Throws the given code for
 * lengths that are indefinite, not the shortest or beyond the end, and for tags of several bytes.
 */
export function readDerValues(bytes: Buffer, code: ReasonCode, what: string): readonly DerValue[] {
  const values: DerValue[] = [];
  for (let at = 0; at < bytes.length;) {
    const value = valueAt(bytes, at);
    if (value === undefined) throw new VerificationError(code, `${what}: not DER`);
    values.push(value);
    at += value.encoded.length;
  }
  return values;
}

/** Reads one value, with nothing after it. Throws the given code as `readDerValues` does. */
export function readDer(bytes: Buffer, code: ReasonCode, what: string): DerValue {
  const value = bytes.length === 0 ? undefined : valueAt(bytes, 0);
  if (value?.encoded.length !== bytes.length)
    throw new VerificationError(code, `${what}: not one DER value`);
  return value;
}

function valueAt(bytes: Buffer, at: number): DerValue | undefined {
  const [tag = 0, first = LONG_FORM] = bytes.subarray(at, at + 2);
  if (tag === 0 || (tag & MULTI_BYTE_TAG) === MULTI_BYTE_TAG) return undefined;
  const size = first < LONG_FORM ? 0 : first - LONG_FORM;
  const start = at + 2 + size;
  const length = size === 0 && first < LONG_FORM ? first : longLengthAt(bytes, at + 2, size);
  if (length === undefined || start + length > bytes.length) return undefined;
  return {
    tag,
    value: bytes.subarray(start, start + length),
    encoded: bytes.subarray(at, start + length),
  };
}

/** A length that does not fit into seven bits, in as few bytes as it needs. */
function longLengthAt(bytes: Buffer, at: number, size: number): number | undefined {
  if (size < 1 || size > MAX_LENGTH_BYTES || at + size > bytes.length) return undefined;
  const length = bytes.readUIntBE(at, size);
  const least = size === 1 ? LONG_FORM : 2 ** (8 * (size - 1));
  return length < least ? undefined : length;
}

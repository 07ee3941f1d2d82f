// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

/** The same base64 with one bit of one byte turned; `at` is a share of the length, from 0 to 1. */
export function flipBase64(text: string, at: number): string {
  const bytes = Buffer.from(text, 'base64');
  return flipByte(bytes, Math.floor(at * (bytes.length - 1))).toString('base64');
}

/** A copy with one bit of the byte turned. */
export function flipByte(bytes: Uint8Array, index: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[index] = (copy[index] ?? 0) ^ 1;
  return copy;
}

/** The same base64 with a byte turned that lies `offset` bytes behind a sequence of bytes. */
export function flipBehind(text: string, sequence: string, offset: number): string {
  const bytes = Buffer.from(text, 'base64');
  const at = bytes.indexOf(Buffer.from(sequence, 'hex'));
  if (at < 0) throw new Error(`${sequence} does not occur`);
  return flipByte(bytes, at + sequence.length / 2 + offset).toString('base64');
}

/** Base64 of a text. */
export function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

/** The text of a base64. */
export function textOf(encoded: string): string {
  return Buffer.from(encoded, 'base64').toString('utf8');
}

/** Replaces what must occur. */
export function swap(text: string, from: string, to: string): string {
  if (!text.includes(from)) throw new Error(`${from} does not occur`);
  return text.replace(from, () => to);
}

/** The same bytes in base64 that a lenient decoder takes and a strict one does not: unused bits are set, where there are any. */
export function looseBits(encoded: string): string {
  const padding = /=+$/.exec(encoded)?.[0] ?? '';
  if (padding === '') return encoded;
  const at = encoded.length - padding.length - 1;
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  const next = alphabet[alphabet.indexOf(encoded[at] ?? '') + 1] ?? '';
  return `${encoded.slice(0, at)}${next}${padding}`;
}

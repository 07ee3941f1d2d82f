// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

const UTC_TIME_ENDS = Date.UTC(2050, 0, 1);

/** Writes one DER value. Checks nothing, so that tests can write what must be refused. */
export function tlv(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const value = Buffer.concat(parts);
  return Buffer.concat([Buffer.of(tag), lengthOf(value.length), value]);
}

/** Writers of the DER types that certificates and timestamps are made of. */
export const der = {
  sequence: (...parts: readonly Uint8Array[]): Buffer => tlv(0x30, ...parts),
  set: (...parts: readonly Uint8Array[]): Buffer => tlv(0x31, ...parts),
  /** An explicit tag of the context. */
  explicit: (number: number, ...parts: readonly Uint8Array[]): Buffer =>
    tlv(0xa0 + number, ...parts),
  integer: (value: number | Uint8Array): Buffer =>
    tlv(0x02, typeof value === 'number' ? bytesOf(value) : value),
  boolean: (value: boolean): Buffer => tlv(0x01, Buffer.of(value ? 0xff : 0)),
  octets: (...parts: readonly Uint8Array[]): Buffer => tlv(0x04, ...parts),
  bits: (bytes: Uint8Array, unused = 0): Buffer => tlv(0x03, Buffer.of(unused), bytes),
  null: (): Buffer => tlv(0x05),
  utf8: (text: string): Buffer => tlv(0x0c, Buffer.from(text)),
  oid: (dotted: string): Buffer => {
    const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
    return tlv(0x06, Buffer.from([first * 40 + second, ...rest].flatMap(arcOf)));
  },
  /** UTCTime until 2049, GeneralizedTime from then on. */
  time: (milliseconds: number): Buffer => {
    const digits = new Date(milliseconds).toISOString().replace(/\.\d+|[-:T]/g, '');
    return milliseconds < UTC_TIME_ENDS
      ? tlv(0x17, Buffer.from(digits.slice(2)))
      : tlv(0x18, Buffer.from(digits));
  },
} as const;

function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.of(length);
  const bytes = unsigned(length);
  return Buffer.of(0x80 + bytes.length, ...bytes);
}

function unsigned(value: number): number[] {
  const bytes: number[] = [];
  for (let left = value; left > 0; left = Math.floor(left / 0x100)) bytes.unshift(left % 0x100);
  return bytes;
}

function bytesOf(value: number): Buffer {
  const bytes = unsigned(value);
  return Buffer.from((bytes[0] ?? 0x80) >= 0x80 ? [0, ...bytes] : bytes);
}

function arcOf(arc: number): number[] {
  const bytes = [arc % 0x80];
  for (let left = Math.floor(arc / 0x80); left > 0; left = Math.floor(left / 0x80))
    bytes.unshift(0x80 + (left % 0x80));
  return bytes;
}

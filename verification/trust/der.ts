// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { readDer, readDerValues, type DerValue } from '../encoding/index.ts';
import { VerificationError } from '../error.ts';

/** Tag bytes that certificates are made of. */
export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
} as const;

const UTC_TIME = /^(\d{12})Z$/;
const GENERALIZED_TIME = /^(\d{14})Z$/;
const DIGITS = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/;
/** Two digits of a year from here on mean the last century (RFC 5280, 4.1.2.5.1). */
const UTC_PIVOT = 50;
/** Longer ones are read in quadratic time, and nobody has them. */
const MAX_OID_BYTES = 64;
const MAX_INTEGER_BYTES = 4;
const TRUE = 0xff;
const MAX_BIT_OCTETS = 4;
const MAX_UNUSED = 7;
/** Bit 8 says that an arc goes on; arcs that begin like this are not the shortest. */
const MORE = 0x80;
/** The first two arcs share a number: 40 * a + b, where a is at most 2. */
const FIRST_ARC = 40n;

/** The error for a certificate that is not what it should be. */
export function malformed(detail: string, cause?: unknown): VerificationError {
  return new VerificationError('CERT_MALFORMED', detail, { cause });
}

/** Reads one DER value and nothing after it. Throws CERT_MALFORMED. */
export function parseDer(bytes: Buffer, what: string): DerValue {
  return readDer(bytes, 'CERT_MALFORMED', what);
}

/** The value where it has the tag; throws CERT_MALFORMED where it is missing or has another. */
export function tagged(value: DerValue | undefined, tag: number, what: string): DerValue {
  if (value?.tag !== tag) throw malformed(`${what}: not of the type that it must be`);
  return value;
}

/** The values inside of one that has the tag. */
export function childrenOf(
  value: DerValue | undefined,
  tag: number,
  what: string,
): readonly DerValue[] {
  return readDerValues(tagged(value, tag, what).value, 'CERT_MALFORMED', what);
}

/** What a sequence holds. */
export function sequenceOf(value: DerValue | undefined, what: string): readonly DerValue[] {
  return childrenOf(value, TAG.sequence, what);
}

/** An OID in dots. */
export function oidOf(value: DerValue | undefined, what: string): string {
  const { value: bytes } = tagged(value, TAG.oid, what);
  const [last = MORE] = bytes.subarray(-1);
  if (bytes.length > MAX_OID_BYTES || last >= MORE) throw malformed(`${what}: not an OID`);
  const arcs: bigint[] = [];
  let arc = 0n;
  for (const byte of bytes) {
    if (arc === 0n && byte === MORE) throw malformed(`${what}: not an OID`);
    arc = (arc << 7n) + BigInt(byte % MORE);
    if (byte >= MORE) continue;
    arcs.push(arc);
    arc = 0n;
  }
  const [both = 0n, ...rest] = arcs;
  const first = both / FIRST_ARC < 2n ? both / FIRST_ARC : 2n;
  return [first, both - first * FIRST_ARC, ...rest].join('.');
}

/** A number that is small, in as few bytes as it needs. */
export function smallIntegerOf(value: DerValue | undefined, what: string): number {
  const { value: bytes } = tagged(value, TAG.integer, what);
  if (bytes.length === 0 || bytes.length > MAX_INTEGER_BYTES)
    throw malformed(`${what}: not a small number`);
  const number = bytes.readIntBE(0, bytes.length);
  if (bytes.length > 1 && bytes.readIntBE(1, bytes.length - 1) === number)
    throw malformed(`${what}: a number that is not in its shortest form`);
  return number;
}

/** True or false, each of which DER writes in one way only. */
export function booleanOf(value: DerValue | undefined, what: string): boolean {
  const { value: bytes } = tagged(value, TAG.boolean, what);
  const [byte = 1] = bytes;
  if (bytes.length !== 1 || (byte !== 0 && byte !== TRUE)) throw malformed(`${what}: no boolean`);
  return byte === TRUE;
}

/** Numbers of the bits that are set in a bit string of at most 32 bits. */
export function bitsOf(value: DerValue | undefined, what: string): readonly number[] {
  const { value: bytes } = tagged(value, TAG.bitString, what);
  const [unused = MAX_UNUSED + 1, ...octets] = bytes.subarray(0, MAX_BIT_OCTETS + 2);
  const last = octets.at(-1);
  const isShort = unused <= MAX_UNUSED && octets.length <= MAX_BIT_OCTETS;
  if (!isShort || last === undefined || last % 2 ** unused !== 0)
    throw malformed(`${what}: not a short bit string`);
  return octets.flatMap((octet, at) =>
    [0, 1, 2, 3, 4, 5, 6, 7]
      .filter((bit) => (octet & (0x80 >> bit)) !== 0)
      .map((bit) => at * 8 + bit),
  );
}

/** A point in time, milliseconds since the epoch. No fractions, no zones, no day that does not exist. */
export function timeOf(value: DerValue | undefined, what: string): number {
  const digits =
    value?.tag === TAG.utcTime
      ? withCentury(matching(value, UTC_TIME))
      : matching(tagged(value, TAG.generalizedTime, what), GENERALIZED_TIME);
  const iso = digits.replace(DIGITS, '$1-$2-$3T$4:$5:$6.000Z');
  const time = Date.parse(iso);
  if (Number.isNaN(time) || new Date(time).toISOString() !== iso)
    throw malformed(`${what}: not a time`);
  return time;
}

function matching(value: DerValue, form: RegExp): string {
  return form.exec(value.value.toString('latin1'))?.[1] ?? '';
}

function withCentury(digits: string): string {
  return `${Number(digits.slice(0, 2)) >= UTC_PIVOT ? '19' : '20'}${digits}`;
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { ASN1Obj } from '@sigstore/core';
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

/** The error for a certificate that is not what it should be. */
export function malformed(detail: string, cause?: unknown): VerificationError {
  return new VerificationError('CERT_MALFORMED', detail, { cause });
}

/** Parses one DER value and nothing after it. Throws CERT_MALFORMED. */
export function parseDer(bytes: Buffer, what: string): ASN1Obj {
  try {
    return ASN1Obj.parseBuffer(Buffer.from(bytes));
  } catch (thrown) {
    throw malformed(`${what}: not DER`, thrown);
  }
}

/** The value where it has the tag; throws CERT_MALFORMED where it is missing or has another. */
export function tagged(value: ASN1Obj | undefined, tag: number, what: string): ASN1Obj {
  if (value?.tag.toDER() !== tag) throw malformed(`${what}: not of the type that it must be`);
  return value;
}

/** What a sequence holds. */
export function sequenceOf(value: ASN1Obj | undefined, what: string): readonly ASN1Obj[] {
  return tagged(value, TAG.sequence, what).subs;
}

/** An OID in dots. */
export function oidOf(value: ASN1Obj | undefined, what: string): string {
  return tagged(value, TAG.oid, what).toOID();
}

/** A point in time, milliseconds since the epoch. No fractions, no zones, no day that does not exist. */
export function timeOf(value: ASN1Obj | undefined, what: string): number {
  const digits =
    value?.tag.toDER() === TAG.utcTime
      ? withCentury(matching(value, UTC_TIME))
      : matching(tagged(value, TAG.generalizedTime, what), GENERALIZED_TIME);
  const iso = digits.replace(DIGITS, '$1-$2-$3T$4:$5:$6.000Z');
  const time = Date.parse(iso);
  if (Number.isNaN(time) || new Date(time).toISOString() !== iso)
    throw malformed(`${what}: not a time`);
  return time;
}

function matching(value: ASN1Obj, form: RegExp): string {
  return form.exec(value.value.toString('latin1'))?.[1] ?? '';
}

function withCentury(digits: string): string {
  return `${Number(digits.slice(0, 2)) >= UTC_PIVOT ? '19' : '20'}${digits}`;
}

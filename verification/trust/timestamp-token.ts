// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { DerValue } from '../encoding/index.ts';
import { VerificationError } from '../error.ts';
import {
  booleanOf,
  childrenOf,
  malformed,
  oidOf,
  parseDer,
  sequenceOf,
  smallIntegerOf,
  tagged,
  TAG,
  timeOf,
} from './der.ts';
import { timestampHashOf, type TimestampHash } from './timestamp-algorithm.ts';
import { timestampSignerOf, type TimestampSigner } from './timestamp-signer.ts';

/** What an RFC 3161 response says. Nothing is verified yet. */
export interface TimestampToken {
  /** What was stamped. */
  readonly imprint: { readonly hash: TimestampHash; readonly digest: Buffer };
  /** Milliseconds since the epoch; smaller fractions are cut off. */
  readonly time: number;
  /** The TSTInfo that all this is from, byte by byte. */
  readonly content: Buffer;
  /** DER of the certificates that came along, in their order. */
  readonly certificates: readonly Buffer[];
  readonly signer: TimestampSigner;
}

/** OID of a TSTInfo as the content of a signed message. */
export const TST_INFO = '1.2.840.113549.1.9.16.1.4';

const SIGNED_DATA = '1.2.840.113549.1.7.2';
/** Bytes of a response: certificates make up nearly all of it. */
const MAX_BYTES = 64 * 1024;
const MAX_CERTIFICATES = 16;
const GRANTED: ReadonlySet<number> = new Set([0, 1]);
const SET = 0x31;
const CONTENT = 0xa0;
const CERTIFICATES = 0xa0;
const REVOCATIONS = 0xa1;
const INFO_VERSION = 1;
/** What may follow the time in a TSTInfo, in this order: accuracy, ordering, nonce, tsa, extensions. */
const TRAILING = [TAG.sequence, TAG.boolean, TAG.integer, 0xa0, 0xa1] as const;
const INFO_EXTENSIONS = 0xa1;
/** DER ends a fraction with a digit that is not zero. */
const GENERALIZED_TIME = /^(\d{14})(?:\.(\d{0,8}[1-9]))?Z$/;

/**
 * Parses a TimeStampResp (RFC 3161, 2.4.2), DER. Throws BUNDLE_MALFORMED where it is not one that holds
 * one SignerInfo, TIMESTAMP_UNTRUSTED where it was not granted or uses what is not supported,
 * LIMIT_EXCEEDED where it is larger than 64 KiB or brings more than 16 certificates.
 */
export function parseTimestampToken(response: Buffer): TimestampToken {
  if (response.length > MAX_BYTES)
    throw new VerificationError('LIMIT_EXCEEDED', 'timestamp: is larger than 64 KiB');
  try {
    return parse(response);
  } catch (thrown) {
    const isOther = thrown instanceof VerificationError && thrown.code !== 'CERT_MALFORMED';
    if (isOther) throw thrown;
    const detail = thrown instanceof VerificationError ? thrown.message : 'cannot be parsed';
    throw new VerificationError('BUNDLE_MALFORMED', `timestamp: ${detail}`, { cause: thrown });
  }
}

function parse(response: Buffer): TimestampToken {
  const [status, token, ...more] = sequenceOf(parseDer(response, 'response'), 'response');
  const [number] = sequenceOf(status, 'status');
  if (!GRANTED.has(smallIntegerOf(number, 'status')))
    throw new VerificationError('TIMESTAMP_UNTRUSTED', 'timestamp: was not granted');
  if (more.length > 0) throw malformed('response: too many fields');
  const { content, certificates, signer } = signedDataOf(token);
  return { ...infoOf(content), content, certificates, signer };
}

type SignedData = Pick<TimestampToken, 'content' | 'certificates' | 'signer'>;

function signedDataOf(token: DerValue | undefined): SignedData {
  const what = 'SignedData';
  const [version, digests, encapsulated, ...rest] = sequenceOf(contentOf(token, SIGNED_DATA), what);
  smallIntegerOf(version, what);
  tagged(digests, SET, what);
  const certificates = rest[0]?.tag === CERTIFICATES ? rest.shift() : undefined;
  if (rest[0]?.tag === REVOCATIONS) rest.shift();
  const [signers, ...more] = rest;
  const [signer, ...others] = childrenOf(signers, SET, 'signerInfos');
  if (more.length > 0 || others.length > 0) throw malformed(`${what}: has more than one signer`);
  return {
    content: tagged(contentOf(encapsulated, TST_INFO), TAG.octetString, 'eContent').value,
    certificates: certificates === undefined ? [] : certificatesOf(certificates),
    signer: timestampSignerOf(signer),
  };
}

/** A type and, tagged, what is of that type: a ContentInfo, and an EncapsulatedContentInfo. */
function contentOf(info: DerValue | undefined, type: string): DerValue | undefined {
  const [oid, content, ...more] = sequenceOf(info, 'content');
  if (oidOf(oid, 'contentType') !== type) throw malformed(`contentType: is not ${type}`);
  const [value, ...others] = childrenOf(content, CONTENT, 'content');
  if (more.length > 0 || others.length > 0) throw malformed('content: too many fields');
  return value;
}

/** Certificates only: attribute certificates, and whatever else may be in the list, say nothing here. */
function certificatesOf(list: DerValue): readonly Buffer[] {
  const certificates = childrenOf(list, CERTIFICATES, 'certificates');
  if (certificates.length > MAX_CERTIFICATES)
    throw new VerificationError('LIMIT_EXCEEDED', 'timestamp: brings more than 16 certificates');
  return certificates.filter(({ tag }) => tag === TAG.sequence).map(({ encoded }) => encoded);
}

function infoOf(content: Buffer): Pick<TimestampToken, 'imprint' | 'time'> {
  const what = 'TSTInfo';
  const [version, policy, imprint, serial, time, ...rest] = sequenceOf(
    parseDer(content, what),
    what,
  );
  if (smallIntegerOf(version, what) !== INFO_VERSION) throw malformed(`${what}: is not version 1`);
  tagged(policy, TAG.oid, what);
  tagged(serial, TAG.integer, what);
  checkTrailing(rest);
  return { imprint: imprintOf(imprint), time: genTimeOf(time) };
}

function imprintOf(value: DerValue | undefined): TimestampToken['imprint'] {
  const [algorithm, digest, ...more] = sequenceOf(value, 'messageImprint');
  if (more.length > 0) throw malformed('messageImprint: too many fields');
  return {
    hash: timestampHashOf(algorithm, 'messageImprint'),
    digest: tagged(digest, TAG.octetString, 'messageImprint').value,
  };
}

function genTimeOf(value: DerValue | undefined): number {
  const field = tagged(value, TAG.generalizedTime, 'genTime');
  const [, whole, fraction = ''] = GENERALIZED_TIME.exec(field.value.toString('latin1')) ?? [];
  if (whole === undefined) throw malformed('genTime: not a time');
  const seconds = timeOf({ ...field, value: Buffer.from(`${whole}Z`) }, 'genTime');
  return seconds + Number(fraction.padEnd(3, '0').slice(0, 3));
}

/** Optional fields in their order. An extension that must be understood is not (RFC 3161, 2.4.2). */
function checkTrailing(fields: readonly DerValue[]): void {
  let last = -1;
  for (const field of fields) {
    const at = TRAILING.findIndex((tag, index) => index > last && tag === field.tag);
    if (at < 0) throw malformed('TSTInfo: fields that are not in order');
    last = at;
    if (field.tag === TAG.boolean) booleanOf(field, 'ordering');
    if (field.tag === INFO_EXTENSIONS) checkExtensions(field);
  }
}

function checkExtensions(list: DerValue): void {
  for (const extension of childrenOf(list, INFO_EXTENSIONS, 'extensions')) {
    const [, critical] = sequenceOf(extension, 'extension');
    if (critical?.tag === TAG.boolean && booleanOf(critical, 'extension'))
      throw new VerificationError(
        'TIMESTAMP_UNTRUSTED',
        'timestamp: has a critical extension that is not known',
      );
  }
}

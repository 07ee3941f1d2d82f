// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { hash } from 'node:crypto';
import { readDerValues, type DerValue } from '../encoding/index.ts';
import { EXTENSION } from './certificate-extensions.ts';
import { childrenOf, malformed, oidOf, sequenceOf, smallIntegerOf, tagged, TAG } from './der.ts';
import type { Certificate } from './material.ts';
import {
  timestampAlgorithmOf,
  timestampHashOf,
  type TimestampAlgorithm,
  type TimestampHash,
} from './timestamp-algorithm.ts';

/** What a SignerInfo says (RFC 5652, 5.3). Nothing is verified yet. */
export interface TimestampSigner {
  /** The hash that the content was digested with. */
  readonly digest: TimestampHash;
  readonly algorithm: TimestampAlgorithm;
  readonly signature: Buffer;
  /** The signed attributes as they were signed: the bytes of the token, tagged as a set. */
  readonly signed: Buffer;
  /** From the signed attributes: what the content is, and its digest. */
  readonly contentType: string;
  readonly messageDigest: Buffer;
  /** True for the certificate that the signer is said to have, by name and by signed attributes. */
  readonly isNamed: (certificate: Certificate) => boolean;
}

type Naming = (certificate: Certificate) => boolean;

const ATTRIBUTE = {
  contentType: '1.2.840.113549.1.9.3',
  messageDigest: '1.2.840.113549.1.9.4',
  signingCertificate: '1.2.840.113549.1.9.16.2.12',
  signingCertificateV2: '1.2.840.113549.1.9.16.2.47',
} as const;
const SET = 0x31;
const KEY_IDENTIFIER = 0x80;
const SIGNED_ATTRIBUTES = 0xa0;
const UNSIGNED_ATTRIBUTES = 0xa1;
const DIRECTORY_NAME = 0xa4;

/**
 * Reads a SignerInfo. Throws CERT_MALFORMED (the caller gives it the code of what it reads) where it is
 * not one or leaves out signed attributes, TIMESTAMP_UNTRUSTED where an algorithm is not supported.
 */
export function timestampSignerOf(info: DerValue | undefined): TimestampSigner {
  const what = 'SignerInfo';
  const [version, sid, digestAlgorithm, attributes, algorithm, signature, unsigned, ...more] =
    sequenceOf(info, what);
  smallIntegerOf(version, what);
  if (unsigned !== undefined) tagged(unsigned, UNSIGNED_ATTRIBUTES, what);
  if (more.length > 0) throw malformed(`${what}: too many fields`);
  const digest = timestampHashOf(digestAlgorithm, 'digestAlgorithm');
  const signed = tagged(attributes, SIGNED_ATTRIBUTES, 'signedAttrs');
  const values = attributesOf(signed);
  const namings = [sidNamingOf(sid), ...attributeNamingsOf(values)];
  return {
    digest,
    algorithm: timestampAlgorithmOf(algorithm, digest),
    signature: tagged(signature, TAG.octetString, 'signature').value,
    // Signed is the SET OF, not the field of the SignerInfo that stands in its place (RFC 5652, 5.4).
    signed: Buffer.concat([Buffer.of(SET), signed.encoded.subarray(1)]),
    contentType: oidOf(values.get(ATTRIBUTE.contentType), 'contentType'),
    messageDigest: tagged(values.get(ATTRIBUTE.messageDigest), TAG.octetString, 'messageDigest')
      .value,
    isNamed: (certificate) => namings.every((isNamed) => isNamed(certificate)),
  };
}

/** The one value of each attribute. None may occur twice, or have no value or several. */
function attributesOf(attributes: DerValue): ReadonlyMap<string, DerValue> {
  const values = new Map<string, DerValue>();
  for (const attribute of readDerValues(attributes.value, 'CERT_MALFORMED', 'signedAttrs')) {
    const [type, set, ...more] = sequenceOf(attribute, 'attribute');
    const oid = oidOf(type, 'attribute');
    const [value, ...others] = childrenOf(set, SET, 'attribute');
    const isOne = value !== undefined && others.length === 0 && more.length === 0;
    if (!isOne || values.has(oid)) throw malformed(`attribute ${oid}: does not have one value`);
    values.set(oid, value);
  }
  return values;
}

function sidNamingOf(sid: DerValue | undefined): Naming {
  if (sid?.tag === KEY_IDENTIFIER)
    return ({ extensions }) => {
      const own = extensions.get(EXTENSION.subjectKeyIdentifier);
      // The extension holds an octet string: one byte of tag, one of length.
      return own?.subarray(2).equals(sid.value) === true;
    };
  const [issuer, serial, ...more] = sequenceOf(sid, 'sid');
  const names = tagged(issuer, TAG.sequence, 'sid').encoded;
  const number = tagged(serial, TAG.integer, 'sid').value;
  if (more.length > 0) throw malformed('sid: too many fields');
  return (certificate) =>
    certificate.issuer.equals(names) && certificate.serialNumber.equals(number);
}

/** Signed attributes that name the signing certificate (RFC 5035); the first of a list is the one. */
function attributeNamingsOf(values: ReadonlyMap<string, DerValue>): readonly Naming[] {
  const v1 = values.get(ATTRIBUTE.signingCertificate);
  const v2 = values.get(ATTRIBUTE.signingCertificateV2);
  return [
    ...(v1 === undefined ? [] : [certificateIdOf(v1, 'sha1')]),
    ...(v2 === undefined ? [] : [certificateIdOf(v2, undefined)]),
  ];
}

/**
 * The SHA-1 of the first version is an identifier: that certificate still has to verify the signature
 * and to be one that is trusted.
 */
function certificateIdOf(attribute: DerValue, fixed: 'sha1' | undefined): Naming {
  const what = 'signingCertificate';
  const [ids, policies, ...others] = sequenceOf(attribute, what);
  if (policies !== undefined) tagged(policies, TAG.sequence, what);
  const [id] = sequenceOf(ids, what);
  const fields = [...sequenceOf(id, what)];
  const hasAlgorithm = fixed === undefined && fields[0]?.tag === TAG.sequence;
  const algorithm = hasAlgorithm ? timestampHashOf(fields.shift(), what) : (fixed ?? 'sha256');
  const [digest, issuerSerial, ...more] = fields;
  const wanted = tagged(digest, TAG.octetString, what).value;
  if (more.length > 0 || others.length > 0) throw malformed(`${what}: too many fields`);
  const isIssuerNamed = issuerSerial === undefined ? () => true : issuerSerialOf(issuerSerial);
  return (certificate) =>
    hash(algorithm, certificate.der, 'buffer').equals(wanted) && isIssuerNamed(certificate);
}

function issuerSerialOf(issuerSerial: DerValue): Naming {
  const what = 'issuerSerial';
  const [issuer, serial, ...more] = sequenceOf(issuerSerial, what);
  const names = sequenceOf(issuer, what).filter(({ tag }) => tag === DIRECTORY_NAME);
  const number = tagged(serial, TAG.integer, what).value;
  if (more.length > 0) throw malformed(`${what}: too many fields`);
  return (certificate) =>
    certificate.serialNumber.equals(number) &&
    names.some(({ value }) => value.equals(certificate.issuer));
}

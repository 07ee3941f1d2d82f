// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { createHash } from 'node:crypto';
import type { DerValue } from '../encoding/index.ts';
import { EXTENSION } from './certificate-extensions.ts';
import { childrenOf, malformed, oidOf, parseDer, sequenceOf, tagged, TAG } from './der.ts';
import type { Certificate } from './material.ts';

const EXTENSIONS = 0xa3;
/** Of the fields of a v3 TBSCertificate. */
const SUBJECT_PUBLIC_KEY = 6;
const MAX_SHORT_LENGTH = 0x7f;

/**
 * The TBSCertificate that a log has signed for a certificate with embedded SCTs (RFC 6962, 3.2): the
 * one of the certificate without the extension that holds them. All other bytes stay as they are; only
 * the lengths around them are written anew.
 */
export function precertificateOf({ der }: Certificate): Buffer {
  const fields = tbsFieldsOf(der);
  const kept = fields.map((field) =>
    field.tag === EXTENSIONS ? withoutScts(field) : field.encoded,
  );
  return encode(TAG.sequence, kept);
}

/** SHA-256 of the SubjectPublicKeyInfo, as the certificate writes it: how a precertificate names its issuer. */
export function issuerKeyHashOf({ der }: Certificate): Buffer {
  const key = tagged(tbsFieldsOf(der)[SUBJECT_PUBLIC_KEY], TAG.sequence, 'subjectPublicKeyInfo');
  return createHash('sha256').update(key.encoded).digest();
}

function tbsFieldsOf(der: Buffer): readonly DerValue[] {
  const [tbs] = sequenceOf(parseDer(der, 'certificate'), 'certificate');
  return sequenceOf(tbs, 'certificate');
}

/** The field, or nothing where it would be empty, which it may not be. */
function withoutScts(field: DerValue): Buffer {
  const [list, ...more] = childrenOf(field, EXTENSIONS, 'extensions');
  if (more.length > 0) throw malformed('extensions: not one list');
  const kept = sequenceOf(list, 'extensions').filter((extension) => {
    const [oid] = sequenceOf(extension, 'extension');
    return oidOf(oid, 'extension') !== EXTENSION.signedCertificateTimestamps;
  });
  if (kept.length === 0) return Buffer.alloc(0);
  const items = kept.map(({ encoded }) => encoded);
  return encode(EXTENSIONS, [encode(TAG.sequence, items)]);
}

function encode(tag: number, parts: readonly Buffer[]): Buffer {
  const value = Buffer.concat(parts);
  return Buffer.concat([Buffer.of(tag), lengthOf(value.length), value]);
}

/** In as few bytes as DER asks for. A certificate is far shorter than four bytes can say. */
function lengthOf(length: number): Buffer {
  if (length <= MAX_SHORT_LENGTH) return Buffer.of(length);
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(length);
  const significant = bytes.subarray(bytes.findIndex((byte) => byte !== 0));
  return Buffer.concat([Buffer.of(MAX_SHORT_LENGTH + 1 + significant.length), significant]);
}

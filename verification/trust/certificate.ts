// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { hash, X509Certificate, type KeyObject } from 'node:crypto';
import type { DerValue } from '../encoding/index.ts';
import { LRUCache } from 'lru-cache';
import { VerificationError } from '../error.ts';
import { extensionsOf, type ExtensionFacts } from './certificate-extensions.ts';
import {
  childrenOf,
  malformed,
  parseDer,
  sequenceOf,
  smallIntegerOf,
  tagged,
  TAG,
  timeOf,
} from './der.ts';
import type { Certificate, Validity } from './material.ts';
import { trustedKeyOf } from './public-key.ts';
import { isStrongAlgorithm } from './signature-algorithm.ts';

/** Bytes of a certificate: far more than any has. */
const MAX_BYTES = 32 * 1024;
const CACHED = 1000;
const CACHED_BYTES = 4 * 1024 * 1024;
const VERSION = 0xa0;
const EXTENSIONS = 0xa3;
const V3 = 2;
/** RFC 5280, 4.1.2.2; one more for the zero byte that keeps a number positive. */
const MAX_SERIAL_BYTES = 21;

/** What checking a signature over a certificate needs, and nobody else. */
interface Handle {
  readonly x509: X509Certificate;
  readonly isStrong: boolean;
  readonly subjectKeyIdentifier?: Buffer;
  readonly authorityKeyIdentifier?: Buffer;
}

const certificates = new LRUCache<string, Certificate>({
  max: CACHED,
  maxSize: CACHED_BYTES,
  sizeCalculation: ({ der }) => der.length,
});
const handles = new WeakMap<Certificate, Handle>();

/**
 * Parses an X.509 v3 certificate, strictly: what two parsers might read differently is refused, and
 * so are weak keys and algorithms (SHA-1 and MD5 only where a certificate names itself as its issuer,
 * as old roots do, whose own signature says nothing). Equal bytes give the same object while it is
 * remembered. Throws CERT_MALFORMED.
 */
export function parseCertificate(der: Uint8Array): Certificate {
  if (der.length > MAX_BYTES) throw malformed('certificate: too large');
  const fingerprint = `sha256:${hash('sha256', der, 'hex')}`;
  const known = certificates.get(fingerprint);
  if (known !== undefined) return known;
  const parsed = parse(Buffer.from(der), fingerprint);
  certificates.set(fingerprint, parsed);
  return parsed;
}

/**
 * True where the key signed the certificate. A certificate that is signed with a weak algorithm is
 * signed by nobody but itself.
 */
export function isSignedWith(certificate: Certificate, key: KeyObject, by: Certificate): boolean {
  const { x509, isStrong } = handleOf(certificate);
  if (!isStrong && by !== certificate) return false;
  try {
    return x509.verify(key);
  } catch {
    return false;
  }
}

/** False where both certificates say which key signed, and do not say the same. */
export function keyIdentifiersAgree(certificate: Certificate, issuer: Certificate): boolean {
  const wanted = handleOf(certificate).authorityKeyIdentifier;
  const own = handleOf(issuer).subjectKeyIdentifier;
  return wanted === undefined || own === undefined || wanted.equals(own);
}

function handleOf(certificate: Certificate): Handle {
  const handle = handles.get(certificate) ?? handles.get(parseCertificate(certificate.der));
  if (handle === undefined) throw malformed('certificate: was not parsed');
  return handle;
}

function parse(der: Buffer, fingerprint: string): Certificate {
  try {
    const x509 = new X509Certificate(der);
    if (!x509.raw.equals(der)) throw malformed('certificate: not DER, or followed by something');
    const { isStrong, subjectKeyIdentifier, authorityKeyIdentifier, ...facts } = factsOf(der);
    const key = trustedKeyOf(x509.publicKey, 'CERT_MALFORMED');
    const certificate: Certificate = { der, fingerprint, key, ...facts };
    handles.set(certificate, {
      x509,
      isStrong,
      ...(subjectKeyIdentifier === undefined ? {} : { subjectKeyIdentifier }),
      ...(authorityKeyIdentifier === undefined ? {} : { authorityKeyIdentifier }),
    });
    return certificate;
  } catch (thrown) {
    if (thrown instanceof VerificationError) throw thrown;
    throw malformed('certificate: cannot be parsed', thrown);
  }
}

type Facts = Pick<Certificate, 'subject' | 'issuer' | 'serialNumber' | 'validity'> &
  ExtensionFacts & { readonly isStrong: boolean };

function factsOf(der: Buffer): Facts {
  const [signed, algorithm, signature, ...more] = sequenceOf(
    parseDer(der, 'certificate'),
    'certificate',
  );
  tagged(signature, TAG.bitString, 'signature');
  const [version, serial, inner, issuer, validity, subject, , extensions, ...rest] = sequenceOf(
    signed,
    'certificate',
  );
  if (more.length > 0 || rest.length > 0) throw malformed('certificate: too many fields');
  checkVersion(version);
  const names = { issuer: nameOf(issuer, 'issuer'), subject: nameOf(subject, 'subject') };
  if (issuer?.value.length === 0) throw malformed('issuer: is empty');
  return {
    ...names,
    serialNumber: serialOf(serial),
    validity: validityOf(validity),
    ...extensionsOf(
      extensions === undefined ? undefined : childrenOf(extensions, EXTENSIONS, 'extensions'),
    ),
    isStrong: checkAlgorithm(algorithm, inner, names.issuer.equals(names.subject)),
  };
}

/** v1 has no field for its version, and its first field is the serial number. */
function checkVersion(version: DerValue | undefined): void {
  const numbers = version?.tag === VERSION ? childrenOf(version, VERSION, 'version') : [];
  const isV3 = numbers.length === 1 && smallIntegerOf(numbers[0], 'version') === V3;
  if (!isV3) throw malformed('version: is not v3');
}

function serialOf(serial: DerValue | undefined): Buffer {
  const { value } = tagged(serial, TAG.integer, 'serialNumber');
  const [first = 0x80] = value;
  if (first >= 0x80 || value.length > MAX_SERIAL_BYTES)
    throw malformed('serialNumber: is empty, negative or too long');
  return value;
}

function validityOf(validity: DerValue | undefined): Validity {
  const [from, until, ...more] = sequenceOf(validity, 'validity');
  if (more.length > 0) throw malformed('validity: too many fields');
  return { from: timeOf(from, 'notBefore'), until: timeOf(until, 'notAfter') };
}

function nameOf(name: DerValue | undefined, what: string): Buffer {
  return tagged(name, TAG.sequence, what).encoded;
}

/** The algorithm stands inside and outside of what is signed, and must be the same. */
function checkAlgorithm(
  outer: DerValue | undefined,
  inner: DerValue | undefined,
  isSelfIssued: boolean,
): boolean {
  const isStrong = isStrongAlgorithm(outer);
  if (inner === undefined || outer?.encoded.equals(inner.encoded) !== true)
    throw malformed('signatureAlgorithm: is another inside than outside');
  if (!isStrong && !isSelfIssued) throw malformed('signatureAlgorithm: is weak or not known');
  return isStrong;
}

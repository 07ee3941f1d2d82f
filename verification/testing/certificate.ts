// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import {
  basicConstraints,
  extendedKeyUsage,
  extensionDer,
  fulcioClaims,
  keyIdentifiers,
  keyUsage,
  subjectAltName,
  type TestExtension,
  type TestKeyUsage,
  type TestSan,
} from './certificate-extension.ts';
import { der } from './der.ts';

/** Key types that certificates are made for; the last three are too weak. */
export type CertificateKeyKind =
  'P-256' | 'P-384' | 'P-521' | 'RSA-2048' | 'Ed25519' | 'RSA-1024' | 'P-192' | 'P-224';

/** A key pair. */
export interface TestKeyPair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

/** A certificate with its key, so that it can sign and issue. */
export interface TestCertificate extends TestKeyPair {
  readonly der: Buffer;
  readonly pem: string;
  /** DER name. */
  readonly subject: Buffer;
}

/** What to write into a certificate. Everything has a default; `null` leaves an extension out. */
export interface CertificateSpec {
  /** Left out: the subject is empty, as in Fulcio's leaves. */
  readonly commonName?: string;
  /** Left out: self-signed. */
  readonly issuer?: TestCertificate;
  readonly key?: CertificateKeyKind | TestKeyPair;
  /** Milliseconds since the epoch. */
  readonly notBefore?: number;
  readonly notAfter?: number;
  readonly isCa?: boolean;
  readonly pathLength?: number;
  readonly keyUsage?: readonly TestKeyUsage[] | null;
  /** OIDs. */
  readonly extendedKeyUsage?: readonly string[] | null;
  readonly extendedKeyUsageCritical?: boolean;
  readonly sans?: readonly TestSan[];
  /** Fulcio's extensions by the last number of their OID: 1 to 6 raw, others as DER UTF8String. */
  readonly claims?: Readonly<Record<number, string>>;
  /** False leaves out both key identifiers. */
  readonly keyIdentifiers?: boolean;
  /** Further extensions, after all others. */
  readonly extensions?: readonly TestExtension[];
  /**
   * Gives the serialised SignedCertificateTimestampList (with its own two bytes of length) for the
   * TBSCertificate without it and the SubjectPublicKeyInfo of the issuer.
   */
  readonly sctsOf?: (tbsWithoutSct: Buffer, issuerSpki: Buffer) => Buffer;
  /** Content bytes of the serial number. */
  readonly serialNumber?: Buffer;
  /** 2 is v3. */
  readonly version?: number;
  /** Hash to sign with, where it is not that of the issuer's key. */
  readonly hash?: 'sha1' | 'sha256' | 'sha384' | 'sha512';
  /** AlgorithmIdentifier to write, whatever the signature is made with. */
  readonly algorithm?: Buffer;
  /** AlgorithmIdentifier to write inside, where it is another. */
  readonly innerAlgorithm?: Buffer;
}

/** Validity of CAs unless told otherwise. */
export const CA_VALIDITY = {
  notBefore: Date.UTC(2020, 0, 1),
  notAfter: Date.UTC(2099, 0, 1) - 1000,
} as const;
/** Validity of leaves unless told otherwise: ten minutes, as Fulcio gives. */
export const LEAF_VALIDITY = {
  notBefore: Date.UTC(2025, 5, 1, 12, 0),
  notAfter: Date.UTC(2025, 5, 1, 12, 10),
} as const;
/** OIDs of extended key usages. */
export const CODE_SIGNING = '1.3.6.1.5.5.7.3.3';
export const TIME_STAMPING = '1.3.6.1.5.5.7.3.8';
const SCT_LIST = '1.3.6.1.4.1.11129.2.4.2';
const COMMON_NAME = '2.5.4.3';

/** Makes a certificate with a real signature. Nothing is checked: what must be refused can be made. */
export function issueCertificate(spec: CertificateSpec): TestCertificate {
  const keys =
    typeof spec.key === 'object' ? spec.key : generateCertificateKey(spec.key ?? 'P-256');
  const subject = nameOf(spec.commonName);
  const issuer = spec.issuer ?? { ...keys, subject };
  const algorithm = spec.algorithm ?? algorithmOf(issuer.privateKey, spec.hash);
  const extensions = extensionsOf(spec, keys.publicKey, issuer.publicKey);
  const tbs = (list: readonly TestExtension[]): Buffer =>
    tbsOf(spec, { subject, issuer: issuer.subject, keys, algorithm }, list);
  const scts = spec.sctsOf?.(tbs(extensions), spkiOf(issuer.publicKey));
  const all =
    scts === undefined ? extensions : [...extensions, { oid: SCT_LIST, value: der.octets(scts) }];
  const signed = tbs(all);
  const signature = sign(hashOf(issuer.privateKey, spec.hash), signed, issuer.privateKey);
  const bytes = der.sequence(signed, algorithm, der.bits(signature));
  return { ...keys, subject, der: bytes, pem: certificatePem(bytes) };
}

/** PEM of a certificate. */
export function certificatePem(bytes: Uint8Array): string {
  const lines = Buffer.from(bytes)
    .toString('base64')
    .replace(/.{64}(?=.)/g, '$&\n');
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
}

/** Makes a key pair. */
export function generateCertificateKey(kind: CertificateKeyKind): TestKeyPair {
  switch (kind) {
    case 'RSA-1024':
    case 'RSA-2048':
      return generateKeyPairSync('rsa', { modulusLength: Number(kind.slice(4)) });
    case 'Ed25519':
      return generateKeyPairSync('ed25519');
    case 'P-192':
      return generateKeyPairSync('ec', { namedCurve: 'prime192v1' });
    case 'P-224':
    case 'P-256':
    case 'P-384':
    case 'P-521':
      return generateKeyPairSync('ec', { namedCurve: kind });
  }
}

interface Parts {
  readonly subject: Buffer;
  readonly issuer: Buffer;
  readonly keys: TestKeyPair;
  readonly algorithm: Buffer;
}

function tbsOf(spec: CertificateSpec, parts: Parts, list: readonly TestExtension[]): Buffer {
  const defaults = spec.isCa === true ? CA_VALIDITY : LEAF_VALIDITY;
  const { version = 2, notBefore = defaults.notBefore, notAfter = defaults.notAfter } = spec;
  return der.sequence(
    ...(version === 0 ? [] : [der.explicit(0, der.integer(version))]),
    der.integer(spec.serialNumber ?? serialOf(parts)),
    spec.innerAlgorithm ?? parts.algorithm,
    parts.issuer,
    der.sequence(der.time(notBefore), der.time(notAfter)),
    parts.subject,
    spkiOf(parts.keys.publicKey),
    ...(list.length === 0 ? [] : [der.explicit(3, der.sequence(...list.map(extensionDer)))]),
  );
}

/** One key and issuer, one serial number: the certificate with and without SCTs must be the same one. */
function serialOf({ keys, issuer }: Parts): Buffer {
  const digest = createHash('sha256').update(spkiOf(keys.publicKey)).update(issuer).digest();
  return Buffer.concat([Buffer.of(0x01), digest.subarray(0, 15)]);
}

function extensionsOf(
  spec: CertificateSpec,
  own: KeyObject,
  issuer: KeyObject,
): readonly TestExtension[] {
  const { sans = [], claims = {}, extensions = [] } = spec;
  return [
    ...usageExtensionsOf(spec),
    ...(spec.keyIdentifiers === false ? [] : keyIdentifiers(own, issuer)),
    ...(sans.length === 0 ? [] : [subjectAltName(sans, spec.commonName === undefined)]),
    ...fulcioClaims(claims),
    ...extensions,
  ];
}

function usageExtensionsOf(spec: CertificateSpec): readonly TestExtension[] {
  const { isCa = false, extendedKeyUsageCritical: critical = false } = spec;
  const usages: CertificateSpec['keyUsage'] = isCa
    ? ['keyCertSign', 'cRLSign']
    : ['digitalSignature'];
  const purposes = isCa ? null : [CODE_SIGNING];
  return [
    ...basicConstraints(isCa, spec.pathLength),
    ...keyUsage(spec.keyUsage === undefined ? usages : spec.keyUsage),
    ...extendedKeyUsage(
      spec.extendedKeyUsage === undefined ? purposes : spec.extendedKeyUsage,
      critical,
    ),
  ];
}

function nameOf(commonName: string | undefined): Buffer {
  if (commonName === undefined) return der.sequence();
  return der.sequence(der.set(der.sequence(der.oid(COMMON_NAME), der.utf8(commonName))));
}

function hashOf(key: KeyObject, hash: string | undefined): string | null {
  if (key.asymmetricKeyType === 'ed25519') return null;
  const hashes: Readonly<Record<string, string>> = { secp384r1: 'sha384', secp521r1: 'sha512' };
  return hash ?? hashes[key.asymmetricKeyDetails?.namedCurve ?? ''] ?? 'sha256';
}

function algorithmOf(key: KeyObject, wanted: string | undefined): Buffer {
  const hash = hashOf(key, wanted);
  if (hash === null) return der.sequence(der.oid('1.3.101.112'));
  return key.asymmetricKeyType === 'ec'
    ? der.sequence(der.oid(ECDSA[hash] ?? ''))
    : der.sequence(der.oid(RSA[hash] ?? ''), der.null());
}

const ECDSA: Readonly<Record<string, string>> = {
  sha1: '1.2.840.10045.4.1',
  sha256: '1.2.840.10045.4.3.2',
  sha384: '1.2.840.10045.4.3.3',
  sha512: '1.2.840.10045.4.3.4',
};
const RSA: Readonly<Record<string, string>> = {
  sha1: '1.2.840.113549.1.1.5',
  sha256: '1.2.840.113549.1.1.11',
  sha384: '1.2.840.113549.1.1.12',
  sha512: '1.2.840.113549.1.1.13',
};

function spkiOf(key: KeyObject): Buffer {
  return key.export({ format: 'der', type: 'spki' });
}

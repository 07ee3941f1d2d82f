// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import 'reflect-metadata';
import { createPrivateKey, KeyObject, randomBytes, webcrypto } from 'node:crypto';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { certificatesOf, fingerprintOf } from './pem.ts';

/** A certificate and its private key (PKCS #8), both PEM. */
export interface CertifiedKey {
  readonly certPem: string;
  readonly keyPem: string;
}

/** A server certificate, and when it ends (milliseconds since the epoch). */
export interface Leaf extends CertifiedKey {
  readonly notAfter: number;
  /** Fingerprint of the CA certificate that signed it, where we know it. */
  readonly issuer?: string;
}

/** What a leaf is for. */
export interface LeafOptions {
  readonly dnsNames: readonly string[];
  readonly now: Date;
  /** Days of validity; 7 where it is left out. Never longer than the CA's. */
  readonly days?: number;
}

const EC = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const SIGNING = { name: 'ECDSA', hash: 'SHA-256' } as const;
const DAY_MS = 86_400_000;
/** Certificates begin this long ago, for clocks that are behind. */
const BACKDATE_MS = 3_600_000;
const CA_DAYS = 365;
const LEAF_DAYS = 7;
/** No leaf of ours lives longer than this, in milliseconds. */
export const LEAF_LIFE_MS: number = LEAF_DAYS * DAY_MS;

/**
 * Makes a CA for the serving certificates of webhook replicas: P-256, good for `days` (a year where left
 * out), may sign leaves only.
 */
export async function createCa(now: Date, days: number = CA_DAYS): Promise<CertifiedKey> {
  const keys = await webcrypto.subtle.generateKey(EC, true, ['sign', 'verify']);
  const serialNumber = serial();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber,
    name: [{ CN: [`countersign-webhook-ca-${serialNumber.slice(0, 8)}`] }],
    notBefore: new Date(now.getTime() - BACKDATE_MS),
    notAfter: new Date(now.getTime() + days * DAY_MS),
    signingAlgorithm: SIGNING,
    keys,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certPem: pemOf(certificate), keyPem: privatePem(keys.privateKey) };
}

/**
 * Issues a server certificate for the names. Throws where the CA cannot be read, is not a CA, or
 * where its key is not the one of its certificate. The first certificate of `ca.certPem` signs.
 */
export async function issueLeaf(ca: CertifiedKey, options: LeafOptions): Promise<Leaf> {
  const [issuerCertificate] = certificatesOf(ca.certPem);
  if (issuerCertificate === undefined) throw new Error('the CA holds no certificate');
  const signer = createPrivateKey(ca.keyPem);
  if (!issuerCertificate.ca || !issuerCertificate.checkPrivateKey(signer))
    throw new Error('the CA certificate is not one, or is not of the key');
  const issuer = new X509Certificate(issuerCertificate.raw);
  const keys = await webcrypto.subtle.generateKey(EC, true, ['sign', 'verify']);
  const wanted = options.now.getTime() + (options.days ?? LEAF_DAYS) * DAY_MS;
  const notAfter = new Date(Math.min(wanted, issuer.notAfter.getTime()));
  const certificate = await X509CertificateGenerator.create({
    serialNumber: serial(),
    subject: [{ CN: [options.dnsNames[0]?.slice(0, 64) ?? 'countersign-webhook'] }],
    issuer: issuer.subjectName,
    notBefore: new Date(Math.max(options.now.getTime() - BACKDATE_MS, issuer.notBefore.getTime())),
    notAfter,
    signingAlgorithm: SIGNING,
    publicKey: keys.publicKey,
    signingKey: await signingKeyOf(signer),
    extensions: await leafExtensions(keys.publicKey, issuer, options.dnsNames),
  });
  return {
    certPem: pemOf(certificate),
    keyPem: privatePem(keys.privateKey),
    notAfter: certificate.notAfter.getTime(),
    issuer: fingerprintOf(issuerCertificate),
  };
}

/**
 * Whether a leaf of seven days is to be renewed: less than a third of them remains by the wall clock, or
 * that was set back to before its beginning.
 */
export function leafIsDue(leaf: Leaf, now: Date): boolean {
  const [certificate] = certificatesOf(leaf.certPem);
  const begins = certificate?.validFromDate.getTime() ?? Number.POSITIVE_INFINITY;
  return leaf.notAfter - now.getTime() < LEAF_LIFE_MS / 3 || begins > now.getTime();
}

async function leafExtensions(
  publicKey: webcrypto.CryptoKey,
  issuer: X509Certificate,
  dnsNames: readonly string[],
): Promise<Extension[]> {
  return [
    new BasicConstraintsExtension(false, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
    new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
    new SubjectAlternativeNameExtension(dnsNames.map((value) => ({ type: 'dns' as const, value }))),
    await SubjectKeyIdentifierExtension.create(publicKey),
    await AuthorityKeyIdentifierExtension.create(issuer.publicKey),
  ];
}

async function signingKeyOf(key: KeyObject): Promise<webcrypto.CryptoKey> {
  return await webcrypto.subtle.importKey(
    'pkcs8',
    key.export({ format: 'der', type: 'pkcs8' }),
    EC,
    false,
    ['sign'],
  );
}

function privatePem(key: webcrypto.CryptoKey): string {
  return KeyObject.from(key).export({ format: 'pem', type: 'pkcs8' }).toString();
}

function pemOf(certificate: X509Certificate): string {
  return `${certificate.toString('pem')}\n`;
}

/** 127 random bits, positive and without leading zeros. */
function serial(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes.toString('hex');
}

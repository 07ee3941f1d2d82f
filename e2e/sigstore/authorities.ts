// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { KeyObject, webcrypto } from 'node:crypto';
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';

/** A chain of two certificates, and the key of its first. */
export interface Authority {
  /** PEM of the certificates, the one that signs first. */
  readonly chain: string;
  /** PEM (PKCS#8) of its key. */
  readonly key: string;
}

type Algorithm = typeof P256 | typeof P384;
type Keys = webcrypto.CryptoKeyPair;

const P256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const P384 = { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' } as const;

const CODE_SIGNING = '1.3.6.1.5.5.7.3.3';
const TIME_STAMPING = '1.3.6.1.5.5.7.3.8';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** The CA of a Fulcio (P-384): an intermediate that may issue for code signing, under a root. */
export function createFulcioAuthority(name: string): Promise<Authority> {
  return underRoot(name, P384, (publicKey) => [
    new x509.BasicConstraintsExtension(true, 0, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    new x509.ExtendedKeyUsageExtension([CODE_SIGNING]),
    publicKey,
  ]);
}

/** What a timestamp authority signs with (P-256), under a root. */
export function createTimestampAuthority(name: string): Promise<Authority> {
  return underRoot(name, P256, (publicKey) => [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    new x509.ExtendedKeyUsageExtension([TIME_STAMPING], true),
    publicKey,
  ]);
}

async function underRoot(
  name: string,
  algorithm: Algorithm,
  extensions: (publicKey: x509.Extension) => x509.Extension[],
): Promise<Authority> {
  const [rootKeys, keys] = await Promise.all([generate(algorithm), generate(algorithm)]);
  const validity = {
    notBefore: new Date(Date.now() - HOUR_MS),
    notAfter: new Date(Date.now() + 30 * DAY_MS),
  };
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: `O=countersign.test, CN=${name} root`,
    keys: rootKeys,
    signingAlgorithm: algorithm,
    ...validity,
    extensions: [
      new x509.BasicConstraintsExtension(true, 1, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
        true,
      ),
      await x509.SubjectKeyIdentifierExtension.create(rootKeys.publicKey),
    ],
  });
  const signer = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: `O=countersign.test, CN=${name}`,
    issuer: root.subject,
    publicKey: keys.publicKey,
    signingKey: rootKeys.privateKey,
    signingAlgorithm: algorithm,
    ...validity,
    extensions: [
      ...extensions(await x509.SubjectKeyIdentifierExtension.create(keys.publicKey)),
      await x509.AuthorityKeyIdentifierExtension.create(rootKeys.publicKey),
    ],
  });
  const key = KeyObject.from(keys.privateKey).export({ type: 'pkcs8', format: 'pem' });
  const chain = `${signer.toString('pem')}\n${root.toString('pem')}\n`;
  return { chain, key: key.toString() };
}

function generate(algorithm: Algorithm): Promise<Keys> {
  return webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
}

/** Positive, and without a leading zero byte, which is not DER. */
function serialNumber(): string {
  const bytes = webcrypto.getRandomValues(new Uint8Array(16));
  bytes[0] = 0x40 | ((bytes[0] ?? 0) & 0x3f);
  return Buffer.from(bytes).toString('hex');
}

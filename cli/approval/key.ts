// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { createHash, createPrivateKey, createPublicKey, sign, type KeyObject } from 'node:crypto';
import { preAuthEncoding, type ApprovalStatement } from '../../verification/index.ts';
import { UsageError } from '../usage-error.ts';

/** Type of the payload of an envelope that holds an in-toto statement. */
export const PAYLOAD_TYPE = 'application/vnd.in-toto+json';

/** As cosign signs: with the hash of the curve. Other curves are no keys that a policy may name. */
const CURVE_HASHES: ReadonlyMap<string, string> = new Map([
  ['prime256v1', 'sha256'],
  ['secp384r1', 'sha384'],
  ['secp521r1', 'sha512'],
]);

/** A private key and the hash that it signs with; `null` where it has one of its own. */
export interface SigningKey {
  readonly key: KeyObject;
  readonly hash: string | null;
}

/**
 * Reads a private key, PEM: PKCS#8, SEC1 or PKCS#1, of P-256, P-384, P-521, RSA or Ed25519. Throws
 * UsageError for one that is encrypted, with what can be done about it, and for anything else.
 */
export function readSigningKey(file: string, pem: string): SigningKey {
  if (/^-----BEGIN ENCRYPTED (?:SIGSTORE|COSIGN) PRIVATE KEY-----/m.test(pem))
    throw new UsageError(
      `${file}: is an encrypted key of cosign, which only cosign reads: sign what --print-statement ` +
        'and --print-material write with cosign attest-blob, and add the bundle with --attach',
    );
  if (pem.includes('ENCRYPTED'))
    throw new UsageError(`${file}: is encrypted: decrypt it first, for example by openssl pkey`);
  const key = privateKeyOf(file, pem);
  const hash = hashOf(key);
  if (hash === undefined)
    throw new UsageError(`${file}: must be of P-256, P-384, P-521, RSA or Ed25519`);
  return { key, hash };
}

/** The Sigstore bundle, v0.3, of a statement signed with a key. No log and no timestamp authority is told. */
export function bundleByKey({ key, hash }: SigningKey, statement: ApprovalStatement): object {
  const payload = Buffer.from(JSON.stringify(statement));
  const publicKey = createPublicKey(key).export({ format: 'der', type: 'spki' });
  const hint = createHash('sha256').update(publicKey).digest('base64');
  const sig = sign(hash, preAuthEncoding(PAYLOAD_TYPE, payload), key).toString('base64');
  return {
    mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
    verificationMaterial: {
      publicKey: { hint },
      tlogEntries: [],
      timestampVerificationData: { rfc3161Timestamps: [] },
    },
    dsseEnvelope: {
      payload: payload.toString('base64'),
      payloadType: PAYLOAD_TYPE,
      signatures: [{ sig, keyid: '' }],
    },
  };
}

function privateKeyOf(file: string, pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (thrown) {
    // The reason of the library may hold parts of the key.
    throw new UsageError(`${file}: holds no private key, PEM`, { cause: thrown });
  }
}

function hashOf(key: KeyObject): string | null | undefined {
  switch (key.asymmetricKeyType) {
    case 'ed25519':
      return null;
    case 'rsa':
      return 'sha256';
    case 'ec':
      return CURVE_HASHES.get(key.asymmetricKeyDetails?.namedCurve ?? '');
    default:
      return undefined;
  }
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { createPublicKey, ECDH, type JsonWebKey } from 'node:crypto';

const PEM = '-----BEGIN PUBLIC KEY-----';
const CURVES: ReadonlyMap<string, readonly [curve: string, name: string]> = new Map([
  ['ecdsa-sha2-nistp256', ['prime256v1', 'P-256'] as const],
  ['ecdsa-sha2-nistp384', ['secp384r1', 'P-384'] as const],
]);

/** A public key of TUF metadata. */
export interface TufKey {
  readonly scheme: string;
  /** PEM, or for elliptic curves the bare key in hex. */
  readonly publicKey: string;
}

/**
 * What a key is, whatever way it is written: two spellings of one key have one identity, so that it
 * is never counted twice towards a threshold (security F6). A key that cannot be read is only itself;
 * it verifies nothing.
 */
export function keyIdentity(key: TufKey): string {
  try {
    return key.publicKey.startsWith(PEM) ? pemIdentity(key.publicKey) : hexIdentity(key);
  } catch {
    return `unread ${key.publicKey}`;
  }
}

function pemIdentity(pem: string): string {
  const key = createPublicKey(pem);
  // Keys for RSA-PSS only have no JWK.
  if (key.asymmetricKeyType === 'rsa-pss')
    return `rsa-pss ${key.export({ format: 'der', type: 'spki' }).toString('base64')}`;
  return jwkIdentity(key.export({ format: 'jwk' }));
}

function hexIdentity({ scheme, publicKey }: TufKey): string {
  const [curve, crv] = CURVES.get(scheme) ?? [];
  if (curve === undefined || crv === undefined) {
    const x = Buffer.from(publicKey, 'hex').toString('base64url');
    return jwkIdentity({ kty: 'OKP', crv: 'Ed25519', x });
  }
  const point = Buffer.from(
    ECDH.convertKey(publicKey, curve, 'hex', 'hex', 'uncompressed').toString(),
    'hex',
  );
  const half = (point.length - 1) / 2;
  const x = point.subarray(1, 1 + half).toString('base64url');
  const y = point.subarray(1 + half).toString('base64url');
  return jwkIdentity({ kty: 'EC', crv, x, y });
}

function jwkIdentity({ kty, crv, x, y, n, e }: JsonWebKey): string {
  return [kty, crv, x, y, n, e].map((part) => part ?? '').join(' ');
}

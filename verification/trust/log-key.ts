// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { trustedKeyOf, type TrustedKey } from './public-key.ts';
import type { Node } from './trusted-root-json.ts';

/** A key of one algorithm and one hash, as `keyDetails` names them. */
interface KeyDetails {
  /** What node calls the type, and the curve where it is one. */
  readonly type: string;
  readonly hash: string | null;
  readonly format?: 'pkcs1';
  readonly bits?: number;
}

/** `PublicKeyDetails` of Sigstore's protobufs, as far as a log may have them. */
const KEY_DETAILS: ReadonlyMap<string, KeyDetails> = new Map<string, KeyDetails>([
  ['PKIX_ECDSA_P256_SHA_256', { type: 'prime256v1', hash: 'sha256' }],
  ['PKIX_ECDSA_P384_SHA_384', { type: 'secp384r1', hash: 'sha384' }],
  ['PKIX_ECDSA_P384_SHA_256', { type: 'secp384r1', hash: 'sha256' }],
  ['PKIX_ECDSA_P521_SHA_512', { type: 'secp521r1', hash: 'sha512' }],
  ['PKIX_ECDSA_P521_SHA_256', { type: 'secp521r1', hash: 'sha256' }],
  ['PKIX_ED25519', { type: 'ed25519', hash: null }],
  ['PKCS1_RSA_PKCS1V5', { type: 'rsa', hash: 'sha256', format: 'pkcs1' }],
  ['PKIX_RSA_PKCS1V5', { type: 'rsa', hash: 'sha256' }],
  ['PKIX_RSA_PKCS1V15_2048_SHA256', { type: 'rsa', hash: 'sha256', bits: 2048 }],
  ['PKIX_RSA_PKCS1V15_3072_SHA256', { type: 'rsa', hash: 'sha256', bits: 3072 }],
  ['PKIX_RSA_PKCS1V15_4096_SHA256', { type: 'rsa', hash: 'sha256', bits: 4096 }],
]);
const ED25519_BYTES = 32;
/** Signature types of signed notes (C2SP). */
const NOTE_ED25519 = Buffer.of(0x01);
const NOTE_RSA = Buffer.from('\xffPKIX-RSA-PKCS#1v1.5', 'latin1');

/**
 * Reads a `publicKey`: the key with the one hash that it signs with. Throws TRUST_ROOT_INVALID where
 * the details are not known or not those of the key, or where the key is weak.
 */
export function logKeyOf(node: Node): { readonly key: TrustedKey; readonly hash: string | null } {
  const details = KEY_DETAILS.get(node.get('keyDetails').text());
  if (details === undefined) throw node.get('keyDetails').refuse('is not supported');
  const raw = node.get('rawBytes');
  const written = parseKey(raw, details.format ?? 'spki');
  const { namedCurve, modulusLength } = written.asymmetricKeyDetails ?? {};
  const matches =
    (namedCurve ?? written.asymmetricKeyType) === details.type &&
    (details.bits === undefined || modulusLength === details.bits);
  if (!matches) throw node.get('keyDetails').refuse('does not fit the key');
  try {
    const key = trustedKeyOf(written, 'TRUST_ROOT_INVALID');
    return { key: { ...key, hashes: [details.hash] }, hash: details.hash };
  } catch (thrown) {
    throw raw.refuse(thrown instanceof Error ? thrown.message : '', thrown);
  }
}

/** A PKCS #1 key is the end of its SubjectPublicKeyInfo. */
function parseKey(raw: Node, type: 'spki' | 'pkcs1'): KeyObject {
  const bytes = raw.bytes();
  let key: KeyObject;
  try {
    key = createPublicKey({ key: bytes, format: 'der', type });
  } catch (thrown) {
    throw raw.refuse('is not a public key of this type', thrown);
  }
  const spki = spkiOf(key);
  const again = type === 'spki' ? spki : spki.subarray(-bytes.length);
  if (!again.equals(bytes)) throw raw.refuse('is not the one encoding of the key');
  return key;
}

/** SHA-256 of the SubjectPublicKeyInfo: the ID of a log of Rekor v1, and of RFC 6962. */
export function keyHashOf(key: KeyObject): Buffer {
  return createHash('sha256').update(spkiOf(key)).digest();
}

/** The key ID, not shortened, that a signed note by this name and key has: the ID of a log of Rekor v2. */
export function noteKeyIdOf(origin: string, key: KeyObject): Buffer {
  if (key.asymmetricKeyType === 'ec') return keyHashOf(key);
  const spki = spkiOf(key);
  const digest = createHash('sha256').update(`${origin}\n`);
  return key.asymmetricKeyType === 'ed25519'
    ? digest.update(NOTE_ED25519).update(spki.subarray(-ED25519_BYTES)).digest()
    : digest.update(NOTE_RSA).update(spki).digest();
}

function spkiOf(key: KeyObject): Buffer {
  return key.export({ format: 'der', type: 'spki' });
}

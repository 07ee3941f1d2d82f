// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import {
  constants,
  createHash,
  createPublicKey,
  verify,
  type AsymmetricKeyDetails,
  type KeyObject,
} from 'node:crypto';
import { VerificationError } from '../error.ts';
import type { ReasonCode } from '../reasons.ts';
import { pemBlocks } from './pem-block.ts';

/** A public key that somebody decided to trust. */
export interface TrustedKey {
  readonly key: KeyObject;
  /** `sha256:<hex>` of the SubjectPublicKeyInfo (DER): names the key in messages and caches. */
  readonly fingerprint: string;
  /** Hash algorithms that this key is known to sign with; the envelope has no say. */
  readonly hashes: readonly (string | null)[];
  /** RSA alone: signatures padded by PSS count as those of PKCS #1 v1.5 do. */
  readonly takesPss?: boolean;
}

/** Hashes by curve: cosign v3 signs with that of the curve, cosign v2 with SHA-256 whatever the curve. */
const CURVE_HASHES: ReadonlyMap<string, readonly string[]> = new Map([
  ['prime256v1', ['sha256']],
  ['secp384r1', ['sha384', 'sha256']],
  ['secp521r1', ['sha512', 'sha256']],
]);
const MIN_RSA_BITS = 2048;
/** As other clients have it: the time that verification takes grows with the square. */
const MAX_RSA_BITS = 8192;
const MAX_KEYS = 32;
const MIN_RSA_EXPONENT = 3n;
/** Nobody makes larger ones, and they make verification slow. */
const MAX_RSA_EXPONENT = 2n ** 33n;

/**
 * Parses PEM public keys: several blocks are a rotation set. Refuses (POLICY_INVALID) an empty text,
 * anything but `PUBLIC KEY` blocks, text between them, RSA below 2048 or above 8192 bits, other curves
 * than P-256, P-384 and P-521, and a key that occurs twice (in any encoding).
 * RSA keys may sign with PSS as well: which padding a key is used with cannot be seen in it.
 */
export function parsePublicKeys(pem: string): readonly TrustedKey[] {
  const blocks = pemBlocks(pem, 'POLICY_INVALID');
  if (blocks.length > MAX_KEYS) throw invalid(`holds more than ${MAX_KEYS.toString()} keys`);
  const keys = blocks.map(({ label, block }) => parseBlock(label, block));
  if (new Set(keys.map((k) => k.fingerprint)).size !== keys.length)
    throw invalid('holds the same key twice');
  return keys;
}

/** True where the signature over the bytes was made with the key. Never throws. */
export function verifySignature(
  trusted: TrustedKey,
  bytes: Uint8Array,
  signature: Uint8Array,
): boolean {
  const { key, hashes, takesPss = false } = trusted;
  const pss = { key, padding: constants.RSA_PKCS1_PSS_PADDING };
  return hashes.some(
    (hash) =>
      isVerified(() => verify(hash, bytes, key, signature)) ||
      (takesPss && isVerified(() => verify(hash, bytes, pss, signature))),
  );
}

function isVerified(verifies: () => boolean): boolean {
  try {
    return verifies();
  } catch {
    return false;
  }
}

/**
 * A key with what may be verified by it. Throws the given code for a key that is weak or of a kind that
 * is not supported.
 */
export function trustedKeyOf(written: KeyObject, code: ReasonCode): TrustedKey {
  const hashes = hashesOf(written, code);
  const key = canonicalKey(written);
  const fingerprint =
    'sha256:' +
    createHash('sha256')
      .update(key.export({ format: 'der', type: 'spki' }))
      .digest('hex');
  return { key, fingerprint, hashes };
}

function parseBlock(label: string, block: string): TrustedKey {
  if (label !== 'PUBLIC KEY') throw invalid(`holds a block "${label}", only "PUBLIC KEY" is taken`);
  let written: KeyObject;
  try {
    written = createPublicKey({ key: block, format: 'pem', type: 'spki' });
  } catch (thrown) {
    throw new VerificationError('POLICY_INVALID', 'holds a public key that cannot be parsed', {
      cause: thrown,
    });
  }
  const key = trustedKeyOf(written, 'POLICY_INVALID');
  return key.key.asymmetricKeyType === 'rsa' ? { ...key, takesPss: true } : key;
}

/** The same key in its one encoding: a compressed point or spelled-out curve would get a fingerprint of its own. */
function canonicalKey(key: KeyObject): KeyObject {
  if (key.asymmetricKeyType !== 'ec') return key;
  return createPublicKey({ key: key.export({ format: 'jwk' }), format: 'jwk' });
}

function hashesOf(key: KeyObject, code: ReasonCode): readonly (string | null)[] {
  const details = key.asymmetricKeyDetails ?? {};
  switch (key.asymmetricKeyType) {
    case 'ec':
      return curveHashes(String(details.namedCurve), code);
    case 'rsa':
      checkRsa(details, code);
      return ['sha256'];
    case 'ed25519':
      return [null];
    default:
      throw invalid(
        `holds a key of the type ${String(key.asymmetricKeyType)}, which is not supported`,
        code,
      );
  }
}

function curveHashes(curve: string, code: ReasonCode): readonly string[] {
  const hashes = CURVE_HASHES.get(curve);
  if (hashes === undefined)
    throw invalid(`holds a key on the curve ${curve}, which is not supported`, code);
  return hashes;
}

function checkRsa(details: AsymmetricKeyDetails, code: ReasonCode): void {
  const { modulusLength = 0, publicExponent = 0n } = details;
  if (modulusLength < MIN_RSA_BITS)
    throw invalid(`holds an RSA key of less than ${MIN_RSA_BITS.toString()} bits`, code);
  if (modulusLength > MAX_RSA_BITS)
    throw invalid(`holds an RSA key of more than ${MAX_RSA_BITS.toString()} bits`, code);
  if (publicExponent < MIN_RSA_EXPONENT)
    throw invalid('holds an RSA key of exponent 1, under which every signature is good', code);
  if (publicExponent > MAX_RSA_EXPONENT)
    throw invalid('holds an RSA key of an exponent that is far too large', code);
}

function invalid(detail: string, code: ReasonCode = 'POLICY_INVALID'): VerificationError {
  return new VerificationError(code, detail);
}

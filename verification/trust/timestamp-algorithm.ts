// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { constants, verify, type VerifyKeyObjectInput } from 'node:crypto';
import type { DerValue } from '../encoding/index.ts';
import { VerificationError } from '../error.ts';
import { childrenOf, malformed, oidOf, sequenceOf, smallIntegerOf } from './der.ts';
import type { TrustedKey } from './public-key.ts';

/** Hashes that timestamps may be made with. */
export type TimestampHash = 'sha256' | 'sha384' | 'sha512';

/** How a token is signed. */
export interface TimestampAlgorithm {
  /** What node calls the type of key that this is done with. */
  readonly keyType: 'ec' | 'rsa' | 'ed25519';
  /** `null` where the algorithm hashes for itself. */
  readonly hash: TimestampHash | null;
  /** Bytes of salt: present for RSA-PSS alone. */
  readonly saltLength?: number;
}

const HASHES: ReadonlyMap<string, TimestampHash> = new Map([
  ['2.16.840.1.101.3.4.2.1', 'sha256'],
  ['2.16.840.1.101.3.4.2.2', 'sha384'],
  ['2.16.840.1.101.3.4.2.3', 'sha512'],
]);
const ALGORITHMS: ReadonlyMap<string, TimestampAlgorithm> = new Map([
  ['1.2.840.10045.4.3.2', { keyType: 'ec', hash: 'sha256' }],
  ['1.2.840.10045.4.3.3', { keyType: 'ec', hash: 'sha384' }],
  ['1.2.840.10045.4.3.4', { keyType: 'ec', hash: 'sha512' }],
  ['1.2.840.113549.1.1.11', { keyType: 'rsa', hash: 'sha256' }],
  ['1.2.840.113549.1.1.12', { keyType: 'rsa', hash: 'sha384' }],
  ['1.2.840.113549.1.1.13', { keyType: 'rsa', hash: 'sha512' }],
  ['1.3.101.112', { keyType: 'ed25519', hash: null }],
]);
/** Says that the key is an RSA key, and leaves the hash to the digest algorithm (RFC 3370, 3.2). */
const RSA_ENCRYPTION = '1.2.840.113549.1.1.1';
const NULL = 0x05;
const RSA_PSS = '1.2.840.113549.1.1.10';
const MGF1 = '1.2.840.113549.1.1.8';
const [PSS_HASH, PSS_MASK, PSS_SALT] = [0xa0, 0xa1, 0xa2];
const DEFAULT_SALT_BYTES = 20;
const MAX_SALT_BYTES = 64;

/**
 * Reads the AlgorithmIdentifier of a hash. Throws TIMESTAMP_UNTRUSTED where it is none of SHA-256,
 * SHA-384 and SHA-512.
 */
export function timestampHashOf(algorithm: DerValue | undefined, what: string): TimestampHash {
  const hash = HASHES.get(plainOidOf(sequenceOf(algorithm, what), what));
  if (hash === undefined) throw unsupported(`${what}: the hash is not supported`);
  return hash;
}

/**
 * Reads the AlgorithmIdentifier of a signature. Throws TIMESTAMP_UNTRUSTED where it is not supported, or
 * hashes with another hash than the content was digested with (RFC 8933 asks for the same).
 */
export function timestampAlgorithmOf(
  value: DerValue | undefined,
  digest: TimestampHash,
): TimestampAlgorithm {
  const what = 'signatureAlgorithm';
  const fields = sequenceOf(value, what);
  const oid = oidOf(fields[0], what);
  if (oid === RSA_PSS) return pssOf(fields, digest);
  plainOidOf(fields, what);
  if (oid === RSA_ENCRYPTION) return { keyType: 'rsa', hash: digest };
  const algorithm = ALGORITHMS.get(oid);
  if (algorithm === undefined) throw unsupported('the signature algorithm is not supported');
  if (algorithm.hash !== null && algorithm.hash !== digest)
    throw unsupported('the signature is made with another hash than the digest');
  return algorithm;
}

/** True where the key is of the type that the algorithm needs and signed the bytes. Never throws. */
export function isTimestampSignedBy(
  { key }: TrustedKey,
  algorithm: TimestampAlgorithm,
  signed: { readonly bytes: Buffer; readonly signature: Buffer },
): boolean {
  if (key.asymmetricKeyType !== algorithm.keyType) return false;
  const { hash, saltLength } = algorithm;
  const input: VerifyKeyObjectInput =
    saltLength === undefined
      ? { key }
      : { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength };
  try {
    return verify(hash, signed.bytes, input, signed.signature);
  } catch {
    return false;
  }
}

/** The OID of an algorithm that has no parameters: nothing follows it, or NULL. */
function plainOidOf(fields: readonly DerValue[], what: string): string {
  const [type, parameters, ...more] = fields;
  const isPlain =
    parameters === undefined || (parameters.tag === NULL && parameters.value.length === 0);
  if (!isPlain || more.length > 0) throw malformed(`${what}: has parameters`);
  return oidOf(type, what);
}

/** One hash throughout; what is left out means SHA-1 and is not supported (RFC 4055, 3.1). */
function pssOf(algorithm: readonly DerValue[], digest: TimestampHash): TimestampAlgorithm {
  const [, parameters, ...more] = algorithm;
  const fields = sequenceOf(parameters, 'RSA-PSS');
  const inside = (tag: number): DerValue | undefined => {
    const field = fields.find((candidate) => candidate.tag === tag);
    const [value, ...others] = field === undefined ? [] : childrenOf(field, tag, 'RSA-PSS');
    if (others.length > 0) throw malformed('RSA-PSS: a field with two values');
    return value;
  };
  const [mask, maskHash, ...rest] = sequenceOf(inside(PSS_MASK), 'RSA-PSS');
  if (oidOf(mask, 'RSA-PSS') !== MGF1) throw unsupported('the mask of RSA-PSS is not supported');
  const hashes = [inside(PSS_HASH), maskHash].map((hash) => timestampHashOf(hash, 'RSA-PSS'));
  if (hashes.some((hash) => hash !== digest))
    throw unsupported('the signature is made with another hash than the digest');
  const salt = inside(PSS_SALT);
  const saltLength = salt === undefined ? DEFAULT_SALT_BYTES : smallIntegerOf(salt, 'RSA-PSS');
  const tags = fields.map(({ tag }) => tag).join();
  const isKnown = [more.length, rest.length].every((n) => n === 0) && PSS_TAGS.has(tags);
  if (!isKnown || saltLength < 0 || saltLength > MAX_SALT_BYTES)
    throw unsupported('the parameters of RSA-PSS are not supported');
  return { keyType: 'rsa', hash: digest, saltLength };
}

const PSS_TAGS: ReadonlySet<string> = new Set([
  [PSS_HASH, PSS_MASK].join(),
  [PSS_HASH, PSS_MASK, PSS_SALT].join(),
]);

function unsupported(detail: string): VerificationError {
  return new VerificationError('TIMESTAMP_UNTRUSTED', detail);
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { asObject, decodeBase64, parseStrictJson } from '../../encoding/index.ts';
import { VerificationError } from '../../error.ts';
import { pemBlocks } from '../../trust/pem-block.ts';

const MAX_DEPTH = 16;
const HEX = /^(?:[0-9a-fA-F]{2})+$/;
/** Names of hashes in Rekor v1 and v2. */
const HASHES: ReadonlyMap<unknown, 'sha256' | 'sha384' | 'sha512'> = new Map([
  ['sha256', 'sha256'],
  ['sha384', 'sha384'],
  ['sha512', 'sha512'],
  ['SHA2_256', 'sha256'],
  ['SHA2_384', 'sha384'],
  ['SHA2_512', 'sha512'],
]);
const HASH_BYTES = { sha256: 32, sha384: 48, sha512: 64 } as const;
const VERIFIERS: ReadonlyMap<string, RecordedVerifier['kind']> = new Map([
  ['CERTIFICATE', 'certificate'],
  ['PUBLIC KEY', 'key'],
]);

/** An object of a body. */
export type Json = Readonly<Record<string, unknown>>;

/** A hash that a body records; the algorithm is one of SHA-2, the value of its length. */
export interface RecordedHash {
  readonly algorithm: keyof typeof HASH_BYTES;
  readonly value: Buffer;
}

/** What a body says that the signature is verified with. */
export interface RecordedVerifier {
  readonly kind: 'certificate' | 'key';
  readonly der: Buffer;
}

/** The error for an entry that is not what it should be. */
export function malformedEntry(detail: string): VerificationError {
  return new VerificationError('BUNDLE_MALFORMED', `log entry: ${detail}`);
}

/** Reads the frame that all kinds of entries share. Throws BUNDLE_MALFORMED. */
export function parseBody(body: Uint8Array): {
  readonly kind: string;
  readonly version: string;
  readonly spec: Json;
} {
  const root = asObject(
    parseStrictJson(body, { code: 'BUNDLE_MALFORMED', maxDepth: MAX_DEPTH, what: 'log entry' }),
  );
  if (root === undefined) throw malformedEntry('body is not an object');
  const [kind, version] = [stringAt(root, 'kind'), stringAt(root, 'apiVersion')];
  return { kind, version, spec: objectAt(root, 'spec') };
}

/** A member that must be an object. */
export function objectAt(json: Json, name: string): Json {
  const value = asObject(json[name]);
  if (value === undefined) throw malformedEntry(`${name} is not an object`);
  return value;
}

/** A member that must be a text. */
export function stringAt(json: Json, name: string): string {
  const value = json[name];
  if (typeof value !== 'string') throw malformedEntry(`${name} is not a text`);
  return value;
}

/** A member that must be bytes in base64. */
export function bytesAt(json: Json, name: string): Buffer {
  const text = stringAt(json, name);
  if (text === '') throw malformedEntry(`${name} is empty`);
  return decodeBase64(text, 'BUNDLE_MALFORMED', `log entry: ${name}`);
}

/** The objects of a list that must not be empty. */
export function objectsAt(json: Json, name: string): readonly Json[] {
  const list: unknown = json[name];
  if (!Array.isArray(list) || list.length === 0) throw malformedEntry(`${name} is not a list`);
  return list.map((item: unknown) => {
    const value = asObject(item);
    if (value === undefined) throw malformedEntry(`${name} holds what is not an object`);
    return value;
  });
}

/** A hash as Rekor v1 records it: `{algorithm, value}`, in hexadecimal. */
export function hexHashAt(json: Json, name: string): RecordedHash {
  const hash = objectAt(json, name);
  const hex = stringAt(hash, 'value');
  if (!HEX.test(hex)) throw malformedEntry(`${name} is not hexadecimal`);
  return hashOf(hash, Buffer.from(hex, 'hex'));
}

/** A hash as Rekor v2 records it: `{algorithm, digest}`, in base64. */
export function digestAt(json: Json, name: string): RecordedHash {
  const hash = objectAt(json, name);
  return hashOf(hash, bytesAt(hash, 'digest'));
}

/** A key or certificate as Rekor v1 records it: base64 of one PEM block. */
export function pemAt(json: Json, name: string): RecordedVerifier {
  const [first, ...more] = pemBlocks(bytesAt(json, name).toString('latin1'), 'BUNDLE_MALFORMED');
  const kind = VERIFIERS.get(first?.label ?? '');
  if (first === undefined || kind === undefined || more.length > 0)
    throw malformedEntry(`${name} is not one certificate or key`);
  const text = first.body.replaceAll(/[\r\n]/g, '');
  return { kind, der: decodeBase64(text, 'BUNDLE_MALFORMED', `log entry: ${name}`) };
}

/** A key or certificate as Rekor v2 records it: DER, one of two members. */
export function verifierAt(json: Json, name: string): RecordedVerifier {
  const verifier = objectAt(json, name);
  const { x509Certificate, publicKey } = verifier;
  if ((x509Certificate === undefined) === (publicKey === undefined))
    throw malformedEntry(`${name} is not either a certificate or a key`);
  return publicKey === undefined
    ? { kind: 'certificate', der: bytesAt(objectAt(verifier, 'x509Certificate'), 'rawBytes') }
    : { kind: 'key', der: bytesAt(objectAt(verifier, 'publicKey'), 'rawBytes') };
}

function hashOf({ algorithm: name }: Json, value: Buffer): RecordedHash {
  const algorithm = HASHES.get(name);
  if (algorithm === undefined) throw malformedEntry('hash is of an algorithm that is not known');
  if (value.byteLength !== HASH_BYTES[algorithm])
    throw malformedEntry('hash is not of the length of its algorithm');
  return { algorithm, value };
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { bundleFromJSON, type Bundle } from '@sigstore/bundle';
import { asObject, decodeBase64, parseStrictJson } from '../encoding/index.ts';
import { VerificationError } from '../error.ts';
import { checkMembers } from './bundle-members.ts';

const MAX_DEPTH = 32;
/** Both spellings of the versions that we know; the library takes any version, with anything behind it. */
const MEDIA_TYPE =
  /^application\/vnd\.dev\.sigstore\.bundle(?:\+json;version=0\.[123]|\.v0\.[123]\+json)$/;
const CONTENTS = ['dsseEnvelope', 'messageSignature'] as const;
const MATERIALS = ['publicKey', 'x509CertificateChain', 'certificate'] as const;

type Json = Readonly<Record<string, unknown>>;

/**
 * Parses a Sigstore bundle v0.1 to v0.3. Strict where the library is lenient: duplicate and unknown keys,
 * depth, base64, strings that are none, and members of which exactly one may be set; then the library's own
 * checks. Throws BUNDLE_MALFORMED.
 */
export function parseBundle(bytes: Uint8Array): Bundle {
  const json = parseStrictJson(bytes, {
    code: 'BUNDLE_MALFORMED',
    maxDepth: MAX_DEPTH,
    what: 'bundle',
  });
  const root = asObject(json);
  if (root === undefined) throw malformedBundle('not an object');
  checkMembers(root);
  checkShape(root);
  try {
    return bundleFromJSON(json);
  } catch (thrown) {
    const detail = thrown instanceof Error ? thrown.message : String(thrown);
    throw new VerificationError('BUNDLE_MALFORMED', `bundle: ${detail}`, { cause: thrown });
  }
}

/** The error for a bundle that is not what it should be. */
export function malformedBundle(detail: string): VerificationError {
  return new VerificationError('BUNDLE_MALFORMED', `bundle: ${detail}`);
}

function checkShape(root: Json): void {
  const { mediaType, verificationMaterial, dsseEnvelope, messageSignature } = root;
  if (typeof mediaType !== 'string' || !MEDIA_TYPE.test(mediaType))
    throw malformedBundle('mediaType is not that of v0.1 to v0.3');
  checkOneOf(root, CONTENTS);
  const material = asObject(verificationMaterial);
  if (material === undefined) throw malformedBundle('no verificationMaterial');
  checkOneOf(material, MATERIALS);
  checkMaterial(material);
  const envelope = asObject(dsseEnvelope);
  if (envelope !== undefined) checkEnvelope(envelope);
  const message = asObject(messageSignature);
  if (message !== undefined) checkMessage(message);
}

function checkOneOf(object: Json, members: readonly string[]): void {
  const set = members.filter((name) => object[name] !== undefined && object[name] !== null);
  const [only, ...more] = set;
  if (only === undefined || more.length > 0)
    throw malformedBundle(`exactly one of ${members.join(', ')} must be set`);
  if (asObject(object[only]) === undefined) throw malformedBundle(`${only} is not an object`);
}

function checkEnvelope({ payload, payloadType, signatures }: Json): void {
  checkBase64(payload, 'payload');
  if (typeof payloadType !== 'string') throw malformedBundle('payloadType is not a string');
  const [only, ...more] = Array.isArray(signatures) ? (signatures as unknown[]) : [];
  if (only === undefined || more.length > 0)
    throw malformedBundle('envelope does not hold exactly one signature');
  checkBase64(asObject(only)?.['sig'], 'sig');
}

function checkMessage({ messageDigest, signature }: Json): void {
  checkBase64(signature, 'signature');
  checkBase64(asObject(messageDigest)?.['digest'], 'digest');
}

function checkMaterial(material: Json): void {
  const { certificate, x509CertificateChain: chain, timestampVerificationData: stamps } = material;
  const alone = objectAt(certificate, 'certificate');
  if (alone !== undefined) checkBase64(alone['rawBytes'], 'rawBytes');
  for (const one of objectsAt(objectAt(chain, 'x509CertificateChain')?.['certificates']))
    checkBase64(one['rawBytes'], 'rawBytes');
  const stamped = objectAt(stamps, 'timestampVerificationData')?.['rfc3161Timestamps'];
  for (const one of objectsAt(stamped)) checkBase64(one['signedTimestamp'], 'signedTimestamp');
  for (const entry of objectsAt(material['tlogEntries'])) checkLogEntry(entry);
}

function checkLogEntry({ canonicalizedBody, logId, ...proofs }: Json): void {
  checkBase64(canonicalizedBody, 'canonicalizedBody');
  checkBase64(objectAt(logId, 'logId')?.['keyId'], 'keyId');
  const promise = objectAt(proofs['inclusionPromise'], 'inclusionPromise');
  if (promise !== undefined) checkBase64(promise['signedEntryTimestamp'], 'signedEntryTimestamp');
  const proof = objectAt(proofs['inclusionProof'], 'inclusionProof');
  if (proof === undefined) return;
  checkBase64(proof['rootHash'], 'rootHash');
  for (const hash of listAt(proof['hashes'], 'hashes')) checkBase64(hash, 'hashes');
}

/** An object, or nothing where JSON for protobuf says nothing. */
function objectAt(value: unknown, what: string): Json | undefined {
  if (value === undefined || value === null) return undefined;
  const object = asObject(value);
  if (object === undefined) throw malformedBundle(`${what} is not an object`);
  return object;
}

function listAt(value: unknown, what: string): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw malformedBundle(`${what} is not a list`);
  return value as readonly unknown[];
}

function objectsAt(value: unknown): readonly Json[] {
  return listAt(value, 'list in verificationMaterial').map((member) => {
    const object = asObject(member);
    if (object === undefined) throw malformedBundle('verificationMaterial lists a non-object');
    return object;
  });
}

function checkBase64(text: unknown, what: string): void {
  if (typeof text !== 'string') throw malformedBundle(`${what} is not a string`);
  decodeBase64(text, 'BUNDLE_MALFORMED', `bundle: ${what}`);
}

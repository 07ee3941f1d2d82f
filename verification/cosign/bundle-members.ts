// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { asObject } from '../encoding/index.ts';
import { VerificationError } from '../error.ts';

/** What stands at a place: `number` as JSON for protobuf has it, also as a text. */
type Shape = 'text' | 'number' | readonly [Shape] | Members;

interface Members {
  readonly [name: string]: Shape;
}

const BUNDLE: Members = {
  mediaType: 'text',
  verificationMaterial: {
    publicKey: { hint: 'text' },
    certificate: { rawBytes: 'text' },
    x509CertificateChain: { certificates: [{ rawBytes: 'text' }] },
    tlogEntries: [
      {
        logIndex: 'number',
        logId: { keyId: 'text' },
        kindVersion: { kind: 'text', version: 'text' },
        integratedTime: 'number',
        inclusionPromise: { signedEntryTimestamp: 'text' },
        inclusionProof: {
          logIndex: 'number',
          rootHash: 'text',
          treeSize: 'number',
          hashes: ['text'],
          checkpoint: { envelope: 'text' },
        },
        canonicalizedBody: 'text',
      },
    ],
    timestampVerificationData: { rfc3161Timestamps: [{ signedTimestamp: 'text' }] },
  },
  messageSignature: { messageDigest: { algorithm: 'number', digest: 'text' }, signature: 'text' },
  dsseEnvelope: {
    payload: 'text',
    payloadType: 'text',
    signatures: [{ sig: 'text', keyid: 'text' }],
  },
};

/**
 * Throws BUNDLE_MALFORMED where a bundle has a member that its format does not name, or one of another
 * type. Readers that know more members, or other spellings of these, would read something else than we
 * verify. What must be there is for others to say.
 */
export function checkMembers(bundle: unknown): void {
  check(bundle, BUNDLE, 'bundle');
}

function check(value: unknown, shape: Shape, name: string): void {
  // JSON for protobuf writes null for what is absent.
  if (value === undefined || value === null) return;
  if (shape === 'text' || shape === 'number') checkScalar(value, shape, name);
  else if (isList(shape)) checkList(value, shape[0], name);
  else checkObject(value, shape, name);
}

function checkScalar(value: unknown, shape: 'text' | 'number', name: string): void {
  if (typeof value === 'string' || (shape === 'number' && typeof value === 'number')) return;
  throw malformed(`${name} is not a ${shape === 'text' ? 'string' : shape}`);
}

function checkList(value: unknown, shape: Shape, name: string): void {
  if (!Array.isArray(value)) throw malformed(`${name} is not a list`);
  for (const item of value as readonly unknown[]) check(item, shape, name);
}

function checkObject(value: unknown, members: Members, name: string): void {
  const object = asObject(value);
  if (object === undefined) throw malformed(`${name} is not an object`);
  for (const [key, member] of Object.entries(object)) {
    const shape = Object.hasOwn(members, key) ? members[key] : undefined;
    if (shape === undefined) throw malformed(`${name} has a member that no version names`);
    check(member, shape, key);
  }
}

function isList(shape: Shape): shape is readonly [Shape] {
  return Array.isArray(shape);
}

function malformed(detail: string): VerificationError {
  return new VerificationError('BUNDLE_MALFORMED', `bundle: ${detail}`);
}

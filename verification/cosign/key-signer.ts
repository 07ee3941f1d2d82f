// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { preAuthEncoding } from '../attestation/pae.ts';
import type { KeyAuthority } from '../authority/index.ts';
import { VerificationError } from '../error.ts';
import { verifySignature, type TrustedKey } from '../trust/index.ts';
import type { SignedContent, SigningMaterial } from './entity.ts';
import type { CheckList, VerifiedSigner } from './fact.ts';
import type { ReadSignature } from './read.ts';
import { checkLogs, checkTimestamps, noTrust } from './trusted-time.ts';

/**
 * Verifies a signature with the keys of an authority, and what logs and timestamp authorities say of
 * it where the authority asks for that. Log entries that came along must be of this signature in any
 * case. Throws.
 */
export function verifyKeySigner(
  read: ReadSignature,
  authority: KeyAuthority,
  list: CheckList,
): VerifiedSigner {
  const { entity } = read;
  const key = list.run('signature', `verifies with a key of ${authority.name}`, () =>
    findKey(entity.content, entity.material, authority),
  );
  const trust = authority.trust ?? noTrust;
  const { times: tokens } = checkTimestamps(read, trust, list);
  // A certificate beside the signature proves nothing: logs that are asked for must know the key itself,
  // where whoever watches over it looks. Where none are, entries may be those of that certificate.
  const isOurs = authority.trust !== undefined || entity.material.kind === 'key';
  const recorded = isOurs ? key : undefined;
  const logged = checkLogs(read, { ...trust, tokenTimes: tokens, key: recorded }, list);
  const times = [...tokens, ...logged];
  checkWindow(authority, times, list);
  return {
    proof: { authority: authority.name, identity: key.fingerprint },
    claims: new Map(),
    times,
    // Where nobody vouches for the time of signing, the present takes its place.
    window: times.length === 0 ? authority.window : { from: -Infinity, until: Infinity },
    otherwise: 'KEY_EXPIRED',
  };
}

/** The bytes that a signature is made over. */
export function signedBytesOf(content: SignedContent): Buffer {
  return content.kind === 'message'
    ? content.message
    : preAuthEncoding(content.payloadType, content.payload);
}

function findKey(
  content: SignedContent,
  material: SigningMaterial,
  { name, keys }: KeyAuthority,
): TrustedKey {
  const bytes = signedBytesOf(content);
  const key = keys.find((k) => verifySignature(k, bytes, content.signature));
  if (key !== undefined) return key;
  // The hint only tells which error to report.
  const hint = material.kind === 'key' ? material.hint : undefined;
  const isOurs = keys.some(
    (k) => Buffer.from(k.fingerprint.slice('sha256:'.length), 'hex').toString('base64') === hint,
  );
  if (hint === undefined || isOurs)
    throw new VerificationError('SIGNATURE_INVALID', `signature does not verify with ${name}`);
  throw new VerificationError('KEY_UNTRUSTED', `signed with a key that ${name} does not hold`);
}

function checkWindow(
  { window, name }: KeyAuthority,
  times: readonly number[],
  list: CheckList,
): void {
  if (times.length === 0) return;
  list.run('key-window', 'was made while the key counts', () => {
    if (times.every((time) => time >= window.from && time <= window.until)) return;
    throw new VerificationError('KEY_EXPIRED', `signed while ${name} did not count`);
  });
}

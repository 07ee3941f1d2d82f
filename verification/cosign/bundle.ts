// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { createHash } from 'node:crypto';
import { bundleFromJSON, type Bundle } from '@sigstore/bundle';
import { dsse } from '@sigstore/core';
import { asObject, decodeBase64, parseStrictJson } from '../encoding/index.ts';
import { VerificationError } from '../error.ts';
import type { RawSignature } from '../ports.ts';
import { verifySignature, type TrustedKey } from '../trust/index.ts';
import { factOf, type CheckList, type SignatureFact } from './fact.ts';
import type { KeyCheck } from './simple-signing.ts';
import { parseStatement, type Statement } from './statement.ts';

const STATEMENT_PAYLOAD = 'application/vnd.in-toto+json';
const SIGNATURE_PREDICATE = 'https://sigstore.dev/cosign/sign/v1';
const MAX_DEPTH = 32;

/** A message signature is made over the manifest itself. */
export interface BundleCheck extends KeyCheck {
  readonly manifest: Uint8Array;
}

/**
 * Judges one Sigstore bundle (v0.1 to v0.3) for an authority that holds keys: a DSSE statement of
 * cosign's signature type about the image digest, or a message signature over the manifest. The key
 * hint only tells which error to report; a bundle for a certificate is refused.
 */
export function checkBundle(signature: RawSignature, against: BundleCheck): SignatureFact {
  return factOf((list) => {
    const bundle = list.run('bundle', 'bundle is well formed', () => parseBundle(signature.bytes));
    const material = bundle.verificationMaterial.content;
    const hint = list.run('material', 'bundle is signed with a key', () => {
      if (material.$case === 'publicKey') return material.publicKey.hint;
      throw new VerificationError('KEY_UNTRUSTED', `signed with a certificate, not with ${against.authority}`);
    });
    if (bundle.content.$case === 'messageSignature') return checkMessage(bundle, { list, against, hint });
    return checkEnvelope(bundle, { list, against, hint });
  });
}

interface Run {
  readonly list: CheckList;
  readonly against: BundleCheck;
  readonly hint: string;
}

function checkEnvelope(bundle: Bundle, { list, against, hint }: Run): SignatureFact {
  const { payload, signature } = list.run('envelope', 'envelope holds one signature over a statement', () => envelopeOf(bundle));
  const signer = list.run('signature', `verifies with a key of ${against.authority}`, () =>
    findKey(against, hint, { bytes: dsse.preAuthEncoding(STATEMENT_PAYLOAD, payload), signature }),
  );
  const statement = list.run('payload', 'payload is an in-toto statement', () => parseStatement(payload));
  if (statement.predicateType !== SIGNATURE_PREDICATE) return { outcome: 'not-a-signature', checks: list.checks };
  const annotations = list.run('payload-subject', 'statement names the digest of the image', () => subjectOf(statement, against));
  return signed(list, { authority: against.authority, key: signer, annotations });
}

function checkMessage(bundle: Bundle, { list, against, hint }: Run): SignatureFact {
  const message = list.run('message', 'message signature is over the manifest', () => {
    if (bundle.content.$case !== 'messageSignature') throw malformed('no message signature');
    const { messageSignature } = bundle.content;
    const digest = createHash('sha256').update(against.manifest).digest();
    if (!messageSignature.messageDigest.digest.equals(digest)) {
      throw new VerificationError('SUBJECT_MISMATCH', `signature by ${against.authority} is for another manifest`);
    }
    return messageSignature.signature;
  });
  const signer = list.run('signature', `verifies with a key of ${against.authority}`, () =>
    findKey(against, hint, { bytes: against.manifest, signature: message }),
  );
  return signed(list, { authority: against.authority, key: signer, annotations: new Map() });
}

function signed(
  list: CheckList,
  proof: { readonly authority: string; readonly key: TrustedKey; readonly annotations: ReadonlyMap<string, string> },
): SignatureFact {
  const signer = { authority: proof.authority, identity: proof.key.fingerprint };
  return { outcome: 'signed', signer, annotations: proof.annotations, checks: list.checks };
}

function findKey(
  against: BundleCheck,
  hint: string,
  message: { readonly bytes: Uint8Array; readonly signature: Uint8Array },
): TrustedKey {
  const key = against.keys.find((k) => verifySignature(k, message.bytes, message.signature));
  if (key !== undefined) return key;
  const ours = against.keys.some((k) => Buffer.from(k.fingerprint.slice('sha256:'.length), 'hex').toString('base64') === hint);
  if (ours) throw new VerificationError('SIGNATURE_INVALID', `signature does not verify with ${against.authority}`);
  throw new VerificationError('KEY_UNTRUSTED', `signed with a key that ${against.authority} does not hold`);
}

function subjectOf(statement: Statement, against: BundleCheck): ReadonlyMap<string, string> {
  const [algorithm, hex] = against.digest.split(':');
  const subject = statement.subjects.find((s) => s.digests.get(algorithm ?? '') === hex);
  if (subject === undefined) {
    const named = statement.subjects[0]?.digests.get('sha256') ?? '?';
    throw new VerificationError('SUBJECT_MISMATCH', `signature by ${against.authority} is for sha256:${named}`);
  }
  return subject.annotations;
}

function envelopeOf(bundle: Bundle): { readonly payload: Buffer; readonly signature: Buffer } {
  if (bundle.content.$case !== 'dsseEnvelope') throw malformed('no envelope');
  const { payloadType, payload, signatures } = bundle.content.dsseEnvelope;
  if (payloadType !== STATEMENT_PAYLOAD) throw new VerificationError('PAYLOAD_MALFORMED', 'payloadType is not that of a statement');
  const [only, ...more] = signatures;
  if (only === undefined || more.length > 0) throw malformed('envelope does not hold exactly one signature');
  return { payload, signature: only.sig };
}

/** Strict where the library is lenient: duplicate keys, depth, base64; then the library's own checks. */
function parseBundle(bytes: Uint8Array): Bundle {
  const json = parseStrictJson(bytes, { code: 'BUNDLE_MALFORMED', maxDepth: MAX_DEPTH, what: 'bundle' });
  checkBase64(json);
  try {
    return bundleFromJSON(json);
  } catch (thrown) {
    const detail = thrown instanceof Error ? thrown.message : String(thrown);
    throw new VerificationError('BUNDLE_MALFORMED', `bundle: ${detail}`, { cause: thrown });
  }
}

function checkBase64(json: unknown): void {
  const root = asObject(json);
  const envelope = asObject(root?.['dsseEnvelope']);
  const message = asObject(root?.['messageSignature']);
  const signatures = Array.isArray(envelope?.['signatures']) ? (envelope['signatures'] as unknown[]) : [];
  const texts = [
    envelope?.['payload'],
    ...signatures.map((s) => asObject(s)?.['sig']),
    message?.['signature'],
    asObject(message?.['messageDigest'])?.['digest'],
  ];
  for (const text of texts) {
    if (text === undefined) continue;
    if (typeof text !== 'string') throw malformed('a signature or payload is not a string');
    decodeBase64(text, 'BUNDLE_MALFORMED', 'bundle');
  }
}

function malformed(detail: string): VerificationError {
  return new VerificationError('BUNDLE_MALFORMED', `bundle: ${detail}`);
}

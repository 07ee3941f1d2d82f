// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { createHash } from 'node:crypto';
import type { MessageSignature, VerificationMaterial } from '@sigstore/bundle';
import { dsse } from '@sigstore/core';
import { HashAlgorithm, type Envelope } from '@sigstore/protobuf-specs';
import { parseStatement, type Statement } from '../attestation/index.ts';
import { toVerificationError, VerificationError } from '../error.ts';
import { matchesDigest } from '../image/index.ts';
import { DEFAULT_LIMITS } from '../limits.ts';
import type { RawSignature } from '../ports.ts';
import type { ReasonCode } from '../reasons.ts';
import { verifySignature, type TrustedKey } from '../trust/index.ts';
import { malformedBundle, parseBundle } from './bundle-json.ts';
import { factOf, type CheckList, type SignatureFact } from './fact.ts';
import type { KeyCheck } from './simple-signing.ts';

const STATEMENT_PAYLOAD = 'application/vnd.in-toto+json';
const SIGNATURE_PREDICATE = 'https://sigstore.dev/cosign/sign/v1';
/** Characters of a claimed predicate type that are shown. */
const MAX_SHOWN = 256;
/** Algorithms of a message digest; that of the signature is decided by the key. */
const MESSAGE_HASHES: ReadonlyMap<HashAlgorithm, string> = new Map([
  [HashAlgorithm.SHA2_256, 'sha256'],
  [HashAlgorithm.SHA2_384, 'sha384'],
  [HashAlgorithm.SHA2_512, 'sha512'],
]);

/** A message signature is made over the manifest itself. */
export interface BundleCheck extends KeyCheck {
  readonly manifest: Uint8Array;
}

/**
 * Judges one Sigstore bundle (v0.1 to v0.3) for an authority that holds keys: a DSSE statement of
 * cosign's signature type about the image digest, or a message signature over the manifest. The key
 * hint only tells which error to report; a bundle for a certificate is refused. Log entries and
 * timestamps in it are not looked at: nothing, no time either, is taken from them.
 *
 * A bundle larger than a signature may be is an attestation: it is passed over unread, so that parsing
 * large ones once an authority cannot hold up others.
 */
export function checkBundle(signature: RawSignature, against: BundleCheck): SignatureFact {
  return factOf((list) => {
    if (signature.bytes.byteLength > DEFAULT_LIMITS.signatureBytes)
      return attestation(list, 'larger than a signature may be', 'LIMIT_EXCEEDED');
    const { content, verificationMaterial } = list.run('bundle', 'bundle is well formed', () =>
      bundleOf(signature),
    );
    const run = { list, against, material: verificationMaterial.content };
    return content.$case === 'messageSignature'
      ? checkMessage(content.messageSignature, run)
      : checkEnvelope(content.dsseEnvelope, run);
  });
}

/** Who pushes to a repository may make bundles costly to read: each is read once, not once an authority. */
const bundleOf = readOnce((signature: RawSignature) => parseBundle(signature.bytes));
const statementOf = readOnce(({ payload }: Envelope) => readStatement(payload));

/** Answers, or throws, for an object what came of reading it the first time. */
function readOnce<K extends object, T>(read: (of: K) => T): (of: K) => T {
  const known = new WeakMap<K, () => T>();
  return (of) => {
    const again = known.get(of);
    if (again !== undefined) return again();
    try {
      const value = read(of);
      known.set(of, () => value);
      return value;
    } catch (thrown) {
      known.set(of, () => {
        throw thrown;
      });
      throw thrown;
    }
  };
}

interface Run {
  readonly list: CheckList;
  readonly against: BundleCheck;
  readonly material: VerificationMaterial['content'];
}

function checkEnvelope(envelope: Envelope, run: Run): SignatureFact {
  const { list, against } = run;
  const { payload } = envelope;
  const read = statementOf(envelope);
  if (isAttestation(read)) return attestation(list, read.predicateType);
  const hint = hintOf(run);
  list.run('envelope', 'envelope holds a statement', () => {
    if (envelope.payloadType === STATEMENT_PAYLOAD) return;
    throw new VerificationError('PAYLOAD_MALFORMED', 'payloadType is not that of a statement');
  });
  // parseBundle saw to it that there is exactly one; nothing verifies with an empty signature.
  const [{ sig } = { sig: Buffer.alloc(0) }] = envelope.signatures;
  const key = list.run('signature', `verifies with a key of ${against.authority}`, () =>
    findKey(against, hint, {
      bytes: dsse.preAuthEncoding(STATEMENT_PAYLOAD, payload),
      signature: sig,
    }),
  );
  const statement = list.run('payload', 'payload is an in-toto statement', () => {
    if (read instanceof VerificationError) throw read;
    return read;
  });
  const annotations = list.run('payload-subject', 'statement names the digest of the image', () =>
    subjectOf(statement, against),
  );
  return signed(list, { authority: against.authority, key, annotations });
}

/** The statement of a payload, or why it is none: that is told only once the signature is verified. */
function readStatement(payload: Uint8Array): Statement | VerificationError {
  try {
    return parseStatement(payload);
  } catch (thrown) {
    return toVerificationError(thrown);
  }
}

function isAttestation(read: Statement | VerificationError): read is Statement {
  return !(read instanceof VerificationError) && read.predicateType !== SIGNATURE_PREDICATE;
}

/** No signature, whoever made it. What a payload claims to be is good for that before it is verified, and for nothing else. */
function attestation(
  { checks }: CheckList,
  what: string,
  code: ReasonCode = 'PREDICATE_TYPE_MISMATCH',
): SignatureFact {
  const detail = `taken for an attestation: ${what.slice(0, MAX_SHOWN)}`;
  return {
    outcome: 'not-a-signature',
    checks: [...checks, { check: 'signature-kind', outcome: 'skipped', code, detail }],
  };
}

function hintOf({ list, material, against }: Run): string {
  return list.run('material', 'bundle is signed with a key', () => {
    if (material.$case === 'publicKey') return material.publicKey.hint;
    throw new VerificationError(
      'KEY_UNTRUSTED',
      `signed with a certificate, not with ${against.authority}`,
    );
  });
}

function checkMessage({ messageDigest, signature }: MessageSignature, run: Run): SignatureFact {
  const { list, against } = run;
  const { manifest } = against;
  const hint = hintOf(run);
  list.run('message', 'message signature is over the manifest', () => {
    if (!matchesDigest(against.digest, manifest))
      throw new VerificationError('DIGEST_MISMATCH', 'manifest is not of the digest');
    const algorithm = MESSAGE_HASHES.get(messageDigest.algorithm);
    if (algorithm === undefined) throw malformedBundle('algorithm of messageDigest is not known');
    if (messageDigest.digest.equals(createHash(algorithm).update(manifest).digest())) return;
    throw new VerificationError('SUBJECT_MISMATCH', 'signature is said to be for another manifest');
  });
  const key = list.run('signature', `verifies with a key of ${against.authority}`, () =>
    findKey(against, hint, { bytes: manifest, signature }),
  );
  return signed(list, { authority: against.authority, key, annotations: new Map() });
}

function signed(
  list: CheckList,
  proof: {
    readonly authority: string;
    readonly key: TrustedKey;
    readonly annotations: ReadonlyMap<string, string>;
  },
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
  const ours = against.keys.some(
    (k) => Buffer.from(k.fingerprint.slice('sha256:'.length), 'hex').toString('base64') === hint,
  );
  if (ours)
    throw new VerificationError(
      'SIGNATURE_INVALID',
      `signature does not verify with ${against.authority}`,
    );
  throw new VerificationError(
    'KEY_UNTRUSTED',
    `signed with a key that ${against.authority} does not hold`,
  );
}

function subjectOf(statement: Statement, against: BundleCheck): ReadonlyMap<string, string> {
  const [algorithm = '', hex] = against.digest.split(':');
  const subject = statement.subjects.find((s) => s.digests.get(algorithm) === hex);
  if (subject === undefined) {
    const named = statement.subjects
      .slice(0, 1)
      .flatMap((s) => [...s.digests].map((entry) => entry.join(':')));
    throw new VerificationError(
      'SUBJECT_MISMATCH',
      `signature by ${against.authority} is for ${named.join(', ')}`,
    );
  }
  return subject.annotations;
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { createHash } from 'node:crypto';
import type { Statement } from '../attestation/index.ts';
import type { CompiledAuthority } from '../authority/index.ts';
import { toVerificationError, VerificationError } from '../error.ts';
import { matchesDigest } from '../image/index.ts';
import { DEFAULT_LIMITS } from '../limits.ts';
import type { Evidence, RawSignature } from '../ports.ts';
import type { ReasonCode } from '../reasons.ts';
import { verifyKeylessSigner, verifyPkiSigner } from './certificate-signer.ts';
import {
  factOf,
  type AttestationFact,
  type CheckList,
  type SignatureFact,
  type VerifiedSigner,
} from './fact.ts';
import { verifyKeySigner } from './key-signer.ts';
import { readBundle } from './read-bundle.ts';
import { readEnvelopeLayer, readSimpleSigning } from './read-layer.ts';
import type { Claim, ReadSignature } from './read.ts';
import { subjectOfPayload, subjectOfStatement, type SignedSubject } from './subject.ts';

const STATEMENT_PAYLOAD = 'application/vnd.in-toto+json';
const SIGNATURE_PREDICATE = 'https://sigstore.dev/cosign/sign/v1';
/** Characters of a claimed predicate type that are shown. */
const MAX_SHOWN = 256;

/**
 * Judges one piece of evidence as a signature for one authority: a simple signing payload, a statement
 * of cosign's signature type, or a signature over the manifest itself. Any other statement is an
 * attestation, hence no signature, whoever made it. Total and synchronous.
 *
 * The order of the checks is the same for every format: it is well formed, it verifies, trusted parties
 * vouch for its time, its signer is the one that is wanted, and then what it says.
 *
 * A bundle larger than a signature may be is an attestation: it is passed over unread, so that parsing
 * large ones once an authority cannot hold up others.
 */
export function checkSignature(
  signature: RawSignature,
  evidence: Evidence,
  authority: CompiledAuthority,
): SignatureFact {
  return factOf<SignatureFact>((list) => {
    if (signature.format === 'dsse')
      return noSignature(list, 'an envelope in a tag of attestations');
    if (!canBeSignature(signature))
      return noSignature(list, 'larger than a signature may be', 'LIMIT_EXCEEDED');
    const read = readWith(list, signature, evidence);
    // What a payload claims to be is good for this before it is verified, and for nothing else.
    const claimed = claimedTypeOf(read.claim);
    if (claimed !== undefined && claimed !== SIGNATURE_PREDICATE) return noSignature(list, claimed);
    // Of a manifest, what is stated comes first: it tells a foreign signature from a broken one.
    const stated =
      read.claim.kind === 'manifest' ? checkSubject(read.claim, evidence, list) : undefined;
    const signer = verifySigner(read, authority, list);
    const { annotations } = stated ?? checkSubject(read.claim, evidence, list);
    return { outcome: 'signed', signer, annotations, checks: list.checks };
  });
}

/** False for what `checkSignature` passes over unread. */
export function canBeSignature({ format, bytes }: RawSignature): boolean {
  if (format === 'bundle') return bytes.byteLength <= DEFAULT_LIMITS.signatureBytes;
  return format !== 'dsse';
}

/** An attestation whose signer and subject were verified, with what it says. */
export interface VerifiedAttestation {
  readonly signer: VerifiedSigner;
  readonly statement: Statement;
}

/**
 * Judges one piece of evidence as an attestation of a type for one authority: the same checks in the
 * same order. `accept` then looks at what it says, and throws where that is not enough.
 */
export function checkAttestation(
  signature: RawSignature,
  evidence: Evidence,
  asked: {
    readonly authority: CompiledAuthority;
    readonly predicateType: string;
    readonly accept: (attestation: VerifiedAttestation, list: CheckList) => void;
  },
): AttestationFact {
  return factOf<AttestationFact>((list) => {
    if (signature.format === 'simple-signing') return otherType(list, undefined);
    const read = readWith(list, signature, evidence);
    if (read.claim.kind !== 'statement') return otherType(list, undefined);
    const claimed = claimedTypeOf(read.claim);
    if (claimed === SIGNATURE_PREDICATE && claimed !== asked.predicateType)
      return otherType(list, undefined);
    if (claimed !== undefined && claimed !== asked.predicateType) return otherType(list, claimed);
    const signer = verifySigner(read, asked.authority, list);
    const statement = readStatement(read.claim, list);
    list.run('payload-subject', 'statement names the digest of the image', () =>
      subjectOfStatement(statement, evidence.digest),
    );
    asked.accept({ signer, statement }, list);
    return { outcome: 'attested', signer, checks: list.checks };
  });
}

function readWith(list: CheckList, signature: RawSignature, evidence: Evidence): ReadSignature {
  return list.run('encoding', `${signature.format} is well formed`, () => {
    switch (signature.format) {
      case 'simple-signing':
        return readSimpleSigning(signature);
      case 'dsse':
        return readEnvelopeLayer(signature);
      case 'bundle':
        return readBundle(signature, evidence);
    }
  });
}

function verifySigner(
  read: ReadSignature,
  authority: CompiledAuthority,
  list: CheckList,
): VerifiedSigner {
  switch (authority.kind) {
    case 'key':
      return verifyKeySigner(read, authority, list);
    case 'keyless':
      return verifyKeylessSigner(read, authority, list);
    case 'certificate':
      return verifyPkiSigner(read, authority, list);
  }
}

/** The type that a payload says it is of; `undefined` where it is no statement or cannot be read. */
function claimedTypeOf(claim: Claim): string | undefined {
  if (claim.kind !== 'statement') return undefined;
  try {
    return claim.statement().predicateType;
  } catch (thrown) {
    // Told once the signature is verified, except where it is a fault of our own.
    if (toVerificationError(thrown).code === 'INTERNAL') throw thrown;
    return undefined;
  }
}

function checkSubject(claim: Claim, evidence: Evidence, list: CheckList): SignedSubject {
  switch (claim.kind) {
    case 'simple-signing':
      return list.run('payload-subject', 'payload names the digest of the image', () =>
        subjectOfPayload(claim.payload, evidence.digest),
      );
    case 'statement': {
      const statement = readStatement(claim, list);
      return list.run('payload-subject', 'statement names the digest of the image', () =>
        subjectOfStatement(statement, evidence.digest),
      );
    }
    case 'manifest':
      return list.run('payload-subject', 'signature is over the manifest of the image', () =>
        subjectOfManifest(claim, evidence),
      );
  }
}

function readStatement(
  { payloadType, statement }: Extract<Claim, { kind: 'statement' }>,
  list: CheckList,
): Statement {
  return list.run('payload', 'payload is an in-toto statement', () => {
    if (payloadType === STATEMENT_PAYLOAD) return statement();
    throw new VerificationError('PAYLOAD_MALFORMED', 'payloadType is not that of a statement');
  });
}

/** The signature has to verify over the bytes of the manifest, and what the bundle states must agree. */
function subjectOfManifest(
  { algorithm, stated }: Extract<Claim, { kind: 'manifest' }>,
  { digest, manifest }: Evidence,
): SignedSubject {
  if (!matchesDigest(digest, manifest.bytes))
    throw new VerificationError('DIGEST_MISMATCH', 'manifest is not of the digest');
  if (stated.equals(createHash(algorithm).update(manifest.bytes).digest()))
    return { annotations: new Map() };
  throw new VerificationError('SUBJECT_MISMATCH', 'signature is said to be for another manifest');
}

function noSignature(
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

function otherType({ checks }: CheckList, claimed: string | undefined): AttestationFact {
  const code = claimed === undefined ? 'ATTESTATION_MISSING' : 'PREDICATE_TYPE_MISMATCH';
  const shown = claimed?.slice(0, MAX_SHOWN);
  const detail = shown === undefined ? 'is no attestation' : `is an attestation of ${shown}`;
  return {
    outcome: 'of-another-type',
    ...(shown === undefined ? {} : { predicateType: shown }),
    checks: [...checks, { check: 'predicate-type', outcome: 'skipped', code, detail }],
  };
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { asObject, decodeBase64, parseStrictJson } from '../encoding/index.ts';
import { VerificationError } from '../error.ts';
import type { Digest } from '../image/index.ts';
import type { RawSignature } from '../ports.ts';
import { verifySignature, type TrustedKey } from '../trust/index.ts';
import { factOf, type SignatureFact } from './fact.ts';

const SIGNATURE_ANNOTATION = 'dev.cosignproject.cosign/signature';
const PAYLOAD_TYPE = 'cosign container image signature';
const MAX_DEPTH = 16;

/** What the checks need to know besides the evidence. */
export interface KeyCheck {
  readonly authority: string;
  readonly keys: readonly TrustedKey[];
  /** Digest of the image, of bytes that we hashed ourselves. */
  readonly digest: Digest;
}

/**
 * Judges one layer of a cosign `.sig` image (cosign SIGNATURE_SPEC): the signature annotation over
 * the layer bytes by one of the keys, then the payload's type and digest. Certificates, chains and
 * log bundles in annotations are not trusted and not needed for a key.
 */
export function checkSimpleSigning(signature: RawSignature, against: KeyCheck): SignatureFact {
  return factOf((list) => {
    const bytes = list.run('signature-encoding', 'signature is standard base64', () =>
      signatureBytes(signature),
    );
    const signer = list.run('signature', `verifies with a key of ${against.authority}`, () => {
      const key = against.keys.find((k) => verifySignature(k, signature.bytes, bytes));
      if (key === undefined) {
        throw new VerificationError(
          'SIGNATURE_INVALID',
          `signature does not verify with ${against.authority}`,
        );
      }
      return key;
    });
    const payload = list.run('payload', 'payload is a simple signing payload', () =>
      parsePayload(signature.bytes),
    );
    list.run('payload-subject', 'payload names the digest of the image', () => {
      if (payload.digest !== against.digest) {
        throw new VerificationError(
          'SUBJECT_MISMATCH',
          `signature by ${against.authority} is for ${payload.digest}`,
        );
      }
    });
    return {
      outcome: 'signed',
      signer: { authority: against.authority, identity: signer.fingerprint },
      annotations: payload.annotations,
      checks: list.checks,
    };
  });
}

function signatureBytes(signature: RawSignature): Buffer {
  const text = signature.annotations[SIGNATURE_ANNOTATION];
  if (text === undefined || text === '') {
    throw new VerificationError(
      'BUNDLE_MALFORMED',
      `layer has no annotation ${SIGNATURE_ANNOTATION}`,
    );
  }
  // Old signers wrapped the base64 at 64 characters.
  return decodeBase64(text.replaceAll(/\r?\n/g, ''), 'BUNDLE_MALFORMED', 'signature annotation');
}

interface Payload {
  readonly digest: string;
  readonly annotations: ReadonlyMap<string, string>;
}

function parsePayload(bytes: Uint8Array): Payload {
  const root = asObject(
    parseStrictJson(bytes, { code: 'PAYLOAD_MALFORMED', maxDepth: MAX_DEPTH, what: 'payload' }),
  );
  const critical = asObject(root?.['critical']);
  const image = asObject(critical?.['image']);
  const digest = image?.['docker-manifest-digest'];
  if (critical?.['type'] !== PAYLOAD_TYPE)
    throw malformed(`critical.type is not "${PAYLOAD_TYPE}"`);
  if (typeof digest !== 'string')
    throw malformed('critical.image.docker-manifest-digest is not a string');
  const optional = root?.['optional'] ?? {};
  const entries = asObject(optional);
  if (entries === undefined) throw malformed('optional is not an object');
  const annotations = Object.entries(entries).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  );
  return { digest, annotations: new Map(annotations) };
}

function malformed(detail: string): VerificationError {
  return new VerificationError('PAYLOAD_MALFORMED', `payload: ${detail}`);
}

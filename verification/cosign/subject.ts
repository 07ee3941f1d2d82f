// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Statement } from '../attestation/index.ts';
import { asObject, parseStrictJson } from '../encoding/index.ts';
import { VerificationError } from '../error.ts';
import type { Digest } from '../image/index.ts';

const PAYLOAD_TYPE = 'cosign container image signature';
const MAX_DEPTH = 16;

/** What a signed payload says about an image. */
export interface SignedSubject {
  readonly annotations: ReadonlyMap<string, string>;
}

/**
 * Holds a simple signing payload (cosign SIGNATURE_SPEC) to the digest of the image. Throws
 * PAYLOAD_MALFORMED or SUBJECT_MISMATCH.
 */
export function subjectOfPayload(payload: Uint8Array, digest: Digest): SignedSubject {
  const root = asObject(
    parseStrictJson(payload, { code: 'PAYLOAD_MALFORMED', maxDepth: MAX_DEPTH, what: 'payload' }),
  );
  const named = digestOf(asObject(root?.['critical']) ?? {});
  const annotations = annotationsOf(root?.['optional']);
  if (named !== digest) throw mismatch(named);
  return { annotations };
}

function annotationsOf(optional: unknown): ReadonlyMap<string, string> {
  const entries = asObject(optional ?? {});
  if (entries === undefined) throw malformed('optional is not an object');
  return new Map(
    Object.entries(entries).filter(
      (entry): entry is [string, string] => typeof entry[1] === 'string',
    ),
  );
}

function digestOf({ type, image }: Readonly<Record<string, unknown>>): string {
  if (type !== PAYLOAD_TYPE) throw malformed(`critical.type is not "${PAYLOAD_TYPE}"`);
  const named = asObject(image)?.['docker-manifest-digest'];
  if (typeof named === 'string') return named;
  throw malformed('critical.image.docker-manifest-digest is not a string');
}

/** Holds a statement to the digest of the image: one of its subjects must have it. Throws SUBJECT_MISMATCH. */
export function subjectOfStatement(statement: Statement, digest: Digest): SignedSubject {
  const [algorithm = '', hex] = digest.split(':');
  const subject = statement.subjects.find((s) => s.digests.get(algorithm) === hex);
  if (subject !== undefined) return { annotations: subject.annotations };
  const named = statement.subjects
    .slice(0, 1)
    .flatMap((s) => [...s.digests].map((entry) => entry.join(':')));
  throw mismatch(named.join(', '));
}

function mismatch(named: string): VerificationError {
  return new VerificationError('SUBJECT_MISMATCH', `is for ${named}`);
}

function malformed(detail: string): VerificationError {
  return new VerificationError('PAYLOAD_MALFORMED', `payload: ${detail}`);
}

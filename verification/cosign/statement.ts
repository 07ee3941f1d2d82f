// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { asObject, parseStrictJson } from '../encoding/index.ts';
import { VerificationError } from '../error.ts';

const STATEMENT_TYPES: readonly unknown[] = [
  'https://in-toto.io/Statement/v0.1',
  'https://in-toto.io/Statement/v1',
];
const MAX_SUBJECTS = 1024;
const MAX_DIGESTS = 32;
const MAX_DEPTH = 64;

/** One subject of a statement: digests by algorithm, annotations as cosign writes them. */
export interface Subject {
  readonly digests: ReadonlyMap<string, string>;
  readonly annotations: ReadonlyMap<string, string>;
}

/** A signed in-toto statement, read from the payload alone. */
export interface Statement {
  readonly predicateType: string;
  readonly subjects: readonly Subject[];
}

/**
 * Reads an in-toto statement v0.1 or v1. Throws PAYLOAD_MALFORMED for anything else, for no subject and
 * for a subject without a digest; LIMIT_EXCEEDED for more than 1,024 subjects or 32 digests of one.
 */
export function parseStatement(bytes: Uint8Array): Statement {
  const root = asObject(
    parseStrictJson(bytes, { code: 'PAYLOAD_MALFORMED', maxDepth: MAX_DEPTH, what: 'statement' }),
  );
  if (!STATEMENT_TYPES.includes(root?.['_type']))
    throw malformed('_type is not that of an in-toto statement');
  const predicateType = root?.['predicateType'];
  if (typeof predicateType !== 'string' || predicateType === '')
    throw malformed('predicateType is not a string');
  const subjects = root?.['subject'];
  if (!Array.isArray(subjects) || subjects.length === 0) throw malformed('has no subject');
  if (subjects.length > MAX_SUBJECTS) throw tooMany(`${MAX_SUBJECTS.toString()} subjects`);
  return { predicateType, subjects: subjects.map(parseSubject) };
}

function parseSubject(value: unknown, index: number): Subject {
  const subject = asObject(value);
  const digests = strings(subject?.['digest']);
  if (digests.size === 0) throw malformed(`subject[${index.toString()}] has no digest`);
  if (digests.size > MAX_DIGESTS)
    throw tooMany(`${MAX_DIGESTS.toString()} digests of subject[${index.toString()}]`);
  return { digests, annotations: strings(subject?.['annotations']) };
}

/** The string members of an object; empty for anything else. */
function strings(value: unknown): ReadonlyMap<string, string> {
  const entries = Object.entries(asObject(value) ?? {});
  return new Map(
    entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

function tooMany(what: string): VerificationError {
  return new VerificationError('LIMIT_EXCEEDED', `statement: has more than ${what}`);
}

function malformed(detail: string): VerificationError {
  return new VerificationError('PAYLOAD_MALFORMED', `statement: ${detail}`);
}

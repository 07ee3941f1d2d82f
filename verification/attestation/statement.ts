// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { asObject, parseStrictJson } from '../encoding/index.ts';
import { VerificationError } from '../error.ts';
import { DEFAULT_LIMITS } from '../limits.ts';

const STATEMENT_TYPES: readonly unknown[] = [
  'https://in-toto.io/Statement/v0.1',
  'https://in-toto.io/Statement/v1',
];
const MAX_SUBJECTS = 1024;
const MAX_DIGESTS = 32;

/** One subject of a statement: digests by algorithm, annotations as cosign writes them. */
export interface Subject {
  readonly digests: ReadonlyMap<string, string>;
  readonly annotations: ReadonlyMap<string, string>;
}

/** A signed in-toto statement, read from the payload alone. */
export interface Statement {
  readonly predicateType: string;
  readonly subjects: readonly Subject[];
  /** The predicate as parsed JSON: an object, or null where the statement has none. */
  readonly predicate: Readonly<Record<string, unknown>> | null;
  /** The whole statement as parsed JSON, as it was signed. */
  readonly json: Readonly<Record<string, unknown>>;
}

/**
 * Reads an in-toto statement v0.1 or v1. Throws PAYLOAD_MALFORMED for anything else, for no subject, for
 * a subject without a digest and for a predicate that is not an object; LIMIT_EXCEEDED for more than
 * 1,024 subjects or 32 digests of one. A predicate that is a text of JSON, as old cosign wrote it, is
 * read as strictly as the statement itself; `json` keeps the text.
 */
export function parseStatement(bytes: Uint8Array): Statement {
  const json = asObject(parseJson(bytes, 'statement'));
  if (json === undefined || !STATEMENT_TYPES.includes(member(json, '_type')))
    throw malformed('_type is not that of an in-toto statement');
  const predicateType = member(json, 'predicateType');
  if (typeof predicateType !== 'string' || predicateType === '')
    throw malformed('predicateType is not a string');
  const subjects = member(json, 'subject');
  if (!Array.isArray(subjects) || subjects.length === 0) throw malformed('has no subject');
  if (subjects.length > MAX_SUBJECTS) throw tooMany(`${MAX_SUBJECTS.toString()} subjects`);
  return {
    predicateType,
    subjects: subjects.map(parseSubject),
    predicate: parsePredicate(member(json, 'predicate')),
    json,
  };
}

function parsePredicate(value: unknown): Statement['predicate'] {
  if (value === undefined || value === null) return null;
  const read =
    typeof value === 'string' ? parseJson(Buffer.from(value), 'statement: predicate') : value;
  const predicate = asObject(read);
  if (predicate === undefined) throw malformed('predicate is not an object');
  return predicate;
}

function parseSubject(value: unknown, index: number): Subject {
  const subject = asObject(value) ?? {};
  const digests = strings(member(subject, 'digest'));
  if (digests.size === 0) throw malformed(`subject[${index.toString()}] has no digest`);
  if (digests.size > MAX_DIGESTS)
    throw tooMany(`${MAX_DIGESTS.toString()} digests of subject[${index.toString()}]`);
  return { digests, annotations: strings(member(subject, 'annotations')) };
}

/** The string members of an object; empty for anything else. */
function strings(value: unknown): ReadonlyMap<string, string> {
  const entries = Object.entries(asObject(value) ?? {});
  return new Map(
    entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

function member(object: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

function parseJson(bytes: Uint8Array, what: string): unknown {
  return parseStrictJson(bytes, {
    code: 'PAYLOAD_MALFORMED',
    maxDepth: DEFAULT_LIMITS.jsonDepth,
    what,
  });
}

function tooMany(what: string): VerificationError {
  return new VerificationError('LIMIT_EXCEEDED', `statement: has more than ${what}`);
}

function malformed(detail: string): VerificationError {
  return new VerificationError('PAYLOAD_MALFORMED', `statement: ${detail}`);
}

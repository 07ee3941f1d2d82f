// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { LRUCache } from 'lru-cache';
import { RE2JS } from 're2js';
import { VerificationError } from './error.ts';

/** Characters of a pattern. */
const MAX_PATTERN = 1024;
/** Instructions of a compiled pattern: `\pL{1000}` fifty times over takes a minute for 100 kB of text. */
const MAX_PROGRAM = 4096;
/** Instructions of all patterns that are kept. */
const MAX_KEPT = 500_000;

const compiled = new LRUCache<string, RE2JS>({
  maxSize: MAX_KEPT,
  sizeCalculation: (pattern) => pattern.programSize() + 1,
});

/**
 * A regular expression of RE2's syntax, as Go reads it, that finds its match anywhere in a text. Throws
 * POLICY_INVALID where it does not compile or is too large.
 */
export function compileRe2(pattern: string): RE2JS {
  const known = compiled.get(pattern);
  if (known !== undefined) return known;
  if (pattern.length > MAX_PATTERN)
    throw invalid(`a pattern is longer than ${MAX_PATTERN.toString()} characters`);
  let regex: RE2JS;
  try {
    regex = RE2JS.compile(pattern);
  } catch (thrown) {
    const detail = thrown instanceof Error ? thrown.message : String(thrown);
    throw invalid(`a pattern is not a regular expression of RE2: ${detail}`, thrown);
  }
  if (regex.programSize() > MAX_PROGRAM)
    throw invalid('a pattern repeats too much: it compiles to too large a program');
  compiled.set(pattern, regex);
  return regex;
}

function invalid(detail: string, cause?: unknown): VerificationError {
  return new VerificationError('POLICY_INVALID', detail, { cause });
}

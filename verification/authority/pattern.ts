// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { compileRe2 } from '../re2.ts';

/** Characters of a text that is matched. */
const MAX_TEXT = 4096;

/** Says whether a text is what was asked for. */
export type TextMatcher = (text: string) => boolean;

/** Matches one text, exactly. */
export function exactly(wanted: string): TextMatcher {
  return (text) => text === wanted;
}

/**
 * Compiles a regular expression of RE2's syntax that the *whole* text must match, whatever anchors it
 * holds (X9). Throws POLICY_INVALID where it does not compile or is too large. A text beyond 4,096
 * characters matches nothing.
 */
export function compilePattern(pattern: string): TextMatcher {
  const compiled = compileRe2(pattern);
  return (text) => text.length <= MAX_TEXT && compiled.matches(text);
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { VerificationError } from '../error.ts';
import type { ReasonCode } from '../reasons.ts';

/** Characters of a key that a message shows. */
const SHOWN_CHARS = 64;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** What went wrong is told with this code, so that callers name their own kind of malformed. */
interface StrictJsonOptions {
  readonly code: ReasonCode;
  /** Deepest nesting that is accepted. */
  readonly maxDepth: number;
  /** What is parsed, for the message. */
  readonly what: string;
}

/**
 * Parses JSON that an attacker may have written, refusing what different parsers read differently:
 * invalid UTF-8, a byte order mark, keys that repeat within an object (also where they differ only
 * in case, since Go folds case), `__proto__` as a key, and nesting beyond `maxDepth`.
 *
 * Throws a VerificationError with the given code.
 */
export function parseStrictJson(bytes: Uint8Array, options: StrictJsonOptions): unknown {
  const refuse = (detail: string, cause?: unknown): never => {
    throw new VerificationError(options.code, `${options.what}: ${detail}`, { cause });
  };
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch (thrown) {
    return refuse('not UTF-8', thrown);
  }
  const problem = scan(text, options.maxDepth);
  if (problem !== undefined) return refuse(problem);
  try {
    return JSON.parse(text) as unknown;
  } catch (thrown) {
    return refuse('not JSON', thrown);
  }
}

/** State of one open bracket: the folded keys of an object, or nothing for an array. */
type Frame = Set<string> | undefined;

/** Walks the text once; answers the first problem. Grammar itself is left to JSON.parse. */
function scan(text: string, maxDepth: number): string | undefined {
  const stack: Frame[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at];
    if (char === '{' || char === '[') {
      if (stack.length >= maxDepth) return `nested deeper than ${maxDepth.toString()}`;
      stack.push(char === '{' ? new Set() : undefined);
    } else if (char === '}' || char === ']') {
      stack.pop();
    } else if (char === '"') {
      const end = endOfString(text, at);
      const problem = checkKey(text, { at, end }, stack.at(-1));
      if (problem !== undefined) return problem;
      at = end;
    }
  }
  return undefined;
}

/** Index of the closing quote of the string that opens at `at`; the last index where there is none. */
function endOfString(text: string, at: number): number {
  for (let i = at + 1; i < text.length; i += 1) {
    if (text[i] === '\\') i += 1;
    else if (text[i] === '"') return i;
  }
  return text.length - 1;
}

function checkKey(
  text: string,
  span: { readonly at: number; readonly end: number },
  frame: Frame,
): string | undefined {
  if (frame === undefined) return undefined;
  let next = span.end + 1;
  while (next < text.length && ' \t\r\n'.includes(text.charAt(next))) next += 1;
  if (text[next] !== ':') return undefined;
  let key: string;
  try {
    key = JSON.parse(text.slice(span.at, span.end + 1)) as string;
  } catch {
    return 'not JSON';
  }
  const folded = fold(key);
  if (folded === '__proto__') return 'key __proto__';
  if (frame.has(folded)) return `key ${JSON.stringify(key.slice(0, SHOWN_CHARS))} repeats`;
  frame.add(folded);
  return undefined;
}

/** As Go folds keys: the long s and the Kelvin sign are letters of ASCII to it. */
function fold(key: string): string {
  return key.toLowerCase().replaceAll('\u017f', 's');
}

/** A plain object as parsed from JSON; `undefined` for anything else. */
export function asObject(value: unknown): Readonly<Record<string, unknown>> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return value as Readonly<Record<string, unknown>>;
}

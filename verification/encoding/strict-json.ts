// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { VerificationError } from '../error.ts';
import type { ReasonCode } from '../reasons.ts';

/** Characters of a key that a message shows. */
const SHOWN_CHARS = 64;
/**
 * Objects and arrays, and different keys, of one text. A parser takes memory for each, many times the three
 * bytes that `{},` has, and a process does not survive a parser that finds none left. A bill of materials
 * of 32 MiB has some 300,000 objects with 100 different keys.
 */
const MAX_BRACKETS = 500_000;
const MAX_KEYS = 200_000;
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
 * Throws a VerificationError with the given code, and LIMIT_EXCEEDED for more objects and arrays than
 * 500,000, or different keys than 200,000.
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
  const problem = scan(text, options);
  if (problem !== undefined) return refuse(problem);
  try {
    return JSON.parse(text) as unknown;
  } catch (thrown) {
    return refuse('not JSON', thrown);
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
/** Where the keys of an array would start: it has none. */
const ARRAY = -1;

/** Walks the text once; answers the first problem. Grammar itself is left to JSON.parse. */
function scan(text: string, { maxDepth, what }: StrictJsonOptions): string | undefined {
  const keys = new KeyLedger(text, what);
  const { length } = text;
  for (let at = 0; at < length; at += 1) {
    const char = text.charCodeAt(at);
    let problem: string | undefined;
    if (char === QUOTE) {
      const end = endOfString(text, at);
      problem = keys.visit(at, end);
      at = end;
    } else if (char === OPEN_OBJECT || char === OPEN_ARRAY) {
      if (keys.depth >= maxDepth) return `nested deeper than ${maxDepth.toString()}`;
      keys.open(char === OPEN_OBJECT);
    } else if (char === CLOSE_OBJECT || char === CLOSE_ARRAY) {
      problem = keys.close();
    }
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** Index of the closing quote of the string that opens at `at`; the last index where there is none. */
function endOfString(text: string, at: number): number {
  for (let end = text.indexOf('"', at + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let before = end - 1;
    while (before > at && text.charCodeAt(before) === BACKSLASH) before -= 1;
    if ((end - before) % 2 === 1) return end;
  }
  return text.length - 1;
}

/**
 * The keys of all objects that are open. Keys that fold into one share a number, and the numbers of an
 * object are looked through when it closes: an SBOM has a hundred thousand keys, but few different ones.
 */
class KeyLedger {
  readonly #text: string;
  /** Numbers by the raw text of a key and by its folded form, which starts with another character. */
  readonly #numbers = new Map<string, number>();
  /** The object, counted as they close, that held a number last. */
  readonly #holder: number[] = [];
  /** Where in `#open` the keys of each open bracket start. */
  readonly #starts: number[] = [];
  readonly #open: number[] = [];
  readonly #what: string;
  #opened = 0;
  #closed = 0;

  constructor(text: string, what: string) {
    this.#text = text;
    this.#what = what;
  }

  get depth(): number {
    return this.#starts.length;
  }

  open(isObject: boolean): void {
    this.#opened += 1;
    if (this.#opened > MAX_BRACKETS) throw this.#tooMany(MAX_BRACKETS, 'objects and arrays');
    this.#starts.push(isObject ? this.#open.length : ARRAY);
  }

  /** Ends an object or array; answers that a key repeats. */
  close(): string | undefined {
    const start = this.#starts.pop() ?? ARRAY;
    if (start === ARRAY) return undefined;
    this.#closed += 1;
    for (let i = start; i < this.#open.length; i += 1) {
      const number = this.#open[i] ?? 0;
      if (this.#holder[number] === this.#closed) return this.#repeats(number);
      this.#holder[number] = this.#closed;
    }
    this.#open.length = start;
    return undefined;
  }

  /** Takes note of the string from quote to quote where it is a key; answers that it must not be one. */
  visit(at: number, end: number): string | undefined {
    const start = this.#starts.at(-1) ?? ARRAY;
    if (start === ARRAY || !this.#isFollowedByColon(end)) return undefined;
    const raw = this.#text.slice(at, end + 1);
    let number = this.#numbers.get(raw);
    if (number === undefined) {
      let key: string;
      try {
        key = JSON.parse(raw) as string;
      } catch {
        return 'not JSON';
      }
      const folded = fold(key);
      if (folded === '__proto__') return 'key __proto__';
      number = this.#numbers.get(`:${folded}`) ?? this.#numbers.size;
      if (this.#numbers.size >= 2 * MAX_KEYS) throw this.#tooMany(MAX_KEYS, 'different keys');
      this.#numbers.set(`:${folded}`, number);
      this.#numbers.set(raw, number);
    }
    this.#open.push(number);
    return undefined;
  }

  #tooMany(limit: number, of: string): VerificationError {
    const detail = `${this.#what}: more than ${limit.toString()} ${of}`;
    return new VerificationError('LIMIT_EXCEEDED', detail);
  }

  #isFollowedByColon(end: number): boolean {
    let next = end + 1;
    while (isSpace(this.#text.charCodeAt(next))) next += 1;
    return this.#text.charCodeAt(next) === COLON;
  }

  #repeats(number: number): string {
    const folded = [...this.#numbers].find(([key, n]) => n === number && key.startsWith(':'));
    return `key ${JSON.stringify((folded?.[0] ?? '').slice(1, SHOWN_CHARS + 1))} repeats`;
  }
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
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

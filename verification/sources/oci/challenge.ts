// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

/** How a registry asks to be authenticated to. Nothing in it is trusted. */
export type Challenge =
  | { readonly scheme: 'bearer'; readonly realm: string; readonly service?: string }
  | { readonly scheme: 'basic' };

const MAX_HEADER = 8192;
const TOKEN = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y;
const SPACE = /[ \t]*/y;

/**
 * The challenge to answer out of the values of `WWW-Authenticate` (RFC 9110 §11.6.1), Bearer before
 * Basic; `undefined` where there is none that we can read. The scope that a registry proposes is
 * ignored: we ask for pulling the one repository we read.
 */
export function chooseChallenge(headers: readonly string[]): Challenge | undefined {
  const all = headers.flatMap((header) => (header.length > MAX_HEADER ? [] : parseHeader(header)));
  const bearer = all.find((c) => c.scheme === 'bearer' && c.parameters.get('realm') !== undefined);
  if (bearer !== undefined) {
    const service = bearer.parameters.get('service');
    const realm = bearer.parameters.get('realm') ?? '';
    return { scheme: 'bearer', realm, ...(service === undefined ? {} : { service }) };
  }
  return all.some((c) => c.scheme === 'basic') ? { scheme: 'basic' } : undefined;
}

interface ParsedChallenge {
  readonly scheme: string;
  readonly parameters: Map<string, string>;
}

/** Reads `scheme name=value, name="value", scheme …`; stops at what it does not understand. */
function parseHeader(header: string): readonly ParsedChallenge[] {
  const reader = new Reader(header);
  const found: ParsedChallenge[] = [];
  while (!reader.isAtEnd) {
    reader.skip(SPACE);
    if (reader.accept(',')) continue;
    const word = reader.take(TOKEN);
    if (word === '') return found;
    reader.skip(SPACE);
    const current = found.at(-1);
    if (current !== undefined && reader.accept('=')) {
      const name = word.toLowerCase();
      reader.skip(SPACE);
      const value = reader.takeValue();
      if (value === undefined) return found;
      if (!current.parameters.has(name)) current.parameters.set(name, value);
    } else found.push({ scheme: word.toLowerCase(), parameters: new Map() });
  }
  return found;
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  accept(char: string): boolean {
    if (this.#text[this.#at] !== char) return false;
    this.#at += 1;
    return true;
  }

  take(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text)?.[0] ?? '';
    this.#at += match.length;
    return match;
  }

  skip(pattern: RegExp): void {
    this.take(pattern);
  }

  /** A token or a quoted string; `undefined` where neither is. */
  takeValue(): string | undefined {
    if (!this.accept('"')) {
      const token = this.take(TOKEN);
      return token === '' ? undefined : token;
    }
    let value = '';
    while (!this.isAtEnd) {
      if (this.accept('"')) return value;
      this.accept('\\');
      value += this.#text.charAt(this.#at);
      this.#at += 1;
    }
    return undefined;
  }
}

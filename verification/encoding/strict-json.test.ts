// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import fc from 'fast-check';
import { assertSoon } from '../testing/index.ts';
import { parseStrictJson } from './strict-json.ts';

const MAX_DEPTH = 5;
const parse = (text: string): unknown =>
  parseStrictJson(Buffer.from(text), { code: 'PAYLOAD_MALFORMED', maxDepth: MAX_DEPTH, what: 'x' });

/** JSON as it is written, so that an object may have a key twice. */
type Written =
  | { readonly is: 'scalar'; readonly text: string }
  | { readonly is: 'list'; readonly of: readonly Written[] }
  | { readonly is: 'object'; readonly of: readonly (readonly [key: string, value: Written])[] };

const KEYS = [
  'a',
  'A',
  '\\u0061',
  '\\u0041',
  'b',
  '\\\\',
  '\\\\\\"',
  '\\"',
  ':',
  '\u017f',
  's',
  'S',
  'k',
  '\u212a',
  '',
  '__proto__',
  '__PROTO__',
  '{',
  'constructor',
];
const { written } = fc.letrec<{ readonly written: Written }>((tie) => ({
  written: fc.oneof(
    { maxDepth: 6 },
    fc
      .constantFrom('1', '"a"', '"\\\\"', '"\\""', '"a\\\\\\":"', '"{["', 'null', '-1.5e3', '" : "')
      .map((text): Written => ({ is: 'scalar', text })),
    fc.array(tie('written'), { maxLength: 3 }).map((of): Written => ({ is: 'list', of })),
    fc
      .array(fc.tuple(fc.constantFrom(...KEYS), tie('written')), { maxLength: 4 })
      .map((of): Written => ({ is: 'object', of })),
  ),
}));

function write(json: Written, space: string): string {
  switch (json.is) {
    case 'scalar':
      return json.text;
    case 'list':
      return `[${json.of.map((value) => write(value, space)).join(`${space},`)}]`;
    case 'object':
      return `{${json.of.map(([key, value]) => `${space}"${key}"${space}:${space}${write(value, space)}`).join(',')}}`;
  }
}

/** The same question, asked of the written form. */
function isStrict(json: Written, depth = 0): boolean {
  if (json.is === 'scalar') return true;
  if (depth >= MAX_DEPTH) return false;
  if (json.is === 'list') return json.of.every((value) => isStrict(value, depth + 1));
  const keys = json.of.map(([key]) =>
    (JSON.parse(`"${key}"`) as string).toLowerCase().replace('\u017f', 's'),
  );
  return (
    new Set(keys).size === keys.length &&
    !keys.includes('__proto__') &&
    json.of.every(([, value]) => isStrict(value, depth + 1))
  );
}

describe('strict JSON: the scanner', () => {
  it('X32: refuses exactly what repeats a key, hides a prototype or nests too deeply', () => {
    fc.assert(
      fc.property(written, fc.constantFrom('', ' ', '\n\t\r '), (json, space) => {
        const text = write(json, space);
        if (isStrict(json)) assert.deepEqual(parse(text), JSON.parse(text));
        else assert.throws(() => parse(text), { code: 'PAYLOAD_MALFORMED' });
      }),
      { numRuns: 2000 },
    );
  });
  it('refuses what JSON.parse refuses, whatever was cut out or put in', () => {
    fc.assert(
      fc.property(
        written,
        fc.nat(),
        fc.constantFrom('', '"', '\\', '{', '}', '[', ']', ':', ','),
        (json, seed, put) => {
          const text = write(json, '');
          const at = seed % (text.length + 1);
          const changed = text.slice(0, at) + put + text.slice(at + 1);
          let plain: unknown;
          try {
            plain = JSON.parse(changed);
          } catch {
            assert.throws(() => parse(changed), { code: 'PAYLOAD_MALFORMED' });
            return;
          }
          try {
            assert.deepEqual(parse(changed), plain);
          } catch (thrown) {
            assert.match(String(thrown), /repeats|__proto__|nested/);
          }
        },
      ),
      { numRuns: 1000 },
    );
  });
  it('finds a key that repeats far from the first, with objects between', () => {
    const between = Array.from(
      { length: 5000 },
      (_, i) => `"k${i.toString()}":{"a":{"a":1}}`,
    ).join();
    assert.throws(() => parse(`{"a":1,${between},"A":2}`), /key "a" repeats/);
    assert.throws(() => parse(`[{"a":[{"a":1}],"b":{"a":1},"a":1}]`), /key "a" repeats/);
    parse(`{"a":1,${between}}`);
  });
  it('takes time in proportion to the text', () => {
    for (const text of [
      `"${'\\\\'.repeat(1_000_000)}"`,
      `"${'\\"'.repeat(1_000_000)}"`,
      `[${Array(240_000).fill('{"a":{}}').join()}]`,
      `{${Array.from({ length: 200_000 }, (_, i) => `"${i.toString()}":0`).join()}}`,
      `[${Array(300_000).fill('""  ').join()}]`,
    ]) {
      assertSoon(5000, () => parse(text));
    }
  });
});

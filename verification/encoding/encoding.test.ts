// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { describe, it } from 'mocha';
import fc from 'fast-check';
import { decodeBase64 } from './base64.ts';
import { canonicalJson } from './canonical-json.ts';
import { asObject, parseStrictJson } from './strict-json.ts';

const parse = (text: string | Uint8Array): unknown =>
  parseStrictJson(typeof text === 'string' ? Buffer.from(text) : text, {
    code: 'PAYLOAD_MALFORMED',
    maxDepth: 8,
    what: 'payload',
  });
const malformed = { name: 'VerificationError', code: 'PAYLOAD_MALFORMED' };

describe('strict JSON', () => {
  it('reads what JSON.parse reads', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 3, noUnicodeString: false }), (text) => {
        try {
          assert.deepEqual(parse(text), JSON.parse(text));
        } catch (thrown) {
          assert.match(String(thrown), /repeats|__proto__/);
        }
      }),
    );
  });
  for (const [what, text] of [
    ['a repeated key', '{"critical":1,"critical":2}'],
    ['a key repeated with an escape', '{"a":1,"\\u0061":2}'],
    ['keys that differ only in case', '{"critical":1,"Critical":2}'],
    ['X32: keys that Go folds into one', '{"subject":1,"\u017fubject":2,"k":1}'],
    ['X32: the Kelvin sign beside a k', '{"k":1,"\u212a":2}'],
    ['a key that is not a string of JSON', '{"a\\x":1}'],
    ['a __proto__ key', '{"__proto__":{"x":1}}'],
    ['nesting beyond the limit', '['.repeat(9) + ']'.repeat(9)],
    ['trailing bytes', '{} {}'],
    ['a truncated text', '{"a":'],
    ['an open string', '{"a'],
    ['nothing', ''],
    ['a byte order mark', '\uFEFF{}'],
  ] as const) {
    it(`refuses ${what}`, () => assert.throws(() => parse(text), malformed));
  }
  it('refuses bytes that are not UTF-8', () =>
    assert.throws(() => parse(Uint8Array.of(0x22, 0xff, 0x22)), malformed));
  it('keeps a long key out of its message', () => {
    const key = 'k'.repeat(100_000);
    assert.throws(
      () => parse(`{"${key}":1,"${key}":2}`),
      (thrown: Error) => thrown.message.length < 200,
    );
  });
  it('G7: takes constructor and toString for keys like any other', () => {
    assert.deepEqual(parse('{"constructor":1,"toString":{"hasOwnProperty":2}}'), {
      constructor: 1,
      toString: { hasOwnProperty: 2 },
    });
  });
  it('lets equal keys stand in different objects', () => {
    assert.deepEqual(parse('[{"a":1},{"a":{"a":2}}]'), [{ a: 1 }, { a: { a: 2 } }]);
  });
  it('takes a string that looks like a key for a value', () =>
    assert.deepEqual(parse('{"a":"b","b":"a:"}'), { a: 'b', b: 'a:' }));
});

describe('strict base64', () => {
  it('reads back what was encoded', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        const text = Buffer.from(bytes).toString('base64');
        assert.deepEqual(new Uint8Array(decodeBase64(text, 'BUNDLE_MALFORMED', 'x')), bytes);
      }),
    );
  });
  for (const text of ['YWJj!!ZGVm', 'YWI', 'YWJ=', 'YR==', 'YQ==\n', 'a-_b', '====']) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      assert.throws(() => decodeBase64(text, 'BUNDLE_MALFORMED', 'sig'), {
        code: 'BUNDLE_MALFORMED',
      });
    });
  }
});

describe('canonical JSON', () => {
  it('does not depend on the order of keys', () => {
    assert.equal(
      canonicalJson({ b: [{ d: 1, c: undefined }], a: null }),
      '{"a":null,"b":[{"d":1}]}',
    );
  });
  it('sorts keys by code unit, also those that look like numbers', () => {
    assert.equal(
      canonicalJson({ 9: 1, 10: 2, Z: 3, a: 4, '\u00e9': 5 }),
      '{"10":2,"9":1,"Z":3,"a":4,"\u00e9":5}',
    );
  });
  it('keeps a key __proto__ that JSON.parse made', () => {
    assert.equal(
      canonicalJson(JSON.parse('{"b":1,"__proto__":{"a":true}}')),
      '{"__proto__":{"a":true},"b":1}',
    );
  });
  it('has the meaning of the value it was made from', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) =>
        assert.deepEqual(JSON.parse(canonicalJson(value)), JSON.parse(JSON.stringify(value))),
      ),
    );
  });
  it('takes an object without a prototype', () =>
    assert.equal(canonicalJson(Object.create(null)), '{}'));
  const refused: readonly unknown[] = [
    Number.NaN,
    Number.POSITIVE_INFINITY,
    1n,
    Symbol('s'),
    () => 1,
    undefined,
    new Date(0),
    new Map(),
    new Set(),
  ];
  for (const value of refused) {
    it(`refuses what JSON would silently change: ${inspect(value)}`, () => {
      assert.throws(() => canonicalJson([value]), TypeError);
    });
  }
  it('refuses a list with holes', () =>
    assert.throws(() => canonicalJson(new Array(2)), TypeError));
});

describe('asObject', () => {
  it('answers objects and nothing else', () => {
    assert.deepEqual(asObject({ a: 1 }), { a: 1 });
    for (const value of [null, undefined, 1, 'a', [], true])
      assert.equal(asObject(value), undefined);
  });
});

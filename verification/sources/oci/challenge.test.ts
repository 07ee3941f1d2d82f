// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { assertSoon } from '../../testing/index.ts';
import { chooseChallenge } from './challenge.ts';

describe('chooseChallenge', () => {
  const bearer = { scheme: 'bearer', realm: 'https://a/t', service: 's' };
  const table: readonly (readonly [readonly string[], object | undefined])[] = [
    [[], undefined],
    [[''], undefined],
    [['Bearer realm="https://a/t",service="s",scope="x:y:pull,push"'], bearer],
    [['bearer  REALM = "https://a/t" , service=s'], bearer],
    [['Basic realm="x", Bearer realm="https://a/t", service="s"'], bearer],
    [['Basic realm="x"', 'Bearer service="s",realm="https://a/t"'], bearer],
    [['Negotiate, Basic realm="Bearer realm=https://evil"'], { scheme: 'basic' }],
    [['Basic'], { scheme: 'basic' }],
    [['Bearer'], undefined],
    [['Bearer service="s"'], undefined],
    [['Digest realm="x"'], undefined],
    [['Bearer realm="a\\"b"'], { scheme: 'bearer', realm: 'a"b' }],
    [['Bearer realm="https://a/t", realm="https://evil/t", service="s"'], bearer],
    [['Bearer realm="https://a/t'], undefined],
    [[`Bearer realm="${'a'.repeat(9000)}"`], undefined],
    [[',,, Basic ,,,'], { scheme: 'basic' }],
  ];
  for (const [headers, expected] of table) {
    it(`reads ${JSON.stringify(headers).slice(0, 80)}`, () => {
      assert.deepEqual(chooseChallenge(headers), expected);
    });
  }

  it('ends for any header', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 60 }), { maxLength: 3 }), (headers) => {
        chooseChallenge(headers);
      }),
    );
  });

  it('reads a hostile header without going over it again and again', () => {
    for (const piece of ['a', 'a ', 'a=', ',', '"', 'a="', '\\', 'Bearer realm="x",'])
      assertSoon(100, () => chooseChallenge([piece.repeat(Math.floor(8192 / piece.length))]));
  });
});

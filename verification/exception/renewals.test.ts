// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { SigningExceptionSpec } from '../../crds/index.ts';
import { assertSoon, testException } from '../testing/index.ts';
import { compileException, type CompiledException } from './exception.ts';
import { ExceptionIndex } from './exception-index.ts';
import { followersOf, renewalsOf } from './renewals.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;
const OTHER = `sha256:${'b'.repeat(64)}`;

/** An exception that begins on a day of November, for its own digest unless the spec says otherwise. */
function on(
  day: number,
  name: string,
  spec: Partial<SigningExceptionSpec> = {},
): CompiledException {
  const { digests = [DIGEST], ...rest } = spec;
  const notBefore = `2026-11-${String(day).padStart(2, '0')}T00:00:00Z`;
  return compileException(testException(digests, { notBefore, ...rest }, name));
}

const renews = (name: string): Partial<SigningExceptionSpec> => ({ renews: { name } });

function followed(name: string, exceptions: readonly CompiledException[]): readonly string[] {
  const one = exceptions.find((exception) => exception.name === name);
  assert.ok(one);
  return renewalsOf(one, new ExceptionIndex(exceptions));
}

describe('the exceptions that one follows', () => {
  it('are none where it is alone', () => {
    assert.deepEqual(followed('a', [on(1, 'a')]), []);
  });

  it('are those that it says it renews, and what these renew, whatever they permit', () => {
    const chain = [
      on(1, 'a', { digests: [OTHER] }),
      on(2, 'b', { policyRef: { name: 'other' }, ...renews('a') }),
      on(3, 'c', renews('b')),
    ];
    assert.deepEqual(followed('c', chain), ['a', 'b']);
    assert.deepEqual(followed('b', chain), ['a']);
    assert.deepEqual(followed('a', chain), []);
  });

  it('are those that began earlier and permit a part of the same, without a word of it', () => {
    const first = on(1, 'a', { digests: [DIGEST, OTHER], serviceAccounts: ['web', 'job'] });
    const second = on(2, 'b', { requirements: ['sbom', 'signed'] });
    assert.deepEqual(followed('b', [second, first]), ['a']);
    assert.deepEqual(followed('a', [second, first]), []);
  });

  it('are not those that share nothing in one respect', () => {
    const apart: readonly Partial<SigningExceptionSpec>[] = [
      { digests: [OTHER] },
      { policyRef: { name: 'other' } },
      { serviceAccounts: ['job'] },
      { requirements: ['sbom'] },
    ];
    for (const spec of apart)
      assert.deepEqual(followed('b', [on(1, 'a', spec), on(2, 'b')]), [], JSON.stringify(spec));
    const elsewhere = { ...on(1, 'a'), namespace: 'billing' };
    assert.deepEqual(followed('b', [elsewhere, on(2, 'b', renews('c'))]), ['c']);
  });

  it('count for every requirement where one waives all', () => {
    const all = on(1, 'a', { allRequirements: true });
    assert.deepEqual(followed('b', [all, on(2, 'b', { requirements: ['sbom'] })]), ['a']);
  });

  it('are told apart by name where they began together', () => {
    const both = [on(1, 'a'), on(1, 'b')];
    assert.deepEqual([followed('a', both), followed('b', both)], [[], ['a']]);
  });

  it('are each counted once, by whichever way, and never the one itself', () => {
    const circle = [on(1, 'a', renews('c')), on(2, 'b', renews('a')), on(3, 'c', renews('b'))];
    for (const name of ['a', 'b', 'c']) {
      const rest = ['a', 'b', 'c'].filter((other) => other !== name);
      assert.deepEqual(followed(name, circle), rest);
    }
    assert.deepEqual(followed('a', [on(1, 'a', renews('a'))]), []);
  });

  it('count one that is gone, by the word of the one that renews it', () => {
    assert.deepEqual(followed('b', [on(2, 'b', renews('gone'))]), ['gone']);
  });

  it('end at 256, in a moment, among ten thousand that permit the same', () => {
    const many = Array.from({ length: 10_000 }, (_, i) => on(1, `e${String(i).padStart(5, '0')}`));
    const index = new ExceptionIndex(many);
    const last = many.at(-1);
    const first = many[0];
    assert.ok(last && first);
    const back = assertSoon(1000, () => renewalsOf(last, index));
    const forth = assertSoon(1000, () => followersOf(first, index));
    assert.deepEqual([back.length, forth.length], [256, 256]);
  });
});

describe('the exceptions that follow one', () => {
  it('are exactly those that it is named among', () => {
    const all = [
      on(1, 'a'),
      on(2, 'b'),
      on(3, 'c', { digests: [OTHER], ...renews('b') }),
      on(4, 'd', { digests: [OTHER] }),
      on(5, 'e', { serviceAccounts: ['job'] }),
      on(6, 'f', { serviceAccounts: ['job'], ...renews('f') }),
    ];
    const index = new ExceptionIndex(all);
    for (const one of all) {
      const expected = all.filter((other) => renewalsOf(other, index).includes(one.name));
      assert.deepEqual(
        followersOf(one, index),
        expected.map(({ name }) => name),
        one.name,
      );
    }
    assert.deepEqual(followersOf(on(1, 'a'), index), ['b', 'c', 'd']);
  });
});

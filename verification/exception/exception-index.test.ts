// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import fc from 'fast-check';
import { assertSoon, testException } from '../testing/index.ts';
import { compileException, type CompiledException } from './exception.ts';
import { ExceptionIndex } from './exception-index.ts';

const digests = ['a', 'b', 'c'].map((letter) => `sha256:${letter.repeat(64)}`);
const NAMES = ['e0', 'e1', 'e2', 'e3', 'e4', 'e5', 'constructor'];

interface Edits {
  readonly createdAt?: number;
  readonly namespace?: string;
  readonly images?: readonly string[];
  readonly policy?: string;
  readonly renews?: string;
}

function exceptionNamed(name: string, edits: Edits = {}): CompiledException {
  const {
    createdAt = 0,
    namespace = 'checkout',
    images = digests.slice(0, 1),
    policy,
    renews,
  } = edits;
  const object = testException(
    images,
    {
      ...(policy === undefined ? {} : { policyRef: { name: policy } }),
      ...(renews === undefined ? {} : { renews: { name: renews } }),
    },
    name,
  );
  return { ...compileException({ ...object, metadata: { name, namespace } }), createdAt };
}

const drawn = fc
  .record({
    name: fc.constantFrom(...NAMES),
    createdAt: fc.constantFrom(1, 2, 3, Infinity),
    namespace: fc.constantFrom('checkout', 'tenant'),
    images: fc.subarray(digests, { minLength: 1 }),
    policy: fc.constantFrom('team', 'others'),
    renews: fc.option(fc.constantFrom(...NAMES), { nil: undefined }),
  })
  .map(({ name, renews, ...edits }) =>
    exceptionNamed(name, { ...edits, ...(renews === undefined ? {} : { renews }) }),
  );

/** All that an index answers about what may be in it. */
function answersOf(index: ExceptionIndex): unknown {
  const sorted = (list: readonly CompiledException[]): readonly string[] =>
    list.map(({ namespace, name }) => `${namespace}/${name}`).sort();
  return ['checkout', 'tenant'].map((namespace) => [
    index.dropped,
    ...['team', 'others'].flatMap((policy) =>
      digests.map((digest) => sorted(index.candidates(policy, namespace, digest))),
    ),
    ...NAMES.flatMap((name) => [
      index.named(namespace, name),
      sorted(index.renewing(namespace, name)),
    ]),
  ]);
}

describe('an index of exceptions that changes', () => {
  it('answers as one that is made of what it holds, whatever came and went before', () => {
    const steps = fc.array(drawn, { maxLength: 30 });
    fc.assert(
      fc.property(steps, fc.constantFrom(0, 1, 3, 100), (exceptions, limit) => {
        const index = new ExceptionIndex([], limit);
        const held = new Map<string, CompiledException>();
        for (const exception of exceptions) {
          const key = `${exception.namespace}/${exception.name}`;
          const before = held.get(key);
          if (before === undefined || exception.createdAt === 3) {
            if (before !== undefined) index.remove(before);
            held.set(key, exception);
            index.add(exception);
          } else {
            held.delete(key);
            index.remove(before);
          }
          const made = new ExceptionIndex([...held.values()].reverse(), limit);
          assert.deepEqual(answersOf(index), answersOf(made));
        }
      }),
      { numRuns: 200 },
    );
  });

  it('takes out the very object only, and nothing that is not there', () => {
    const [one, twin] = [exceptionNamed('one'), exceptionNamed('one')];
    const index = new ExceptionIndex([one]);
    index.remove(twin);
    index.remove(exceptionNamed('another'));
    assert.deepEqual(index.candidates('team', 'checkout', digests[0] ?? ''), [one]);
    index.remove(one);
    index.remove(one);
    assert.deepEqual(index.candidates('team', 'checkout', digests[0] ?? ''), []);
    assert.equal(index.named('checkout', 'one'), undefined);
  });

  it('lets nobody push out what is older, whatever is written first', () => {
    const old = exceptionNamed('old', { createdAt: 1 });
    const flood = Array.from({ length: 5 }, (_, i) =>
      exceptionNamed(`a${i.toString()}`, { createdAt: 2, namespace: 'tenant' }),
    );
    const index = new ExceptionIndex(flood, 3);
    index.add(old);
    assert.equal(index.named('checkout', 'old'), old);
    assert.equal(index.dropped, 3);
    assert.equal(index.named('tenant', 'a2'), undefined);
    index.remove(old);
    assert.equal(index.named('tenant', 'a2'), flood[2]);
  });

  for (const [what, digestOf] of [
    ['a use each', (i: number) => `sha256:${i.toString(16).padStart(64, '0')}`],
    ['the same use', () => digests[0] ?? ''],
  ] as const) {
    it(`is made of 10,000 for ${what} and changed 10,000 times in a moment`, () => {
      const made = (): CompiledException[] =>
        Array.from({ length: 10_000 }, (_, i) =>
          exceptionNamed(`e${i.toString()}`, { createdAt: i % 100, images: [digestOf(i)] }),
        );
      const [before, after] = [made(), made()];
      const index = assertSoon(150, () => new ExceptionIndex(before));
      assertSoon(400, () => {
        before.forEach((one, i) => {
          index.remove(one);
          index.add(after[i] ?? one);
        });
      });
      assert.equal(index.named('checkout', 'e9999'), after[9_999]);
      assert.equal(index.dropped, 0);
    });
  }
});

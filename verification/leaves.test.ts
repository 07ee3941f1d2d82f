// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import fc from 'fast-check';
import { DEFAULT_LIMITS, limits } from './limits.ts';
import {
  INCONCLUSIVE_REASONS,
  isInconclusive,
  reasonHelp,
  REJECTED_REASONS,
  type ReasonCode,
} from './reasons.ts';
import { verdictOf, type NonEmpty, type RequirementResult } from './result.ts';

describe('limits', () => {
  it('are the defaults where nothing is said', () => assert.deepEqual(limits(), DEFAULT_LIMITS));
  it('can be set one by one', () =>
    assert.deepEqual(limits({ signatures: 7 }), { ...DEFAULT_LIMITS, signatures: 7 }));
  for (const value of [
    0,
    -1,
    1.5,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    2 ** 53,
    '5' as unknown as number,
    undefined as unknown as number,
  ]) {
    it(`refuse ${String(value)}`, () =>
      assert.throws(() => limits({ redirects: value }), {
        name: 'RangeError',
        message: /^limit redirects: /,
      }));
  }
});

describe('reason codes', () => {
  it('belong to one of two sets, and each has its help', () => {
    const rejected = Object.keys(REJECTED_REASONS) as ReasonCode[];
    const inconclusive = Object.keys(INCONCLUSIVE_REASONS) as ReasonCode[];
    assert.equal(
      new Set([...rejected, ...inconclusive]).size,
      rejected.length + inconclusive.length,
    );
    assert.deepEqual(rejected.filter(isInconclusive), []);
    assert.deepEqual(inconclusive.filter(isInconclusive), inconclusive);
    for (const code of [...rejected, ...inconclusive])
      assert.match(reasonHelp(code), /^[A-Z].*\.$/);
  });
  it('G7: are not found among what objects inherit', () =>
    assert.equal(isInconclusive('constructor' as ReasonCode), false));
});

describe('the fold of results', () => {
  const base = { requirement: 'r', category: 'Image Signature', message: 'm', trail: [] } as const;
  const exception = { namespace: 'a', name: 'b', expiresAt: 'c', documentation: {} };
  const kinds: readonly RequirementResult[] = [
    { ...base, outcome: 'verified', signers: [] },
    { ...base, outcome: 'exempt', exception },
    { ...base, outcome: 'inconclusive', code: 'REGISTRY_UNAVAILABLE' },
    { ...base, outcome: 'rejected', code: 'NO_SIGNATURE' },
  ];
  const results = fc.array(fc.constantFrom(...kinds), {
    minLength: 1,
    maxLength: 6,
  }) as fc.Arbitrary<unknown> as fc.Arbitrary<NonEmpty<RequirementResult>>;

  it('is the worst of them: verified, exempt, inconclusive, rejected', () => {
    fc.assert(
      fc.property(results, (all) => {
        const order = kinds.map((k) => k.outcome);
        const worst = Math.max(...all.map((r) => order.indexOf(r.outcome)));
        const verdict = verdictOf('p', all);
        assert.equal(verdict.outcome, order[worst]);
        assert.equal(verdict.policy, 'p');
        assert.deepEqual(verdict.results, all);
        if (verdict.outcome === 'rejected' || verdict.outcome === 'inconclusive')
          assert.equal(
            verdict.first,
            all.find((r) => r.outcome === verdict.outcome),
          );
      }),
    );
  });

  it('X22: does not depend on their order', () => {
    fc.assert(
      fc.property(
        results.chain((all) =>
          fc.tuple(fc.constant(all), fc.shuffledSubarray([...all], { minLength: all.length })),
        ),
        ([all, shuffled]) => {
          assert.equal(
            verdictOf('p', shuffled as unknown as NonEmpty<RequirementResult>).outcome,
            verdictOf('p', all).outcome,
          );
        },
      ),
    );
  });
});

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { CONDITION_EXAMPLES, SCANNED_THIS_WEEK } from '../testing/index.ts';
import { bindingsOf, predicateFixture } from './__fixtures__/predicates.ts';
import { compileCondition, evaluateConditions } from './condition.ts';

describe('worked examples of conditions', () => {
  for (const example of CONDITION_EXAMPLES) {
    const { accepts, rejects, message, title, name } = example;
    const condition = compileCondition(example);
    it(`accepts where ${title}`, () => {
      assert.deepEqual(evaluateConditions([condition], bindingsOf(predicateFixture(accepts))), [
        { name, outcome: 'passed', detail: `condition ${name} holds` },
      ]);
    });
    it(`rejects where it is not so that ${title}`, () => {
      assert.deepEqual(evaluateConditions([condition], bindingsOf(predicateFixture(rejects))), [
        { name, outcome: 'failed', code: 'PREDICATE_REJECTED', detail: message },
      ]);
    });
    it(`A37: rejects an empty predicate where it asks that ${title}`, () => {
      for (const empty of [{}, undefined])
        assert.throws(() => condition.evaluate(bindingsOf(empty)), { code: 'PREDICATE_REJECTED' });
    });
  }

  it('tells a scan of this week from an old one and from one of the future', () => {
    const condition = compileCondition({ name: 'fresh', expression: SCANNED_THIS_WEEK });
    const at = (scanFinishedOn: string) => bindingsOf({ metadata: { scanFinishedOn } });
    condition.evaluate(bindingsOf(predicateFixture('vuln-trivy.good')));
    condition.evaluate(at('2026-10-29T12:00:01Z'));
    for (const time of ['2026-10-29T12:00:00Z', '2026-11-05T12:00:01Z', 'today', ''])
      assert.throws(() => condition.evaluate(at(time)), { code: 'PREDICATE_REJECTED' });
  });
});

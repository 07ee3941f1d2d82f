// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { ExceptionIndex } from '../exception/index.ts';
import { compilePolicy, type CompiledPolicy } from '../policy/index.ts';
import type { Evidence } from '../ports.ts';
import type { Verdict } from '../result.ts';
import {
  bundleEvidence,
  evidenceOf,
  KeyIssuer,
  testManifest,
  testPolicy,
  testSubject,
} from '../testing/index.ts';
import { evaluate } from './evaluate.ts';
import { establishFact, FactCache } from './facts.ts';
import { OpenQuestions, type Answers } from './open-questions.ts';

const IMAGE = testManifest('image');
const SIGNER = new KeyIssuer();
const STRANGER = new KeyIssuer();

function judge(
  policy: CompiledPolicy,
  evidence: Evidence,
  facts: OpenQuestions,
): Verdict['outcome'] {
  const { outcome } = evaluate({
    policy,
    subject: testSubject(IMAGE.digest),
    evidence: { state: 'collected', evidence },
    exceptions: new ExceptionIndex([]),
    now: new Date(),
    facts,
  });
  return outcome;
}

describe('what one judgement leaves open', () => {
  const policy = compilePolicy('team', testPolicy([SIGNER]));
  const junk = Array.from({ length: 40 }, () => bundleEvidence(STRANGER.bundle(IMAGE.digest)));
  const evidence = evidenceOf(IMAGE, [...junk, bundleEvidence(SIGNER.bundle(IMAGE.digest))]);

  it('X41: is all beyond a dozen facts, so that many small signatures keep nobody waiting; junk never says no', () => {
    const cache = new FactCache({ heavyBytes: 64 * 1024 });
    const first = new OpenQuestions(cache, new Map());
    assert.equal(judge(policy, evidence, first), 'inconclusive');
    const open = first.takeOpen();
    assert.equal(open.length, 41 - 12);
    const answers: Answers = new Map(
      open.map((question) => [cache.keyOf(question), establishFact(question)]),
    );
    const second = new OpenQuestions(cache, answers);
    assert.equal(judge(policy, evidence, second), 'verified');
  });

  it('is told for each policy of the judgement, while they share what is established at once', () => {
    const facts = new OpenQuestions(new FactCache({ heavyBytes: 64 * 1024 }), new Map());
    const others = compilePolicy('others', testPolicy([STRANGER, new KeyIssuer()]));
    judge(policy, evidence, facts);
    assert.equal(facts.takeOpen().length, 41 - 12);
    assert.deepEqual(facts.takeOpen(), []);
    assert.equal(judge(others, evidence, facts), 'inconclusive');
    const authorities = others.requirements.flatMap((r) =>
      'authorities' in r ? r.authorities : [],
    );
    const open = facts.takeOpen();
    assert.ok(open.length >= 41);
    assert.ok(open.every(({ authority }) => authorities.includes(authority)));
  });

  it('is nothing where nobody is kept waiting', () => {
    const facts = new OpenQuestions(new FactCache(), new Map());
    assert.equal(judge(policy, evidence, facts), 'verified');
    assert.deepEqual(facts.takeOpen(), []);
  });
});

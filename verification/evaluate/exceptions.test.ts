// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import fc from 'fast-check';
import type { SigningException, SigningExceptionSpec } from '../../crds/index.ts';
import { compileException, ExceptionIndex } from '../exception/index.ts';
import { compilePolicy, type CompiledPolicy } from '../policy/index.ts';
import type { Verdict } from '../result.ts';
import {
  evidenceOf,
  KeyIssuer,
  testException,
  testManifest,
  testPolicy,
  testSubject,
} from '../testing/index.ts';
import {
  evaluate,
  evidenceNeeded,
  type Case,
  type EvidenceState,
  type Subject,
} from './evaluate.ts';
import { unmemoisedFacts } from './facts.ts';

const image = testManifest('image');
const issuer = new KeyIssuer();
const BEGIN = Date.UTC(2026, 10, 20);
const END = Date.UTC(2026, 10, 27);
const requirements = [
  { name: 'signed', signature: { anyOf: ['key-0'] } },
  { name: 'ours', allowedRepositories: ['registry.elsewhere/**'] },
];
const policyWith = (exceptions: object = {}): CompiledPolicy =>
  compilePolicy(
    'team',
    testPolicy([issuer], {
      requirements: requirements.slice(0, 1),
      exceptions: { allowed: true, approval: 'NotRequired', ...exceptions },
    }),
  );
const policy = policyWith();
const unsigned: EvidenceState = { state: 'collected', evidence: evidenceOf(image, []) };

interface Question {
  readonly policy?: CompiledPolicy;
  readonly subject?: Subject;
  readonly evidence?: EvidenceState;
  readonly now?: number;
}

function caseOf(objects: readonly SigningException[], question: Question = {}): Case {
  return {
    policy: question.policy ?? policy,
    subject: question.subject ?? testSubject(image.digest),
    evidence: question.evidence ?? unsigned,
    exceptions: new ExceptionIndex(objects.map(compileException)),
    now: new Date(question.now ?? BEGIN + 1),
    facts: unmemoisedFacts,
  };
}
const judge = (objects: readonly SigningException[], question: Question = {}): Verdict =>
  evaluate(caseOf(objects, question));
const except = (spec: Partial<SigningExceptionSpec> = {}, name?: string): SigningException =>
  testException([image.digest], spec, name);
const first = (verdict: Verdict): Verdict['results'][0] => verdict.results[0];

function denied(
  verdict: Verdict,
  code: string,
  message: RegExp,
  underlying = 'NO_SIGNATURE',
): void {
  assert.equal(verdict.outcome, 'rejected');
  assert.equal(verdict.first.code, code);
  assert.match(verdict.first.message, message);
  assert.equal(verdict.first.underlying, code.startsWith('EXCEPTION') ? underlying : undefined);
}

describe('a live exception', () => {
  it('exempts its requirement without evidence, and names itself', () => {
    const verdict = judge([except()], { evidence: { state: 'not-needed' } });
    assert.equal(verdict.outcome, 'exempt');
    const result = first(verdict);
    assert.equal(result.outcome, 'exempt');
    assert.equal(result.category, 'Signing Exception');
    assert.equal(result.exception.name, 'hotfix');
    assert.match(
      result.message,
      /covered by the exception checkout\/hotfix until 2026-11-27T00:00:00Z/,
    );
    assert.equal(evidenceNeeded(caseOf([except()])), false);
  });

  it('begins at notBefore and has ended at expiresAt, to the millisecond', () => {
    denied(
      judge([except()], { now: BEGIN - 1 }),
      'EXCEPTION_OUT_OF_SCOPE',
      /begins at 2026-11-20T00:00:00.000Z/,
    );
    assert.equal(judge([except()], { now: BEGIN }).outcome, 'exempt');
    assert.equal(judge([except()], { now: END - 1 }).outcome, 'exempt');
    denied(judge([except()], { now: END }), 'EXCEPTION_EXPIRED', /ended at 2026-11-27T00:00:00Z/);
    denied(judge([except()], { now: END + 1 }), 'EXCEPTION_EXPIRED', /ended at/);
  });

  it('X27: is judged at the instant that it is given, also after a clock went back', () => {
    assert.deepEqual(
      [END, END - 1, END].map((now) => judge([except()], { now }).outcome),
      ['rejected', 'exempt', 'rejected'],
    );
  });

  it('waives what it names and nothing else', () => {
    const both = compilePolicy(
      'team',
      testPolicy([issuer], {
        requirements,
        exceptions: { allowed: true, approval: 'NotRequired' },
      }),
    );
    const verdict = judge([except()], { policy: both });
    assert.deepEqual(
      verdict.results.map((r) => r.outcome),
      ['exempt', 'rejected'],
    );
    denied(verdict, 'EXCEPTION_OUT_OF_SCOPE', /does not waive ours/, 'REPOSITORY_NOT_ALLOWED');
    assert.equal(judge([except({ allRequirements: true })], { policy: both }).outcome, 'exempt');
    assert.equal(
      judge([except({ requirements: ['signed', 'ours'] })], { policy: both }).outcome,
      'exempt',
    );
  });

  it('may last exactly as long as the policy allows', () => {
    assert.equal(
      judge([except()], { policy: policyWith({ allowed: true, maxDuration: '168h' }) }).outcome,
      'exempt',
    );
    denied(
      judge([except()], { policy: policyWith({ allowed: true, maxDuration: '167h59m59s' }) }),
      'EXCEPTION_INVALID',
      /longer than the 167h59m59s/,
    );
  });

  it('of several, names the one that lasts longest, in whatever order they were seen', () => {
    const objects = [
      except({}, 'b'),
      except({ expiresAt: '2026-11-28T00:00:00Z' }, 'c'),
      except({ expiresAt: '2026-11-28T00:00:00Z' }, 'a'),
    ];
    for (const order of [objects, [...objects].reverse()]) {
      const result = first(judge(order));
      assert.equal(result.outcome, 'exempt');
      assert.equal(result.exception.name, 'a');
    }
  });

  it('says nothing of an image that passes by itself once it ended', () => {
    const { payload, annotations } = issuer.simpleSigning(image.digest);
    const signature = {
      format: 'simple-signing',
      digest: image.digest,
      bytes: payload,
      annotations,
      origin: 'tag',
    } as const;
    const evidence: EvidenceState = {
      state: 'collected',
      evidence: evidenceOf(image, [signature]),
    };
    assert.equal(judge([except()], { evidence, now: END }).outcome, 'verified');
    assert.equal(judge([except()], { evidence }).outcome, 'exempt');
  });
});

describe('an exception does not help', () => {
  const revoked = { at: '2030-01-01T00:00:00Z', by: 'lead', reason: 'the vendor signs again' };
  const gone = except();
  for (const [what, object, code, message] of [
    [
      'that was revoked, whatever instant that says',
      except({ revoked }),
      'EXCEPTION_EXPIRED',
      /was revoked at 2030-01-01T00:00:00Z by lead: the vendor signs again/,
    ],
    [
      'that was revoked in its status, by who may not edit it',
      { ...gone, status: { observedGeneration: 1, revoked } },
      'EXCEPTION_EXPIRED',
      /was revoked at 2030-01-01T00:00:00Z by lead: the vendor signs again/,
    ],
    [
      'X26: that was deleted and is kept by a finalizer',
      { ...gone, metadata: { ...gone.metadata, deletionTimestamp: '2026-11-20T00:00:00Z' } },
      'EXCEPTION_EXPIRED',
      /was deleted at/,
    ],
    [
      'X19: for another service account',
      except({ serviceAccounts: ['web2', 'default'] }),
      'EXCEPTION_OUT_OF_SCOPE',
      /not for the service account "web"/,
    ],
    [
      'for another requirement',
      except({ requirements: ['sbom', 'constructor'] }),
      'EXCEPTION_OUT_OF_SCOPE',
      /does not waive signed/,
    ],
    [
      'X25: whose end is before its beginning',
      except({ expiresAt: '2026-11-19T00:00:00Z' }),
      'EXCEPTION_EXPIRED',
      /ended at/,
    ],
    [
      'X25: without length',
      except({ expiresAt: '2026-11-20T00:00:00Z' }),
      'EXCEPTION_EXPIRED',
      /ended at/,
    ],
    [
      'X25: until the year 9999',
      except({ expiresAt: '9999-12-31T23:59:59Z' }),
      'EXCEPTION_INVALID',
      /longer than the 720h/,
    ],
    [
      'X25: that lasts longer than a timer, and longer than allowed',
      except({ expiresAt: '2026-12-20T00:00:00.001Z' }),
      'EXCEPTION_INVALID',
      /longer than/,
    ],
    [
      'B5: from another namespace',
      { ...gone, metadata: { ...gone.metadata, namespace: 'tenant' } },
      'NO_SIGNATURE',
      /no signature by key-0/,
    ],
    [
      'from another policy',
      except({ policyRef: { name: 'other' } }),
      'NO_SIGNATURE',
      /no signature by key-0/,
    ],
    [
      'G7: from a policy of an inherited name',
      except({ policyRef: { name: 'constructor' } }),
      'NO_SIGNATURE',
      /no signature by key-0/,
    ],
    [
      'X24: for another digest',
      testException([testManifest('other').digest]),
      'NO_SIGNATURE',
      /no signature by key-0/,
    ],
  ] as const) {
    it(what, () => {
      denied(judge([object]), code, message);
      assert.equal(evidenceNeeded(caseOf([object])), true);
    });
  }

  it('where the policy allows none', () => {
    denied(
      judge([except()], { policy: policyWith({ allowed: false }) }),
      'EXCEPTION_INVALID',
      /the policy allows no exceptions/,
    );
    denied(
      judge([except()], { policy: compilePolicy('team', testPolicy([issuer])) }),
      'EXCEPTION_INVALID',
      /the policy allows no exceptions/,
    );
  });

  it('X25: where an instant does not compare', () => {
    const compiled = compileException(except());
    for (const [edit, now] of [
      [{ expiresAt: Number.NaN }, BEGIN + 1],
      [{ notBefore: Number.NaN }, BEGIN + 1],
      [{}, Number.NaN],
    ] as const) {
      const exceptions = new ExceptionIndex([{ ...compiled, ...edit }]);
      const verdict = evaluate({ ...caseOf([]), exceptions, now: new Date(now) });
      assert.equal(verdict.outcome, 'rejected');
      assert.equal(evidenceNeeded({ ...caseOf([]), exceptions, now: new Date(now) }), true);
    }
  });

  it('where nothing can be told: that stays inconclusive', () => {
    const gap = { code: 'REGISTRY_UNAVAILABLE', what: 'referrers', detail: 'no answer' } as const;
    const evidence: EvidenceState = { state: 'collected', evidence: evidenceOf(image, [], [gap]) };
    const verdict = judge([except()], { evidence, now: END });
    assert.equal(verdict.outcome, 'inconclusive');
    assert.equal(verdict.first.code, 'REGISTRY_UNAVAILABLE');
  });

  it('and of several the most telling one is named, in whatever order they were seen', () => {
    const ended = except({ expiresAt: '2026-11-20T00:00:00Z' }, 'ended');
    const earlier = except(
      { notBefore: '2026-11-10T00:00:00Z', expiresAt: '2026-11-19T00:00:00Z' },
      'earlier',
    );
    const invalid = except({ expiresAt: '9999-12-31T23:59:59Z' }, 'invalid');
    const foreign = except({ serviceAccounts: ['x'] }, 'foreign');
    const named = (objects: readonly SigningException[]): string | undefined => {
      const result = first(judge(objects));
      return result.outcome === 'rejected' ? result.exception?.name : undefined;
    };
    for (const turn of [0, 1, 2, 3]) {
      const turned = (objects: readonly SigningException[]): SigningException[] => [
        ...objects.slice(turn),
        ...objects.slice(0, turn),
      ];
      assert.equal(named(turned([earlier, foreign, invalid, ended])), 'ended');
      assert.equal(named(turned([foreign, invalid])), 'invalid');
    }
  });
});

describe('several exceptions', () => {
  const instant = (day: number): string => new Date(BEGIN + day * 86_400_000).toISOString();
  const some = <T>(...values: T[]): fc.Arbitrary<T[]> => fc.subarray(values, { minLength: 1 });
  const spec = fc.record({
    policyRef: fc.constantFrom({ name: 'team' }, { name: 'other' }),
    requirements: some('signed', 'ours', 'unknown'),
    digests: some(image.digest, testManifest('other').digest),
    serviceAccounts: some('web', 'admin'),
    notBefore: fc.integer({ min: -5, max: 5 }).map(instant),
    expiresAt: fc.integer({ min: -5, max: 40 }).map(instant),
  });
  const objects = fc
    .array(fc.tuple(spec, fc.constantFrom('checkout', 'tenant'), fc.boolean()), { maxLength: 6 })
    .map((all) =>
      all.map(([edits, namespace, isRevoked], i) => {
        const revoked = { at: instant(0), by: 'lead', reason: 'done' };
        const object = testException(
          [],
          { ...edits, ...(isRevoked ? { revoked } : {}) },
          `e${i.toString()}`,
        );
        return { ...object, metadata: { ...object.metadata, namespace } };
      }),
    );
  const both = compilePolicy(
    'team',
    testPolicy([issuer], { requirements, exceptions: { allowed: true, approval: 'NotRequired' } }),
  );

  it('B6: never combine: what is exempt is exempt by one of them alone', () => {
    fc.assert(
      fc.property(
        objects,
        fc.integer({ min: -6, max: 41 }),
        fc.constantFrom('web', 'admin', 'other'),
        (set, day, serviceAccount) => {
          const question = {
            policy: both,
            now: BEGIN + day * 86_400_000,
            subject: testSubject(image.digest, { serviceAccount }),
          };
          const alone = set.map((object) => judge([object], question));
          judge(set, question).results.forEach((result, i) => {
            const byOne = alone.some((verdict) => verdict.results[i]?.outcome === 'exempt');
            assert.equal(result.outcome === 'exempt', byOne);
          });
        },
      ),
      { numRuns: 300 },
    );
  });

  it('give the same verdict in whatever order they were seen', () => {
    fc.assert(
      fc.property(objects, fc.integer({ min: -6, max: 41 }), (set, day) => {
        const question = { policy: both, now: BEGIN + day * 86_400_000 };
        assert.deepEqual(judge([...set].reverse(), question), judge(set, question));
      }),
    );
  });

  it('spare the registry exactly where the verdict does not need it', () => {
    fc.assert(
      fc.property(objects, fc.integer({ min: -6, max: 41 }), (set, day) => {
        const question = caseOf(set, { policy: both, now: BEGIN + day * 86_400_000 });
        const blind = evaluate({ ...question, evidence: { state: 'not-needed' } });
        assert.equal(evidenceNeeded(question), blind.results[0].outcome !== 'exempt');
        if (!evidenceNeeded(question)) assert.deepEqual(blind, evaluate(question));
      }),
    );
  });
});

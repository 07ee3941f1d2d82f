// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type {
  ExceptionApproval,
  SigningException,
  SigningExceptionSpec,
} from '../../crds/index.ts';
import { compileException, ExceptionIndex, exceptionSpecHash } from '../exception/index.ts';
import { compilePolicy, type CompiledPolicy } from '../policy/index.ts';
import type { Verdict } from '../result.ts';
import {
  assertSoon,
  evidenceOf,
  KeyIssuer,
  testException,
  testManifest,
  testPolicy,
  testSubject,
} from '../testing/index.ts';
import { evaluate, evidenceNeeded, type Case } from './evaluate.ts';
import { unmemoisedFacts } from './facts.ts';

const image = testManifest('image');
const other = testManifest('other');
const issuer = new KeyIssuer();
const HOUR = 3_600_000;
const BEGIN = Date.UTC(2026, 10, 20);
const at = (ms: number): string => new Date(ms).toISOString();

type Rules = Partial<CompiledPolicy['spec']['exceptions']>;
const policyWith = (rules: Rules = {}): CompiledPolicy =>
  compilePolicy(
    'team',
    testPolicy([issuer], {
      exceptions: { allowed: true, incident: { allowed: true, maxDuration: '4h' }, ...rules },
    }),
  );
const policy = policyWith();

interface Edits {
  readonly name?: string;
  readonly created?: number;
  readonly spec?: Partial<SigningExceptionSpec>;
  readonly approved?: boolean | Partial<ExceptionApproval>;
}

/** Four hours from the beginning on, created at the beginning. */
function incident({
  name = 'first',
  created = BEGIN,
  spec,
  approved,
}: Edits = {}): SigningException {
  const times = { notBefore: at(BEGIN), expiresAt: at(BEGIN + 4 * HOUR) };
  const plain = testException([image.digest], { class: 'Incident', ...times, ...spec }, name);
  const metadata = { ...plain.metadata, creationTimestamp: at(created) };
  if (approved === undefined || approved === false) return { ...plain, metadata };
  const approval = {
    approver: 'lead@example.com',
    approvedAt: at(BEGIN),
    specHash: exceptionSpecHash(plain.spec),
    latestExpiresAt: plain.spec.expiresAt,
    ...(approved === true ? {} : approved),
  };
  return { ...plain, metadata, status: { observedGeneration: 1, approvals: [approval] } };
}

/** The one after it: created an hour later, for as long. */
const second = (edits: Edits = {}): SigningException =>
  incident({
    name: 'second',
    created: BEGIN + HOUR,
    ...edits,
    spec: { notBefore: at(BEGIN + HOUR), expiresAt: at(BEGIN + 5 * HOUR), ...edits.spec },
  });

interface Question {
  readonly now?: number;
  readonly policy?: CompiledPolicy;
  readonly manifest?: typeof image;
}

function caseOf(objects: readonly SigningException[], question: Question = {}): Case {
  const { now = BEGIN + 1, manifest = image } = question;
  return {
    policy: question.policy ?? policy,
    subject: testSubject(manifest.digest),
    evidence: { state: 'collected', evidence: evidenceOf(manifest, []) },
    exceptions: new ExceptionIndex(objects.map((object) => compileException(object))),
    now: new Date(now),
    facts: unmemoisedFacts,
    cluster: 'prod',
  };
}

function judge(objects: readonly SigningException[], question: Question = {}): Verdict {
  const asked = caseOf(objects, question);
  const verdict = evaluate(asked);
  assert.deepEqual(evaluate(caseOf([...objects].reverse(), question)), verdict);
  assert.equal(evidenceNeeded(asked), verdict.outcome !== 'exempt');
  return verdict;
}

function admitted(objects: readonly SigningException[], by: string, question?: Question): void {
  const verdict = judge(objects, question);
  const [result] = verdict.results;
  assert.equal(result.outcome, 'exempt');
  assert.equal(result.exception.name, by);
}

function denied(
  objects: readonly SigningException[],
  code: string,
  message: RegExp,
  question?: Question,
): void {
  const verdict = judge(objects, question);
  assert.equal(verdict.outcome, 'rejected');
  assert.equal(verdict.first.code, code);
  assert.equal(verdict.first.underlying, 'NO_SIGNATURE');
  assert.match(verdict.first.message, message);
}

describe('an incident', () => {
  it('has effect before anybody approved it, where the policy allows that', () => {
    admitted([incident()], 'first');
    admitted([incident({ approved: true })], 'first');
  });

  it('has none where the policy does not say so', () => {
    const plain = compilePolicy('team', testPolicy([issuer], { exceptions: { allowed: true } }));
    const message = /the policy allows no exceptions of the class Incident/;
    denied([incident()], 'EXCEPTION_INVALID', message, { policy: plain });
    denied([incident({ approved: true })], 'EXCEPTION_INVALID', message, { policy: plain });
    const none = policyWith({ allowed: false });
    denied([incident()], 'EXCEPTION_INVALID', /allows no exceptions/, { policy: none });
  });

  it('lasts no longer than the policy lets incidents last, whatever it lets others', () => {
    const exact = { expiresAt: at(BEGIN + 4 * HOUR) };
    admitted([incident({ spec: exact })], 'first', { now: BEGIN + 4 * HOUR - 1 });
    const long = { expiresAt: at(BEGIN + 4 * HOUR + 1) };
    denied([incident({ spec: long })], 'EXCEPTION_INVALID', /longer than the 4h/);
    denied([incident({ spec: long, approved: true })], 'EXCEPTION_INVALID', /longer than the 4h/);
  });

  it('ends at its deadline, and says so whether or not anybody approved it', () => {
    const now = BEGIN + 4 * HOUR;
    denied([incident()], 'EXCEPTION_EXPIRED', /ended at/, { now });
    denied([incident({ approved: true })], 'EXCEPTION_EXPIRED', /ended at/, { now });
  });

  it('X27: is judged at the instant that is given, back and forth, with approvals and without', () => {
    const expiresAt = at(BEGIN + 2 * HOUR);
    const objects = [incident({ approved: { expiresAt } }), second()];
    const instants = [-1, 0, 1, 2, 3, 4, 5].map((hour) => BEGIN + hour * HOUR);
    const asked = (now: number): unknown => judge(objects, { now });
    const forth = instants.map(asked);
    const back = [...instants].reverse().map(asked).reverse();
    assert.deepEqual(back, forth);
    assert.deepEqual(instants.map(asked), forth);
  });
});

describe('a second incident', () => {
  const now = BEGIN + 2 * HOUR;
  const later = BEGIN + 4.5 * HOUR;
  const refusal = /second is not approved, nor is the earlier exception checkout\/first/;

  it('has no effect while nobody approved the first', () => {
    admitted([incident(), second()], 'first', { now });
    const void_ = incident({ spec: { serviceAccounts: ['admin'] } });
    denied([void_, second()], 'EXCEPTION_UNAPPROVED', refusal, { now });
  });

  it('has none either once the first has ended or was revoked', () => {
    const verdict = judge([incident(), second()], { now: later });
    assert.equal(verdict.outcome, 'rejected');
    assert.equal(verdict.first.code, 'EXCEPTION_EXPIRED');
    const revoked = { at: at(BEGIN + HOUR), by: 'lead', reason: 'over' };
    assert.equal(judge([incident({ spec: { revoked } }), second()], { now }).outcome, 'rejected');
  });

  it('has none while the first has not begun', () => {
    const spec = { notBefore: at(BEGIN + 3 * HOUR) };
    denied([incident({ spec }), second()], 'EXCEPTION_UNAPPROVED', refusal, { now });
  });

  it('has effect once somebody else approved the first, or the second', () => {
    admitted([incident({ approved: true }), second()], 'second', { now: later });
    admitted([incident(), second({ approved: true })], 'second', { now: later });
    const own = { approver: 'DEV@example.com' };
    assert.equal(
      judge([incident({ approved: own }), second()], { now: later }).outcome,
      'rejected',
    );
  });

  it('has effect still when the approval of the first expired: somebody answered for it', () => {
    const expiresAt = at(BEGIN + 2 * HOUR);
    admitted([incident({ approved: { expiresAt } }), second()], 'second', { now: later });
    const broken = { expiresAt: 'x' };
    assert.equal(
      judge([incident({ approved: broken }), second()], { now: later }).outcome,
      'rejected',
    );
  });

  it('has none where the approval of the first is of another spec, or of an earlier end', () => {
    for (const approved of [
      { specHash: `sha256:${'0'.repeat(64)}` },
      { latestExpiresAt: at(BEGIN + HOUR) },
    ])
      assert.equal(judge([incident({ approved }), second()], { now: later }).outcome, 'rejected');
  });

  it('has effect beside one that never had any: for another policy, digest or namespace, or too long', () => {
    const elsewhere = incident();
    for (const beside of [
      incident({ spec: { policyRef: { name: 'others' } } }),
      incident({ spec: { digests: [other.digest] } }),
      incident({ spec: { expiresAt: at(BEGIN + 5 * HOUR) } }),
      { ...elsewhere, metadata: { ...elsewhere.metadata, namespace: 'tenant' } },
      incident({ spec: { class: 'Planned' } }),
    ])
      admitted([beside, second()], 'second', { now: later });
  });

  it('has effect for those of its digests alone that the first does not name', () => {
    const both = second({ spec: { digests: [image.digest, other.digest] } });
    denied(
      [incident({ spec: { serviceAccounts: ['admin'] } }), both],
      'EXCEPTION_UNAPPROVED',
      refusal,
      {
        now,
      },
    );
    admitted([incident(), both], 'second', { now, manifest: other });
  });

  it('is the later one by creation, whatever its name, its beginning, or the clock of who wrote it', () => {
    const early = { notBefore: at(BEGIN - HOUR), expiresAt: at(BEGIN + 3 * HOUR) };
    const cases = [incident({ name: 'z' }), second({ name: 'a', spec: early })];
    admitted(cases, 'z', { now });
    admitted(cases, 'z', { now: BEGIN + 3.5 * HOUR });
    assert.equal(judge(cases, { now: later }).outcome, 'rejected');
  });

  it('is the later one by name where both came in one second, or nobody knows when', () => {
    const tie = (name: string): SigningException => incident({ name });
    admitted([tie('b'), tie('a')], 'a');
    const unknown = (name: string, creationTimestamp?: string): SigningException => {
      const object = incident({ name });
      const metadata = { name, namespace: 'checkout' };
      return {
        ...object,
        metadata: creationTimestamp === undefined ? metadata : { ...metadata, creationTimestamp },
      };
    };
    admitted([unknown('b'), unknown('a')], 'a');
    // One that is known came before those that are not; what is no instant is not known.
    admitted([unknown('a'), incident({ name: 'b' })], 'b');
    admitted([unknown('a', 'x'), unknown('b', 'y')], 'a');
    const longer = { expiresAt: at(BEGIN + 5 * HOUR), notBefore: at(BEGIN + HOUR) };
    admitted(
      [unknown('a', 'x'), { ...unknown('b', 'y'), spec: { ...unknown('b').spec, ...longer } }],
      'a',
      {
        now: BEGIN + 2 * HOUR,
      },
    );
  });

  it('may be the third: one that is approved does not hide one that is not', () => {
    const third = second({ name: 'third', created: BEGIN + 2 * HOUR });
    const objects = [
      incident(),
      second({ approved: true, spec: { expiresAt: at(BEGIN + 4 * HOUR) } }),
      third,
    ];
    assert.equal(judge(objects, { now: later }).outcome, 'rejected');
  });

  it('of ten thousand is told from the first in a moment', () => {
    const many = Array.from({ length: 10_000 }, (_, i) =>
      incident({ name: `i${i.toString()}`, created: BEGIN + i * 1000 }),
    );
    const asked = caseOf(many);
    const verdict = assertSoon(400, () => evaluate(asked));
    const [result] = verdict.results;
    assert.equal(result.outcome, 'exempt');
    assert.equal(result.exception.name, 'i0');
  });
});

describe('a planned exception', () => {
  const planned = (approved?: Edits['approved']): SigningException =>
    incident({ spec: { class: 'Planned' }, ...(approved === undefined ? {} : { approved }) });

  it('has no effect before it is approved, and is told apart from no exception', () => {
    denied([planned()], 'EXCEPTION_UNAPPROVED', /checkout\/first is not approved$/);
    admitted([planned(true)], 'first');
    const own = { approver: 'dev@example.com' };
    denied(
      [planned(own)],
      'EXCEPTION_UNAPPROVED',
      /is not approved: that of dev@example.com does not count/,
    );
  });

  it('that ended says that before it says that nobody approved it', () => {
    denied([planned()], 'EXCEPTION_EXPIRED', /ended at/, { now: BEGIN + 4 * HOUR });
    denied([planned()], 'EXCEPTION_OUT_OF_SCOPE', /begins at/, { now: BEGIN - 1 });
    const strict = policyWith({ allowed: false });
    denied([planned()], 'EXCEPTION_INVALID', /allows no exceptions/, { policy: strict });
  });

  it('X27: loses effect when its approval expires, and has it again when the clock goes back', () => {
    const expiresAt = at(BEGIN + HOUR);
    const outcome = (now: number): string => judge([planned({ expiresAt })], { now }).outcome;
    const end = BEGIN + HOUR;
    assert.deepEqual([end - 1, end, end - 1].map(outcome), ['exempt', 'rejected', 'exempt']);
    denied([planned({ expiresAt })], 'EXCEPTION_UNAPPROVED', /has expired/, { now: end });
  });
});

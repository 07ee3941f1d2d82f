// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { SigningException } from '../../crds/index.ts';
import { evaluate, evidenceNeeded, type Case } from '../evaluate/index.ts';
import { unmemoisedFacts } from '../evaluate/facts.ts';
import {
  approvalStatement,
  compileException,
  ExceptionIndex,
  exceptionSpecHash,
  type CompiledException,
} from '../exception/index.ts';
import { compilePolicy, type CompiledPolicy } from '../policy/index.ts';
import {
  assertSoon,
  cpuMilliseconds,
  evidenceOf,
  keylessAuthority,
  KeyIssuer,
  testException,
  testManifest,
  testPolicy,
  testSubject,
  TestSigstore,
} from '../testing/index.ts';
import { ApprovalAllowance } from './allowance.ts';
import {
  approvalBoundaries,
  approvalOf,
  everApproved,
  hasUnverifiedApprovals,
} from './approval.ts';

const image = testManifest('image');
const NOW = Date.UTC(2026, 10, 21);
const END = '2026-11-27T00:00:00Z';
const wasApproved = (...asked: Parameters<typeof everApproved>): boolean =>
  everApproved(...asked).state !== 'unapproved';
const MOMENT = { now: NOW, cluster: 'prod' };
const lead = new KeyIssuer();
const sigstore = new TestSigstore();
const plain = testException([image.digest]);
const hash = exceptionSpecHash(plain.spec);

function policyOf(keys: readonly KeyIssuer[], root?: string): CompiledPolicy {
  const keyed = keys.map((key, i) => ({
    name: `lead-${i.toString()}`,
    key: { material: { inline: key.publicKeyPem } },
  }));
  const subject = (i: number): string => `https://example.com/${i.toString()}`;
  const keyless = Array.from({ length: root === undefined ? 0 : 8 - keys.length }, (_, i) => ({
    ...keylessAuthority(root ?? '', { name: `release-${i.toString()}` }),
  })).map(({ name, keyless: signer }, i) => ({
    name,
    keyless: { ...signer, subject: subject(i) },
  }));
  const base = testPolicy([new KeyIssuer()]);
  const approvers = [...keyed, ...keyless];
  return compilePolicy('team', {
    ...base,
    authorities: [...(base.authorities ?? []), ...approvers],
    exceptions: { allowed: true, approvers: approvers.map(({ name }) => name) },
  });
}

const statement = (edits: object = {}): Record<string, unknown> => {
  const place = { cluster: 'prod', namespace: 'checkout', name: 'hotfix' };
  const made = approvalStatement(hash, { ...place, latestExpiresAt: END, expiresAt: END });
  return { ...made, predicate: { ...made.predicate, ...edits } };
};

const signed = (content: unknown, by = lead): string =>
  by.bundle(hash, { payload: Buffer.from(JSON.stringify(content)) }).toString();

function exceptionWith(bundles: readonly string[], name = 'hotfix'): CompiledException {
  const object: SigningException = testException([image.digest], {}, name);
  const spec = { ...object.spec, approvals: bundles.map((bundle) => ({ bundle })) };
  return compileException({ ...object, spec });
}

describe('a signed approval that is made up', () => {
  const policy = policyOf([lead]);
  const detailOf = (content: unknown): string => {
    const approval = approvalOf(exceptionWith([signed(content)]), policy, MOMENT);
    return approval.state === 'unapproved' ? approval.detail : approval.state;
  };

  it('counts while nothing is made up, in whatever zone its instants are', () => {
    assert.equal(detailOf(statement()), 'approved');
    const zoned = { latestExpiresAt: '2026-11-27T05:30:00+05:30' };
    assert.equal(detailOf(statement(zoned)), 'approved');
    assert.match(
      detailOf(statement({ latestExpiresAt: '2026-11-27T05:29:59+05:30' })),
      /is for an earlier end/,
    );
  });

  for (const [what, edits, detail] of [
    ['is for a leap second', { latestExpiresAt: '2026-12-31T23:59:60Z' }, /predicate\.latestExp/],
    ['names an instant without zone', { expiresAt: '2026-11-27T00:00:00' }, /predicate\.expiresAt/],
    ['names a day that is none', { expiresAt: '2026-02-30T00:00:00Z' }, /predicate\.expiresAt/],
    ['names a number for an instant', { latestExpiresAt: 4e12 }, /predicate\.latestExpiresAt/],
    ['is for no cluster', { cluster: '' }, /predicate\.cluster/],
    ['is for a cluster in another case', { cluster: 'Prod' }, /for the cluster "Prod"/],
    ['ends before it begins', { latestExpiresAt: '2026-11-01T00:00:00Z' }, /for an earlier end/],
    [
      'moves the slash between namespace and name',
      { namespace: 'checkout/hot', name: 'fix' },
      /is for the exception "checkout\/hot\/fix"/,
    ],
  ] as const) {
    it(`X26: does not count where it ${what}`, () =>
      assert.match(detailOf(statement(edits)), detail));
  }

  it('X26: does not count where the hash is the name of its subject, and not the digest', () => {
    const subject = [{ name: hash, digest: { sha256: '0'.repeat(64) } }];
    assert.match(detailOf({ ...statement(), subject }), /is of another spec/);
    const sha512 = [{ name: 'x', digest: { sha512: hash.slice('sha256:'.length) } }];
    assert.match(detailOf({ ...statement(), subject: sha512 }), /another spec|PAYLOAD_MALFORMED/);
  });

  it('X26: does not count for another trust, though it was verified by an earlier one', () => {
    const exception = exceptionWith([signed(statement())]);
    assert.equal(approvalOf(exception, policy, MOMENT).state, 'approved');
    assert.equal(approvalOf(exception, policyOf([new KeyIssuer()]), MOMENT).state, 'unapproved');
    assert.equal(approvalOf(exception, policy, MOMENT).state, 'approved');
    const elsewhere = { ...MOMENT, cluster: 'dev' };
    assert.equal(approvalOf(exception, policy, elsewhere).state, 'unapproved');
  });

  it('is remembered as once given after it expired, and only while its signer counts', () => {
    const exception = exceptionWith([signed(statement({ expiresAt: '2026-11-20T12:00:00Z' }))]);
    assert.equal(approvalOf(exception, policy, MOMENT).state, 'unapproved');
    assert.equal(wasApproved(exception, policy, MOMENT), true);
    for (const [what, other] of [
      ['another cluster', { cluster: 'dev' }],
      ['another object', { name: 'second' }],
      ['an earlier end', { latestExpiresAt: '2026-11-26T00:00:00Z' }],
    ] as const)
      assert.equal(
        wasApproved(exceptionWith([signed(statement(other))]), policy, MOMENT),
        false,
        what,
      );
    assert.equal(
      wasApproved(exceptionWith([signed(statement(), new KeyIssuer())]), policy, MOMENT),
      false,
    );
    assert.equal(wasApproved(exceptionWith([]), policy, MOMENT), false);
  });
});

describe('exceptions full of bundles', () => {
  const foreign = { digest: hash, bytes: Buffer.alloc(0), mediaType: '' };
  const large = (): string =>
    sigstore
      .bundle(foreign, {
        predicateType: 'https://countersign.dev/exception-approval/v1',
        predicate: { pad: 'x'.repeat(40_000) },
      })
      .toString();
  const policy = policyOf([], sigstore.trustedRoot());
  const full = Array.from({ length: 4 }, large);
  const many = (count: number): readonly CompiledException[] =>
    Array.from({ length: count }, (_, i) => exceptionWith(full, `junk-${i.toString()}`));
  const caseOf = (exceptions: readonly CompiledException[]): Case => ({
    policy,
    subject: testSubject(image.digest),
    evidence: { state: 'collected', evidence: evidenceOf(image, []) },
    exceptions: new ExceptionIndex(exceptions),
    now: new Date(NOW),
    facts: unmemoisedFacts,
    cluster: 'prod',
  });

  it('hold up one judgement no longer than two of them do', () => {
    assert.ok(full.every((bundle) => bundle.length > 50_000 && bundle.length < 65_536));
    const question = caseOf(many(50));
    const verdict = assertSoon(200, () => evaluate(question));
    assert.equal(verdict.outcome, 'rejected');
    assert.equal(verdict.first.code, 'EXCEPTION_UNAPPROVED');
    assert.match(verdict.first.message, /IDENTITY_MISMATCH|not verified yet: there are many/);
  });

  it('do not keep one that is approved from having effect: what is verified stays so', () => {
    const approved: CompiledException = {
      ...exceptionWith([], 'zz'),
      approvals: [
        { approver: 'lead', specHash: hash, latestExpiresAt: Infinity, expiresAt: Infinity },
      ],
    };
    assert.equal(evaluate(caseOf([...many(10), approved])).outcome, 'exempt');
    const release = policyOf([lead], sigstore.trustedRoot());
    const question = {
      ...caseOf([...many(5), exceptionWith([signed(statement())])]),
      policy: release,
    };
    const outcomes = Array.from({ length: 3 }, () => {
      const isNeeded = evidenceNeeded(question);
      const { outcome } = evaluate(question);
      // It may get further in between, never less far.
      assert.ok(isNeeded || outcome === 'exempt');
      return outcome;
    });
    assert.equal(outcomes.at(-1), 'exempt');
  });

  it('are told as not verified, and verified by and by where instants are asked for', () => {
    const exceptions = many(3);
    assert.deepEqual(
      exceptions.map((one) => hasUnverifiedApprovals(one, policy)),
      [true, true, true],
    );
    const allowance = new ApprovalAllowance();
    exceptions.forEach((one) => approvalBoundaries(one, policy, allowance));
    assert.deepEqual(
      exceptions.map((one) => hasUnverifiedApprovals(one, policy)),
      [false, false, true],
    );
    assert.equal(hasUnverifiedApprovals(exceptionWith([]), policy), false);
  });

  it('cost nothing once they were verified', () => {
    const question = caseOf(many(2));
    evaluate(question);
    assert.ok(cpuMilliseconds(() => evaluate(question)) < 20);
  });
});

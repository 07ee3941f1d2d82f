// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { SigningException } from '../../../crds/index.ts';
import {
  compileException,
  ExceptionIndex,
  VerificationError,
} from '../../../verification/index.ts';
import { testException } from '../../../verification/testing/index.ts';
import {
  DIGEST,
  judgedWith,
  observedImage,
  policyNamed,
  resultWith,
} from '../../__fixtures__/findings.ts';
import type { Finding } from './examine.ts';
import { nextLookMs } from './schedule.ts';

const MINUTE = 60_000;
const HOUR = 3_600_000;
const BEGIN = Date.parse('2026-11-20T00:00:00Z');
const END = Date.parse('2026-11-27T00:00:00Z');
const DAY = 24 * HOUR;

interface Case {
  readonly findings: readonly Finding[];
  readonly exceptions?: readonly SigningException[];
  readonly since?: number;
  readonly now?: number;
  readonly random?: number;
}

function next(look: Case): number | undefined {
  const { findings, exceptions = [], now = BEGIN, since = now, random = 0 } = look;
  const index = new ExceptionIndex(exceptions.map(compileException));
  const ground = { namespace: 'checkout', exceptions: index };
  return nextLookMs({ findings, ground, since, now, random: () => random });
}

describe('the next look at a workload', () => {
  const verified = judgedWith(resultWith('verified'));
  const approvable = policyNamed('team', {
    exceptions: { allowed: true, approvers: ['key-0'] },
    reverification: { interval: '168h' },
  });

  it('is when the evidence of its first image is due, never early', () => {
    const later = judgedWith(resultWith('verified'), { dueInMs: 2 * HOUR });
    assert.equal(next({ findings: [later, verified] }), HOUR);
    assert.equal(next({ findings: [verified], random: 1 }), HOUR * 1.2);
    for (const random of [0, 0.3, 0.999])
      assert.ok((next({ findings: [verified], random }) ?? 0) >= HOUR);
  });

  it('is soon where evidence was due and could not be read', () => {
    for (const dueInMs of [0, -5])
      assert.equal(next({ findings: [judgedWith(resultWith('verified'), { dueInMs })] }), MINUTE);
  });

  it('is soon where something could not be told, and not where evidence said no', () => {
    assert.equal(next({ findings: [judgedWith(resultWith('inconclusive')), verified] }), MINUTE);
    assert.equal(next({ findings: [judgedWith(resultWith('rejected'))] }), HOUR);
    const observed = observedImage();
    const policies = [policyNamed('team', { reverification: { interval: '2h' } })];
    const unread = new VerificationError('REGISTRY_UNAVAILABLE', '503');
    assert.equal(next({ findings: [{ observed, error: unread, policies }] }), MINUTE);
    const tag = new VerificationError('DIGEST_REQUIRED', 'no digest');
    assert.equal(next({ findings: [{ observed, error: tag, policies }] }), 2 * HOUR);
  });

  it('is none where nothing but a change can make a difference', () => {
    const error = new VerificationError('NO_POLICY', 'none');
    assert.equal(next({ findings: [] }), undefined);
    assert.equal(
      next({ findings: [{ observed: observedImage(), error, policies: [] }] }),
      undefined,
    );
  });

  it('is right after the last instant at which what was verified holds', () => {
    const until = resultWith('verified', { holdsUntil: BEGIN + 5 * MINUTE });
    assert.equal(next({ findings: [judgedWith(until)] }), 5 * MINUTE + 2);
    assert.equal(next({ findings: [judgedWith(until)], now: BEGIN + 6 * MINUTE }), HOUR);
  });

  it('is soon where kept evidence bridges an outage, and right after that is over', () => {
    const policy = policyNamed('team', {
      onInconclusive: { action: 'AllowLastVerified', maxAge: '90m' },
    });
    const judged = judgedWith(resultWith('verified'), { policy });
    const lastVerified = {
      collectedAt: new Date(BEGIN),
      code: 'REGISTRY_UNAVAILABLE',
      message: '503',
    } as const;
    const policies = judged.policies.map((each) => ({ ...each, lastVerified }));
    const bridged = { ...judged, policies };
    assert.equal(next({ findings: [bridged] }), MINUTE);
    assert.equal(next({ findings: [bridged], now: BEGIN + 90 * MINUTE - 1_000 }), 1_002);
    assert.equal(next({ findings: [bridged], now: BEGIN + 90 * MINUTE }), 2);
  });

  it('X25: is at once where an exception ended while it was being looked', () => {
    const exceptions = [testException([DIGEST])];
    const look = { findings: [verified], exceptions, since: END - 1, now: END + 30 };
    assert.equal(next(look), 1);
    assert.equal(next({ ...look, since: END }), HOUR);
  });

  it('X25: is right after the next instant at which an exception begins or ends, without jitter', () => {
    const exceptions = [testException([DIGEST])];
    const look = (now: number): unknown =>
      next({ findings: [verified], exceptions, now, random: 0.5 });
    assert.equal(look(BEGIN - 1000), 1001);
    assert.equal(look(BEGIN - HOUR), HOUR + 1);
    assert.equal(look(END - 1), 2);
    for (const now of [BEGIN, END]) assert.equal(look(now), HOUR * 1.1);
  });

  it('X25: is never beyond that instant for an exception that somebody else could mean', () => {
    for (const exceptions of [
      [testException([DIGEST], { policyRef: { name: 'other' } })],
      [testException([`sha256:${'b'.repeat(64)}`])],
      [{ ...testException([DIGEST]), metadata: { name: 'x', namespace: 'elsewhere' } }],
    ]) {
      assert.equal(next({ findings: [verified], exceptions, now: END - 1000 }), HOUR);
    }
    const account = [testException([DIGEST], { serviceAccounts: ['other'] })];
    assert.equal(next({ findings: [verified], exceptions: account, now: END - 1000 }), 1001);
  });

  it('is at the first of many boundaries', () => {
    const exceptions = [
      testException([DIGEST]),
      testException([DIGEST], { expiresAt: '2026-11-20T00:00:30Z' }, 'short'),
    ];
    assert.equal(next({ findings: [verified], exceptions }), 30_001);
  });

  it('is soon where signed approvals could not be verified yet, as there are many', () => {
    const approved = judgedWith(resultWith('verified'), { policy: approvable });
    const bundles = Array.from({ length: 4 }, () => ({ bundle: '{}' }));
    const exceptions = [testException([DIGEST], { approvals: bundles })];
    assert.equal(next({ findings: [approved], exceptions, now: END + 1 }), MINUTE);
  });

  it('X25: is told for an image that ten thousand exceptions name', () => {
    const exceptions = Array.from({ length: 10_000 }, (_, i) => {
      const object = testException([DIGEST], {}, `e${i.toString()}`);
      const approval = (n: number) => ({
        approver: `lead-${n.toString()}`,
        approvedAt: '2026-11-20T00:00:00Z',
        specHash: DIGEST,
        latestExpiresAt: '2026-11-27T00:00:00Z',
        expiresAt: '2026-11-26T00:00:00Z',
      });
      const approvals = Array.from({ length: 16 }, (__, n) => approval(n));
      return { ...object, status: { observedGeneration: 1, approvals } };
    });
    const now = END - 2 * DAY;
    assert.equal(
      next({
        findings: [judgedWith(resultWith('verified'), { policy: approvable, dueInMs: 30 * DAY })],
        exceptions,
        now,
      }),
      DAY + 1,
    );
  });
});

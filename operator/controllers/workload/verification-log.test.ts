// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'mocha';
import type { AuditRecord } from '../../../runtime/audit/index.ts';
import { fixedClock, type FixedClock } from '../../../runtime/clock-testing.ts';
import { VerificationError } from '../../../verification/index.ts';
import type { ReportResult } from '../../reporting/index.ts';
import type { Finding } from './examine.ts';
import { VerificationLog, type JudgedWorkload, type Verified } from './verification-log.ts';

const DIGEST = `sha256:${'1'.repeat(64)}`;
const WORKLOAD = { kind: 'Deployment', metadata: { name: 'web', namespace: 'team' } };

function result(id: string, overrides: Partial<ReportResult> = {}): ReportResult {
  return {
    source: 'countersign',
    policy: 'images',
    rule: 'signed',
    category: 'Image Signature',
    severity: 'high',
    result: 'fail',
    scored: true,
    message: 'no signature',
    properties: { resultID: id, image: 'r/a', digest: DIGEST, reason: 'NO_SIGNATURE' },
    ...overrides,
  };
}

describe('what is told of verifications', () => {
  let clock: FixedClock;
  let records: AuditRecord[];
  let verified: Verified[];
  let log: VerificationLog;

  beforeEach(() => {
    clock = fixedClock();
    records = [];
    verified = [];
    log = new VerificationLog({
      clock,
      audit: {
        sink: { append: (record) => void records.push(record), drop: () => undefined },
        annotations: [],
      },
      onVerified: (one) => void verified.push(one),
    });
  });
  const judged = (
    results: readonly ReportResult[],
    more: Partial<JudgedWorkload> = {},
    key = 'web',
  ): void =>
    log.judged(key, {
      workload: WORKLOAD,
      findings: [],
      results,
      before: undefined,
      again: true,
      ...more,
    });

  it('is a record for each result that is new', () => {
    judged([result('a')]);
    assert.deepEqual(records, [
      {
        process: 'background',
        time: new Date('2026-01-01T00:00:00Z'),
        namespace: 'team',
        workload: { kind: 'Deployment', name: 'web' },
        policy: 'images',
        requirement: 'signed',
        mode: 'Enforce',
        verdict: 'rejected',
        message: 'no signature',
        reason: 'NO_SIGNATURE',
        image: 'r/a',
        digest: DIGEST,
      },
    ]);
    judged([result('a')]);
    assert.equal(records.length, 1);
    const properties = { resultID: 'b', image: 'r/a', identity: 'sha256:k', authority: 'key' };
    judged([result('b', { result: 'pass', properties })]);
    const { verdict, identity, authority, message } = records[1] ?? {};
    assert.deepEqual(
      [verdict, identity, authority, message],
      ['verified', 'sha256:k', 'key', undefined],
    );
    judged([result('a')]);
    assert.equal(records.length, 3);
  });

  it('knows from reports what was told before a start', () => {
    const before = { metadata: { name: 'r' }, results: [{ properties: { resultID: 'a' } }] };
    judged([result('a'), result('b')], { before });
    assert.equal(records.length, 1);
  });

  it('tells a warning as a rejection that does not count, an exemption with its exception', () => {
    const properties = { resultID: 'b', exception: 'team/e', exceptionExpires: '2026-01-02' };
    judged([
      result('a', { result: 'warn', scored: false }),
      result('b', { result: 'skip', properties }),
      result('c', { result: 'error' }),
    ]);
    assert.deepEqual(
      records.map((r) => [r.verdict, r.mode, r.exception, r.exceptionExpires]),
      [
        ['rejected', 'Audit', undefined, undefined],
        ['exempt', 'Enforce', 'team/e', '2026-01-02'],
        ['inconclusive', 'Enforce', undefined, undefined],
      ],
    );
  });

  it('tells since when evidence is that bridges an outage, and why', () => {
    const evidenceFrom = '2026-01-01T00:00:00.000Z';
    const properties = { resultID: 'a', evidenceFrom, reason: 'REGISTRY_UNAVAILABLE' };
    judged([result('a', { result: 'pass', properties })]);
    assert.deepEqual(
      records.map((r) => [r.verdict, r.reason, r.evidenceFrom]),
      [['verified', 'REGISTRY_UNAVAILABLE', evidenceFrom]],
    );
  });

  it('counts every verdict, also of what could not be judged', () => {
    const verdicts = [
      { outcome: 'verified' },
      { outcome: 'rejected', first: { code: 'NO_SIGNATURE' } },
    ];
    const bridged = { verdict: { outcome: 'verified' }, lastVerified: {} };
    const finding = { policies: [...verdicts.map((verdict) => ({ verdict })), bridged] };
    const error = new VerificationError('REGISTRY_UNAVAILABLE', 'no');
    const findings = [
      finding,
      { error, policies: [{}, {}] },
      { error: new VerificationError('NO_POLICY', 'no'), policies: [] },
    ] as unknown as readonly Finding[];
    judged([], { findings });
    const inconclusive = { outcome: 'inconclusive', reason: 'REGISTRY_UNAVAILABLE' };
    assert.deepEqual(verified, [
      { outcome: 'verified' },
      { outcome: 'rejected', reason: 'NO_SIGNATURE' },
      { outcome: 'verified', isBridged: true },
      inconclusive,
      inconclusive,
      { outcome: 'rejected', reason: 'NO_POLICY' },
    ]);
  });

  it('says which workload has waited longest, of those that are judged again', async () => {
    assert.equal(log.oldest, undefined);
    const start = clock.now().getTime();
    judged([], { again: false }, 'never');
    judged([], {}, 'a');
    await clock.advance(1000);
    judged([], {}, 'b');
    assert.equal(log.oldest, start);
    judged([], {}, 'a');
    assert.equal(log.oldest, start + 1000);
    log.gone('a');
    judged([], { again: false }, 'b');
    assert.equal(log.oldest, undefined);
  });

  it('keeps no records where no audit log is kept', () => {
    log = new VerificationLog({ clock, audit: undefined, onVerified: () => undefined });
    judged([result('a')]);
    assert.deepEqual(records, []);
  });
});

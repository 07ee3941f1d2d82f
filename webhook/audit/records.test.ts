// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'mocha';
import type { SigningException } from '../../crds/index.ts';
import type { AuditRecord } from '../../runtime/audit/index.ts';
import { fixedClock } from '../../runtime/clock-testing.ts';
import { silentLogger } from '../../runtime/log/index.ts';
import { VerificationError } from '../../verification/index.ts';
import { HandlerFixture } from '../__fixtures__/handlers.ts';
import { HOST } from '../__fixtures__/registry.ts';
import { createOf, podObject, templateObject } from '../__fixtures__/requests.ts';
import { denied } from '../admission/respond.ts';
import { Deadline } from '../deadline.ts';
import type { AdmissionRequest } from '../admission/decode.ts';
import type { Folded } from '../handlers/fold.ts';
import { AdmissionAudit } from './admission-audit.ts';

/** The fields that matter, of those that are there. */
function shortOf(record: AuditRecord, ...names: readonly (keyof AuditRecord)[]): unknown {
  return names.map((name) => record[name]);
}

describe('the audit records of an answer', () => {
  let fixture: HandlerFixture;
  let signed: string;
  let unsigned: string;
  let records: AuditRecord[];
  let dropped: number;
  let audit: AdmissionAudit;

  beforeEach(() => {
    fixture = new HandlerFixture();
    signed = `${HOST}/team/app:1.0@${fixture.registry.push('team/app:1.0', [fixture.key])}`;
    unsigned = `${HOST}/team/bad:1.0@${fixture.registry.push('team/bad:1.0')}`;
    fixture.enforce({ team: {} });
    records = [];
    dropped = 0;
    const sink = {
      append: (record: AuditRecord): void => void records.push(record),
      drop: (count: number): void => void (dropped += Math.max(count, 0)),
    };
    const annotations = ['ci.example/run'];
    audit = new AdmissionAudit({ sink, annotations }, fixedClock(), silentLogger);
  });
  const told = async (request: AdmissionRequest): Promise<readonly AuditRecord[]> => {
    const folded = await fixture.verify.handle(request, new Deadline(fixture.clock, 9000));
    audit.decided('verify', request, folded);
    return records;
  };
  const EXPIRES = '2026-11-20T12:00:10Z';
  const exception = (): SigningException => ({
    metadata: { name: 'until-friday', namespace: 'team' },
    spec: {
      policyRef: { name: 'team' },
      requirements: ['signed'],
      digests: [unsigned.split('@')[1] ?? ''],
      serviceAccounts: ['default'],
      notBefore: '2026-11-20T00:00:00Z',
      expiresAt: EXPIRES,
      reason: 'a reason of more than twenty characters',
      owner: 'team@example.com',
      requestedBy: 'alice',
      class: 'Planned',
    },
  });

  it('say who, where, what, by whom it was signed, and the run that brought it', async () => {
    const metadata = {
      name: 'web-1-x',
      annotations: { 'ci.example/run': '4711', 'ci.example/other': 'x' },
      ownerReferences: [
        { kind: 'Other', name: 'o' },
        { kind: 'ReplicaSet', name: 'web-1', controller: true },
      ],
    };
    const [record, ...more] = await told(
      createOf(podObject({ containers: [signed, signed], metadata })),
    );
    assert.deepEqual(more, []);
    assert.deepEqual(record, {
      process: 'admission',
      time: new Date('2026-01-01T00:00:00Z'),
      uid: 'uid-1',
      webhook: 'verify',
      user: 'alice',
      operation: 'CREATE',
      dryRun: false,
      decision: 'allowed',
      namespace: 'team',
      workload: { kind: 'ReplicaSet', name: 'web-1' },
      change: { 'ci.example/run': '4711' },
      image: signed,
      digest: signed.split('@')[1],
      policy: 'team',
      requirement: 'signed',
      mode: 'Enforce',
      verdict: 'verified',
      authority: 'release-key',
      identity: fixture.key.fingerprint,
    });
  });

  it('tell each image of a denied request with its own verdict', async () => {
    await told(createOf(podObject({ containers: [signed, unsigned] }), { dryRun: true }));
    const names = ['image', 'verdict', 'reason', 'decision', 'dryRun', 'mode'] as const;
    assert.deepEqual(
      records.map((r) => shortOf(r, ...names)),
      [
        [signed, 'verified', undefined, 'denied', true, 'Enforce'],
        [unsigned, 'rejected', 'NO_SIGNATURE', 'denied', true, 'Enforce'],
      ],
    );
  });

  it('name the exception that let an image in, and the one that has ended', async () => {
    fixture.enforce({ team: { exceptions: { allowed: true, approval: 'NotRequired' } } });
    fixture.except(exception());
    const request = createOf(podObject({ containers: [unsigned] }));
    await told(request);
    fixture.clock.advance(10_000);
    await told(request);
    const names = ['verdict', 'reason', 'exception', 'exceptionExpires', 'decision'] as const;
    const [first, second] = records.map((r) => shortOf(r, ...names));
    assert.deepEqual(first, ['exempt', undefined, 'team/until-friday', EXPIRES, 'allowed']);
    assert.deepEqual(second, [
      'rejected',
      'EXCEPTION_EXPIRED',
      'team/until-friday',
      EXPIRES,
      'denied',
    ]);
  });

  it('tell what counts in Audit as allowed', async () => {
    fixture.enforce({ team: { mode: 'Audit' } });
    await told(createOf(podObject({ containers: [unsigned] })));
    assert.deepEqual(
      records.map((r) => shortOf(r, 'verdict', 'mode', 'decision')),
      [['rejected', 'Audit', 'allowed']],
    );
  });

  it('tell an image that no policy matches, by tag too, and not one that a policy ignores', async () => {
    const digest = `sha256:${'1'.repeat(64)}`;
    await told(
      createOf(podObject({ containers: ['other.example/a:1', `other.example/b@${digest}`] })),
    );
    fixture.enforce({ team: { templates: 'Ignore' } });
    await told(createOf(templateObject('Deployment', { containers: [unsigned] })));
    assert.deepEqual(
      records.map((r) => shortOf(r, 'image', 'digest', 'verdict', 'policy')),
      [
        ['other.example/a:1', undefined, 'unmatched', undefined],
        [`other.example/b@${digest}`, digest, 'unmatched', undefined],
      ],
    );
  });

  it('tell an image that was not judged by digest, with the policy that demands it', async () => {
    await told(createOf(podObject({ containers: [`${HOST}/team/app:1.0`, 'not an image'] })));
    fixture.registry.fault = new VerificationError('REGISTRY_UNAVAILABLE', 'connection refused');
    await told(createOf(templateObject('Deployment', { containers: [`${HOST}/team/app:1.0`] })));
    assert.deepEqual(
      records.map((r) => shortOf(r, 'verdict', 'reason', 'policy', 'mode', 'decision')),
      [
        ['rejected', 'DIGEST_REQUIRED', 'team', 'Enforce', 'denied'],
        ['rejected', 'REF_INVALID', 'team', 'Enforce', 'denied'],
        ['inconclusive', 'REGISTRY_UNAVAILABLE', 'team', 'Enforce', 'allowed'],
      ],
    );
  });

  it('tell a denial that came to no image, and nothing of an answer that decided nothing', async () => {
    fixture.program.snapshot = undefined;
    await told(createOf(podObject({ containers: [signed] })));
    fixture.enforce({ team: {} });
    await told(createOf(podObject({ containers: [] })));
    const request = createOf({ kind: 'ImageTrustPolicy', metadata: { generateName: 'p-' } });
    const folded: Folded = { response: denied('uid-1', 'a: b\nc', []), code: 'POLICY_INVALID' };
    audit.decided('resources', request, folded);
    audit.unreadable('pin', 'uid-2', 'request.kind: missing');
    assert.deepEqual(
      records.map((r) => shortOf(r, 'webhook', 'uid', 'verdict', 'reason', 'decision')),
      [
        ['verify', 'uid-1', 'inconclusive', 'NOT_PROGRAMMED', 'denied'],
        ['resources', 'uid-1', 'rejected', 'POLICY_INVALID', 'denied'],
        ['pin', 'uid-2', 'rejected', 'REQUEST_MALFORMED', 'denied'],
      ],
    );
    assert.deepEqual(records[1]?.workload, { kind: 'ImageTrustPolicy', name: 'p-' });
    assert.equal(records[1].message, 'a: b');
  });

  it('F4: are bounded in number, and the rest is counted', async () => {
    const containers = Array.from({ length: 300 }, (_, n) => `other.example/a${n.toString()}:1`);
    await told(createOf(podObject({ containers })));
    assert.deepEqual([records.length, dropped], [256, 44]);
  });

  it('harm nothing where they cannot be made', async () => {
    const request = createOf(podObject({ containers: [signed] }));
    const folded = await fixture.verify.handle(request, new Deadline(fixture.clock, 9000));
    const object = Object.defineProperty({}, 'metadata', {
      get: () => {
        throw new Error('no');
      },
    });
    audit.decided('verify', { ...request, object }, folded);
    assert.deepEqual([records.length, dropped], [0, 1]);
  });
});

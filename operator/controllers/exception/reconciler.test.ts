// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type {
  ImageTrustPolicy,
  SigningException,
  SigningExceptionSpec,
  SigningExceptionStatus,
} from '../../../crds/index.ts';
import { fixedClock } from '../../../runtime/clock-testing.ts';
import { FollowedExceptions } from '../../../runtime/exceptions/index.ts';
import { KubeError } from '../../../runtime/kube/index.ts';
import { silentLogger } from '../../../runtime/log/index.ts';
import { PolicySnapshot } from '../../../runtime/program/index.ts';
import { compilePolicy } from '../../../verification/index.ts';
import { KeyIssuer, testException, testPolicy } from '../../../verification/testing/index.ts';
import { FakeApi } from '../../__fixtures__/fake-api.ts';
import { ExceptionUsageBoard } from '../../state/exception-usage.ts';
import type { ObjectEvent } from '../../status/events.ts';
import { ExceptionReconciler } from './reconciler.ts';

const GROUP = '/apis/countersign.dev/v1alpha1';
const PATH = `${GROUP}/namespaces/checkout/signingexceptions/hotfix`;
const POLICIES = `${GROUP}/imagetrustpolicies`;
const KEY = 'checkout/hotfix';
const DIGEST = `sha256:${'a'.repeat(64)}`;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** Twenty days after the begin. */
const ENDS = '2026-12-10T00:00:00Z';
const spec = testPolicy([new KeyIssuer()], {
  exceptions: { allowed: true, approval: 'NotRequired' },
});
const snapshot = new PolicySnapshot(1, 'Allow', [compilePolicy('team', spec)]);

function setup(start = '2026-11-20T00:00:00Z') {
  const api = new FakeApi();
  const clock = fixedClock(start);
  const program: { snapshot: PolicySnapshot | undefined } = { snapshot };
  const recorded: ObjectEvent[] = [];
  const apply = (edits: Partial<SigningExceptionSpec> = {}, generation = 1): void => {
    const { metadata, spec: written } = testException([DIGEST], { expiresAt: ENDS, ...edits });
    const status = api.at<SigningException>(PATH)?.status;
    const kept = status === undefined ? {} : { status };
    api.seed(PATH, { metadata: { ...metadata, generation }, ...{ spec: written }, ...kept });
  };
  const policies = api.mirror<ImageTrustPolicy>(POLICIES);
  const exceptions = api.mirror<SigningException>(`${GROUP}/signingexceptions`);
  const enqueued: string[] = [];
  const usage = new ExceptionUsageBoard({ clock, onChange: (key) => enqueued.push(key) });
  const board = { isComplete: true };
  const reconciler = new ExceptionReconciler({
    api,
    exceptions,
    policies,
    program,
    index: new FollowedExceptions(exceptions, silentLogger, () => false),
    usage,
    board,
    reviewMs: 168 * HOUR,
    enqueue: (keys) => enqueued.push(...keys),
    events: { record: (_object, event) => recorded.push(event) },
    clock,
  });
  const reasons = (): readonly string[] => recorded.map(({ type, reason }) => `${type} ${reason}`);
  const active = (): string | undefined =>
    api.at<SigningException>(PATH)?.status?.conditions?.find((c) => c.type === 'Active')?.reason;
  const status = (): SigningExceptionStatus | undefined => api.at<SigningException>(PATH)?.status;
  const parts = { api, clock, program, apply, reconciler, usage, board };
  return { ...parts, reasons, active, status, enqueued };
}

describe('the reconciler of exceptions', () => {
  it('writes the status once, and nothing when nothing changed', async () => {
    const { api, apply, reconciler, clock } = setup();
    apply();
    await reconciler.reconcile(KEY);
    await clock.advance(HOUR);
    await reconciler.reconcile(KEY);
    assert.deepEqual(
      api.writes.map(({ verb, path }) => [verb, path]),
      [['patch', `${PATH}/status`]],
    );
  });

  it('X25: comes back right after the next boundary, and ends it then by itself', async () => {
    const { apply, reconciler, clock, active } = setup('2026-11-19T23:00:00Z');
    apply();
    const first = await reconciler.reconcile(KEY);
    assert.deepEqual([first, active()], [{ requeueAfterMs: HOUR + 1 }, 'NotYetActive']);
    await clock.advance(first.requeueAfterMs ?? 0);
    const second = await reconciler.reconcile(KEY);
    // The seventh day, on which it is unused, and to be reviewed.
    assert.deepEqual([second, active()], [{ requeueAfterMs: 7 * DAY }, 'InEffect']);
    await clock.advance(second.requeueAfterMs ?? 0);
    const third = await reconciler.reconcile(KEY);
    // The fourteenth, seven days before which it ends: all boundaries are passed by a millisecond.
    assert.deepEqual([third, active()], [{ requeueAfterMs: 6 * DAY }, 'InEffect']);
    await clock.advance(third.requeueAfterMs ?? 0);
    const fourth = await reconciler.reconcile(KEY);
    assert.deepEqual([fourth, active()], [{ requeueAfterMs: 7 * DAY }, 'InEffect']);
    await clock.advance(fourth.requeueAfterMs ?? 0);
    assert.deepEqual([await reconciler.reconcile(KEY), active()], [{}, 'Expired']);
  });

  it('tells every transition by an event, and one that somebody must act on as a warning', async () => {
    const { apply, reconciler, clock, program, reasons } = setup();
    apply();
    await reconciler.reconcile(KEY);
    program.snapshot = new PolicySnapshot(2, 'Allow', []);
    await reconciler.reconcile(KEY);
    await reconciler.reconcile(KEY);
    await clock.advance(20 * DAY);
    await reconciler.reconcile(KEY);
    assert.deepEqual(reasons(), ['Normal InEffect', 'Warning PolicyNotFound', 'Normal Expired']);
  });

  it('tells nothing again when only the generation or a message changed', async () => {
    const { api, apply, reconciler, reasons } = setup();
    apply();
    await reconciler.reconcile(KEY);
    apply({ expiresAt: '2026-12-09T00:00:00Z' }, 2);
    await reconciler.reconcile(KEY);
    assert.equal(api.writes.length, 2);
    assert.deepEqual(reasons(), ['Normal InEffect']);
  });

  it('waits for a policy that exists and is not in force, and notices when it is', async () => {
    const { api, apply, reconciler, program, active } = setup();
    program.snapshot = new PolicySnapshot(1, 'Allow', []);
    api.seed(`${POLICIES}/team`, { metadata: { name: 'team' } });
    apply();
    await reconciler.reconcile(KEY);
    assert.equal(active(), 'AwaitingPolicy');
    program.snapshot = snapshot;
    await reconciler.reconcile(KEY);
    assert.equal(active(), 'InEffect');
  });

  it('leaves no old hash or condition behind when an edit cannot be read', async () => {
    const { api, apply, reconciler } = setup();
    apply();
    await reconciler.reconcile(KEY);
    apply({ expiresAt: 'never' }, 2);
    assert.deepEqual(await reconciler.reconcile(KEY), {});
    const { status } = api.at<SigningException>(PATH)!;
    assert.equal(status?.specHash, undefined);
    assert.deepEqual(
      status?.conditions?.map((c) => c.type),
      ['Ready', 'Stalled', 'Active'],
    );
  });

  it('says nothing before the first program, and nothing of an exception that is gone', async () => {
    const { api, apply, reconciler, program } = setup();
    assert.deepEqual(await reconciler.reconcile(KEY), {});
    apply();
    program.snapshot = undefined;
    assert.deepEqual(await reconciler.reconcile(KEY), {});
    assert.deepEqual(api.writes, []);
  });

  it('throws on a conflict and tells no event, so that it is looked at again', async () => {
    const { api, apply, reconciler, reasons } = setup();
    apply();
    api.fault = () => new KubeError(409, 'conflict', { reason: 'Conflict', objectName: 'hotfix' });
    await assert.rejects(reconciler.reconcile(KEY), KubeError);
    api.fault = () => undefined;
    assert.deepEqual(reasons(), []);
    await reconciler.reconcile(KEY);
    assert.deepEqual(reasons(), ['Normal InEffect']);
  });

  it('tells of use by day and digest, once for the first, and writes once a day', async () => {
    const { api, apply, reconciler, clock, usage, status, reasons } = setup();
    apply();
    await reconciler.reconcile(KEY);
    const use = { exception: KEY, state: 'inEffect', digest: DIGEST } as const;
    usage.take('Deployment|checkout|web', [use]);
    const { requeueAfterMs = 0 } = await reconciler.reconcile(KEY);
    const used = { firstSeen: '2026-11-20', lastSeen: '2026-11-20', digests: [DIGEST] };
    assert.deepEqual(status()?.usage, { ...used, workloads: 1 });
    assert.ok(requeueAfterMs > DAY - HOUR && requeueAfterMs <= DAY + HOUR);
    await clock.advance(12 * HOUR);
    await reconciler.reconcile(KEY);
    assert.equal(api.writes.length, 2);
    await clock.advance(12 * HOUR);
    await reconciler.reconcile(KEY);
    assert.deepEqual(status()?.usage, { ...used, lastSeen: '2026-11-21', workloads: 1 });
    usage.forget('Deployment|checkout|web');
    await reconciler.reconcile(KEY);
    assert.equal(status()?.usage?.workloads, 0);
    assert.deepEqual(reasons(), ['Normal InEffect', 'Normal FirstUsed']);
  });

  it('leaves what was told of use until every workload was judged, and asks again', async () => {
    const { apply, reconciler, usage, board, status } = setup();
    apply();
    usage.take('Deployment|checkout|web', [{ exception: KEY, state: 'inEffect', digest: DIGEST }]);
    await reconciler.reconcile(KEY);
    usage.forget('Deployment|checkout|web');
    board.isComplete = false;
    assert.deepEqual(await reconciler.reconcile(KEY), { requeueAfterMs: 60_000 });
    assert.equal(status()?.usage?.workloads, 1);
    board.isComplete = true;
    await reconciler.reconcile(KEY);
    assert.equal(status()?.usage?.workloads, 0);
  });

  it('tells each reason to look at an exception once, when it begins', async () => {
    const { apply, reconciler, clock, reasons } = setup();
    apply();
    for (let day = 0; day < 20; day += 1) {
      await reconciler.reconcile(KEY);
      await clock.advance(DAY);
    }
    await reconciler.reconcile(KEY);
    assert.deepEqual(reasons(), [
      'Normal InEffect',
      'Normal Unused',
      'Warning ReviewOverdue',
      'Warning ExpiringSoon',
      'Normal Expired',
    ]);
  });

  it('tells an incident that nobody approved, its approval, and that it is overdue', async () => {
    const { api, apply, reconciler, clock, program, reasons, status } = setup();
    const exceptions = { allowed: true, incident: { allowed: true } };
    const lenient = compilePolicy('team', testPolicy([new KeyIssuer()], { exceptions }));
    program.snapshot = new PolicySnapshot(1, 'Allow', [lenient]);
    apply({ class: 'Incident', expiresAt: '2026-11-20T12:00:00Z' });
    await reconciler.reconcile(KEY);
    assert.deepEqual(reasons(), [
      'Normal InEffect',
      'Warning UnapprovedIncident',
      'Warning ExpiringSoon',
    ]);
    await clock.advance(12 * HOUR);
    await reconciler.reconcile(KEY);
    assert.deepEqual(reasons().slice(3), ['Normal Expired', 'Warning ApprovalOverdue']);
    const exception = api.at<SigningException>(PATH)!;
    const approval = {
      approver: 'lead@example.com',
      approvedAt: '2026-11-20T13:00:00Z',
      specHash: (status()?.specHash ?? '') as `sha256:${string}`,
      latestExpiresAt: ENDS,
    };
    const approved = { ...exception.status!, approvals: [approval] };
    api.seed(PATH, { ...exception, ...{ status: approved } });
    await reconciler.reconcile(KEY);
    assert.deepEqual(reasons().slice(5), ['Normal Approved']);
  });

  it('names the others that a change concerns: those that follow it, and incidents it blocks', async () => {
    const { api, apply, reconciler, enqueued } = setup();
    const seed = (name: string, edits: Partial<SigningExceptionSpec>): void => {
      const { metadata, spec: written } = testException([DIGEST], edits, name);
      api.seed(PATH.replace('hotfix', name), { metadata, ...{ spec: written } });
    };
    const by = (account: string): Partial<SigningExceptionSpec> => ({ serviceAccounts: [account] });
    seed('later', { notBefore: '2026-11-21T00:00:00Z' });
    seed('renewal', { ...by('r'), renews: { name: 'hotfix' } });
    seed('incident', { ...by('i'), class: 'Incident', expiresAt: '2026-11-20T12:00:00Z' });
    seed('apart', by('a'));
    apply();
    for (const name of ['later', 'renewal', 'incident', 'apart', 'hotfix'])
      await reconciler.reconcile(`checkout/${name}`);
    const concerned = (): readonly string[] => [...new Set(enqueued.splice(0))].sort();
    assert.deepEqual(concerned(), ['checkout/later', 'checkout/renewal']);
    await reconciler.reconcile(KEY);
    assert.deepEqual(concerned(), []);
    apply({ ...by('h'), class: 'Incident', expiresAt: '2026-11-20T11:00:00Z' }, 2);
    await reconciler.reconcile(KEY);
    const { status } = api.at<SigningException>(PATH.replace('hotfix', 'later'))!;
    assert.equal(status?.renewals, 1);
    assert.deepEqual(concerned(), ['checkout/incident', 'checkout/later', 'checkout/renewal']);
    await reconciler.reconcile('checkout/later');
    assert.equal(api.at<SigningException>(PATH.replace('hotfix', 'later'))?.status?.renewals, 0);
    await api.delete(PATH);
    await reconciler.reconcile(KEY);
    assert.deepEqual(concerned(), ['checkout/incident', 'checkout/renewal']);
  });
});

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type {
  ImageTrustPolicy,
  SigningException,
  SigningExceptionSpec,
} from '../../../crds/index.ts';
import { fixedClock } from '../../../runtime/clock-testing.ts';
import { KubeError } from '../../../runtime/kube/index.ts';
import { PolicySnapshot } from '../../../runtime/program/index.ts';
import { compilePolicy, ExceptionIndex } from '../../../verification/index.ts';
import { KeyIssuer, testException, testPolicy } from '../../../verification/testing/index.ts';
import { FakeApi } from '../../__fixtures__/fake-api.ts';
import type { ObjectEvent } from '../../status/events.ts';
import { ExceptionReconciler } from './reconciler.ts';

const GROUP = '/apis/countersign.dev/v1alpha1';
const PATH = `${GROUP}/namespaces/checkout/signingexceptions/hotfix`;
const POLICIES = `${GROUP}/imagetrustpolicies`;
const KEY = 'checkout/hotfix';
const DIGEST = `sha256:${'a'.repeat(64)}`;
const HOUR = 3_600_000;
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
    const { metadata, spec: written } = testException([DIGEST], edits);
    const status = api.at<SigningException>(PATH)?.status;
    const kept = status === undefined ? {} : { status };
    api.seed(PATH, { metadata: { ...metadata, generation }, ...{ spec: written }, ...kept });
  };
  const policies = api.mirror<ImageTrustPolicy>(POLICIES);
  const reconciler = new ExceptionReconciler({
    api,
    exceptions: api.mirror<SigningException>(`${GROUP}/signingexceptions`),
    policies,
    program,
    index: { index: new ExceptionIndex() },
    events: { record: (_object, event) => recorded.push(event) },
    clock,
  });
  const reasons = (): readonly string[] => recorded.map(({ type, reason }) => `${type} ${reason}`);
  const active = (): string | undefined =>
    api.at<SigningException>(PATH)?.status?.conditions?.find((c) => c.type === 'Active')?.reason;
  return { api, clock, program, apply, reconciler, reasons, active };
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
    assert.deepEqual([second, active()], [{ requeueAfterMs: 7 * 24 * HOUR }, 'InEffect']);
    await clock.advance(second.requeueAfterMs ?? 0);
    assert.deepEqual([await reconciler.reconcile(KEY), active()], [{}, 'Expired']);
  });

  it('tells every transition by an event, and one that somebody must act on as a warning', async () => {
    const { apply, reconciler, clock, program, reasons } = setup();
    apply();
    await reconciler.reconcile(KEY);
    program.snapshot = new PolicySnapshot(2, 'Allow', []);
    await reconciler.reconcile(KEY);
    await reconciler.reconcile(KEY);
    await clock.advance(7 * 24 * HOUR);
    await reconciler.reconcile(KEY);
    assert.deepEqual(reasons(), ['Normal InEffect', 'Warning PolicyNotFound', 'Normal Expired']);
  });

  it('tells nothing again when only the generation or a message changed', async () => {
    const { api, apply, reconciler, reasons } = setup();
    apply();
    await reconciler.reconcile(KEY);
    apply({ expiresAt: '2026-11-26T00:00:00Z' }, 2);
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
});

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type {
  ImageTrustPolicy,
  ImageTrustPolicyImpact,
  ImageTrustPolicyStatus,
} from '../../../crds/index.ts';
import { fixedClock } from '../../../runtime/clock-testing.ts';
import { FakeApi } from '../../__fixtures__/fake-api.ts';
import type { Replica } from '../../state/replicas.ts';
import { PolicyReconciler } from './reconciler.ts';
import { policyStatus } from './status.ts';
import type { ProgramView } from './views.ts';

const BLOB = 'countersign-program-' + 'a'.repeat(64);
const POLICIES = '/apis/countersign.dev/v1alpha1/imagetrustpolicies';
const T0 = '2026-01-01T00:00:00Z';

function policy(generation = 1, status?: ImageTrustPolicyStatus): ImageTrustPolicy {
  const object = {
    metadata: { name: 'a', generation, resourceVersion: '1' },
    spec: {},
    ...(status === undefined ? {} : { status }),
  };
  return object as ImageTrustPolicy;
}

const compiled = (generation = 1, revision = 5): ProgramView => ({
  outcome: { state: 'compiled', generation, blob: { name: BLOB, bytes: Buffer.alloc(0) } },
  blob: BLOB,
  revision,
});
const failed = (generation = 1, blob?: string): ProgramView => ({
  outcome: { state: 'failed', generation, reason: 'CompileFailed', message: 'spec.x: wrong' },
  blob,
  revision: blob === undefined ? undefined : 5,
});
const replica = (revision: number | undefined, observed = true): Replica => ({
  name: 'w',
  revision,
  observed,
});

function statusOf(
  view: ProgramView,
  replicas: readonly Replica[],
  before?: ImageTrustPolicyStatus,
  now = T0,
): ImageTrustPolicyStatus {
  return policyStatus({
    policy: policy(view.outcome.generation, before),
    view,
    replicas,
    impact: undefined,
    now: new Date(now),
  });
}

function told(status: ImageTrustPolicyStatus): readonly string[] {
  return (status.conditions ?? []).map((c) => `${c.type}=${c.status}/${c.reason}`);
}

describe('the status of a policy', () => {
  it('tells how trust roots stand, and leaves Ready alone', () => {
    const by = (trust: NonNullable<ProgramView['outcome']['trust']>): readonly string[] => {
      const view = compiled();
      return told(statusOf({ ...view, outcome: { ...view.outcome, trust } }, [replica(5)]));
    };
    const message = 'spec.x: y';
    assert.deepEqual(by({ fresh: 'True' }), [
      'Ready=True/Enforced',
      'TrustMaterialFresh=True/TrustRootFresh',
    ]);
    assert.deepEqual(by({ fresh: 'Unknown', message }), [
      'Ready=True/Enforced',
      'TrustMaterialFresh=Unknown/AwaitingTrustRoot',
    ]);
    assert.deepEqual(by({ fresh: 'False', reason: 'TrustRootInvalid', message }), [
      'Ready=True/Enforced',
      'TrustMaterialFresh=False/TrustRootInvalid',
    ]);
  });

  it('waits for a trust root that was never read, without stalling', () => {
    const outcome = { state: 'pending', generation: 1, message: 'spec.x: not read yet' } as const;
    const status = statusOf({ outcome, blob: undefined, revision: undefined }, [replica(5)]);
    assert.deepEqual(told(status), [
      'Ready=False/AwaitingTrustRoot',
      'Reconciling=True/AwaitingTrustRoot',
    ]);
  });

  it('is not ready without replicas', () => {
    const status = statusOf(compiled(), []);
    assert.deepEqual(told(status), ['Ready=False/NoReplicas', 'Reconciling=True/Publishing']);
    assert.deepEqual(status.program, { blob: BLOB, revision: 5, replicas: 0, replicasReady: 0 });
  });

  it('is not ready as long as one live replica has not acknowledged the revision', () => {
    const status = statusOf(compiled(), [replica(5), replica(4), replica(undefined)]);
    assert.deepEqual(told(status), ['Ready=False/AwaitingReplicas', 'Reconciling=True/Publishing']);
    assert.deepEqual([status.program?.replicas, status.program?.replicasReady], [3, 1]);
  });

  it('is ready once every live replica acknowledged that revision or a later one', () => {
    const status = statusOf(compiled(), [replica(5), replica(9)]);
    assert.deepEqual(told(status), ['Ready=True/Enforced']);
    assert.equal(status.observedGeneration, 1);
    assert.equal(status.conditions?.[0]?.observedGeneration, 1);
  });

  it('does not become ready on the word of replicas that were never seen to renew', () => {
    assert.deepEqual(
      told(statusOf(compiled(), [replica(5, false)]))[0],
      'Ready=False/AwaitingReplicas',
    );
    assert.deepEqual(
      told(statusOf(compiled(), [replica(5, false), replica(5)]))[0],
      'Ready=True/Enforced',
    );
  });

  it('stays ready for its generation when replicas come and go, and tells the numbers', () => {
    const ready = statusOf(compiled(), [replica(5)]);
    const later = statusOf(
      compiled(),
      [replica(5), replica(undefined)],
      ready,
      '2026-01-02T00:00:00Z',
    );
    assert.deepEqual(told(later), ['Ready=True/Enforced']);
    assert.deepEqual(later.conditions, ready.conditions);
    assert.deepEqual([later.program?.replicas, later.program?.replicasReady], [2, 1]);
    assert.deepEqual(told(statusOf(compiled(), [], ready)), ['Ready=True/Enforced']);
  });

  it('is not ready any more for the next generation, until that is in force', () => {
    const ready = statusOf(compiled(), [replica(5)]);
    const next = statusOf(compiled(2, 6), [replica(5)], ready, '2026-01-02T00:00:00Z');
    assert.deepEqual(told(next), ['Ready=False/AwaitingReplicas', 'Reconciling=True/Publishing']);
    assert.equal(next.conditions?.[0]?.lastTransitionTime, '2026-01-02T00:00:00Z');
    assert.deepEqual(told(statusOf(compiled(2, 6), [replica(6)], next)), ['Ready=True/Enforced']);
  });

  it('is stalled with the field path when it does not compile, and says what is enforced meanwhile', () => {
    const never = statusOf(failed(), [replica(5)]);
    assert.deepEqual(told(never), ['Ready=False/CompileFailed', 'Stalled=True/CompileFailed']);
    assert.match(
      never.conditions?.[0]?.message ?? '',
      /spec\.x: wrong; the policy is not enforced/,
    );
    assert.deepEqual(never.program, { replicas: 1, replicasReady: 0 });
    const ready = statusOf(compiled(), [replica(5)]);
    const kept = statusOf(failed(2, BLOB), [replica(5)], ready);
    assert.match(kept.conditions?.[0]?.message ?? '', /the last accepted program stays in force/);
    assert.deepEqual([kept.program?.blob, kept.program?.replicasReady], [BLOB, 1]);
  });

  it('is stalled but stays ready when only its material went away', () => {
    const ready = statusOf(compiled(), [replica(5)]);
    assert.deepEqual(told(statusOf(failed(1, BLOB), [replica(5)], ready)), [
      'Ready=True/Enforced',
      'Stalled=True/CompileFailed',
    ]);
  });

  it('keeps times as long as a condition says the same, whatever its message', () => {
    const first = statusOf(compiled(), []);
    const second = statusOf(compiled(), [replica(4)], first, '2026-01-02T00:00:00Z');
    assert.deepEqual(
      second.conditions?.map((c) => c.lastTransitionTime),
      [T0, T0],
    );
  });
});

interface State {
  view: ProgramView | undefined;
  alive: Replica[];
  impact: ImageTrustPolicyImpact | undefined;
}

const impactWith = (wouldDeny: number): ImageTrustPolicyImpact => ({
  workloads: 3,
  verified: 3 - wouldDeny,
  rejected: wouldDeny,
  inconclusive: 0,
  exempt: 0,
  wouldDeny,
  sample: ['Deployment shop/cart'].slice(0, wouldDeny),
});

describe("the reconciler of a policy's status", () => {
  function setup(view: ProgramView | undefined, object = policy()) {
    const api = new FakeApi();
    api.seed(`${POLICIES}/a`, object);
    const policies = api.mirror<ImageTrustPolicy>(POLICIES);
    const recorded: string[] = [];
    const clock = fixedClock(T0);
    const impact: ImageTrustPolicyImpact | undefined = undefined;
    const state = { view, alive: [replica(5)], impact } as State;
    const reconciler = new PolicyReconciler({
      api,
      policies,
      program: { viewOf: () => state.view },
      replicas: { alive: () => state.alive, msToNextDeath: () => 30_001 },
      board: {
        impactOf: (name, revision) => (name === 'a' && revision === 5 ? state.impact : undefined),
      },
      events: { record: (_object, event) => recorded.push(event.reason) },
      clock,
    });
    const impactNow = (): unknown => api.at<ImageTrustPolicy>(`${POLICIES}/a`)?.status?.impact;
    return { api, clock, reconciler, recorded, state, impactNow };
  }

  it('patches once, and never again as long as nothing changes', async () => {
    const { api, reconciler, recorded } = setup(compiled());
    assert.deepEqual(await reconciler.reconcile('a'), { requeueAfterMs: 30_001 });
    await reconciler.reconcile('a');
    assert.deepEqual(
      api.writes.map((w) => w.path),
      [`${POLICIES}/a/status`],
    );
    assert.deepEqual(recorded, ['Enforced']);
  });

  it('takes away what is no longer true', async () => {
    const { api, reconciler, state } = setup(compiled());
    await reconciler.reconcile('a');
    state.view = failed(1);
    await reconciler.reconcile('a');
    const { status } = api.at<ImageTrustPolicy>(`${POLICIES}/a`)!;
    assert.deepEqual(status?.program, { replicas: 1, replicasReady: 0 });
  });

  it('says nothing about a generation that the program has not seen', async () => {
    const { api, reconciler } = setup(compiled(1), policy(2));
    assert.deepEqual(await reconciler.reconcile('a'), {});
    assert.deepEqual(await setup(undefined).reconciler.reconcile('a'), {});
    assert.deepEqual(api.writes, []);
  });

  it('throws on a conflict, and does not mind that the policy is gone', async () => {
    const conflict = setup(compiled());
    conflict.api.fault = (verb) => {
      if (verb === 'patch') conflict.api.fault = () => undefined;
      return undefined;
    };
    await conflict.reconciler.reconcile('a');
    const gone = setup(compiled());
    gone.api.remove(`${POLICIES}/a`, { silently: true });
    await gone.reconciler.reconcile('a');
    assert.deepEqual(gone.recorded, []);
  });

  it('tells what a policy means once that is known, and writes nothing as long as it is the same', async () => {
    const { api, reconciler, state, impactNow } = setup(compiled());
    await reconciler.reconcile('a');
    assert.equal(impactNow(), undefined);
    state.impact = impactWith(1);
    await reconciler.reconcile('a');
    assert.deepEqual(impactNow(), impactWith(1));
    state.impact = structuredClone(impactWith(1));
    await reconciler.reconcile('a');
    assert.equal(api.writes.length, 2);
  });

  it('tells at once what changed after a quiet time, and then at most every five seconds', async () => {
    const { api, clock, reconciler, state, impactNow } = setup(compiled());
    state.impact = impactWith(0);
    await reconciler.reconcile('a');
    state.impact = impactWith(1);
    assert.deepEqual(await reconciler.reconcile('a'), { requeueAfterMs: 5_000 });
    await clock.advance(4_000);
    state.impact = impactWith(0);
    assert.deepEqual(await reconciler.reconcile('a'), { requeueAfterMs: 30_001 });
    state.impact = impactWith(1);
    assert.deepEqual(await reconciler.reconcile('a'), { requeueAfterMs: 1_000 });
    assert.deepEqual([impactNow(), api.writes.length], [impactWith(0), 1]);
    await clock.advance(1_000);
    await reconciler.reconcile('a');
    assert.deepEqual([impactNow(), api.writes.length], [impactWith(1), 2]);
  });

  it('leaves what was told of it as it is while that is not known, as after a start', async () => {
    const before = setup(compiled());
    before.state.impact = impactWith(2);
    await before.reconciler.reconcile('a');
    const { status } = before.api.at<ImageTrustPolicy>(`${POLICIES}/a`)!;
    const after = setup(compiled(), policy(1, status));
    await after.reconciler.reconcile('a');
    assert.deepEqual([after.api.writes, after.impactNow()], [[], impactWith(2)]);
    after.state.alive = [];
    await after.reconciler.reconcile('a');
    assert.deepEqual([after.api.writes.length, after.impactNow()], [1, impactWith(2)]);
  });

  it('tells by an event when a policy stalls, once', async () => {
    const { reconciler, recorded } = setup(failed());
    await reconciler.reconcile('a');
    await reconciler.reconcile('a');
    assert.deepEqual(recorded, ['CompileFailed']);
  });
});

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import { pushImage, signBundle, waitFor, type PushedImage } from '../harness/index.ts';
import { keyPolicySpec, namespace, policy, type World } from '../world/index.ts';
import { Load, type LoadResult } from './shared/load.ts';
import { LeadershipStage, type Member } from './leadership/stage.ts';

const NS = 'leadership';
const LEASES = '/apis/coordination.k8s.io/v1/namespaces/countersign-system/leases';
/** A lease of 15 s, two seconds until it is looked at, and what a program takes on a busy machine. */
const FAILOVER_MS = 20_000;

interface PolicyLike {
  readonly metadata: { readonly generation: number };
  readonly status?: {
    readonly conditions?: readonly { type: string; status: string; observedGeneration?: number }[];
    readonly program?: { readonly replicas: number; readonly replicasReady: number };
  };
}
interface LeaseLike {
  readonly spec: { readonly holderIdentity?: string; readonly leaseTransitions: number };
}

describe('two operators and three webhooks', function () {
  this.timeout(180_000);
  let stage: LeadershipStage;
  let world: World;
  let signed: PushedImage;
  let unsigned: PushedImage;
  let edits = 0;

  before(async () => {
    stage = await LeadershipStage.start({ operator: 2, webhook: 3 });
    world = stage.world;
    await world.kubectl.apply(namespace(NS));
    [signed, unsigned] = await Promise.all([
      pushImage(world.registry, 'leadership/signed', '1.0'),
      pushImage(world.registry, 'leadership/unsigned', '1.0'),
    ]);
    await signBundle(world.key, signed.pinned);
    await edit();
    await world.enforced(NS);
  });
  after(async () => {
    for (const { component } of stage.operators) wake(component.pid);
    await stage.stop();
  });

  /** Changes the policy, so that a new program has to be published. */
  const edit = async (): Promise<void> => {
    edits += 1;
    const images = [`${world.registry.host}/leadership/**`, `edit-${edits.toString()}.example/**`];
    await world.kubectl.apply(policy(NS, keyPolicySpec({ images, keys: [world.key.publicKey] })));
  };
  const load = (): Load =>
    new Load({
      kubeconfig: world.plane.kubeconfig,
      namespace: NS,
      admitted: [signed.pinned],
      denied: [{ image: unsigned.pinned, code: 'NO_SIGNATURE' }],
    });
  const unharmed = (result: LoadResult): void => {
    assert.deepEqual(result.failures, []);
    assert.ok(result.admissions > 5 && result.denials > 5, JSON.stringify(result));
  };
  const told = async (): Promise<string> => {
    const { status = {}, metadata } = await world.kubectl.get<PolicyLike>('imagetrustpolicy', NS);
    const ready = status.conditions?.find(({ type }) => type === 'Ready');
    const current = ready?.observedGeneration === metadata.generation ? ready.status : 'behind';
    const { replicasReady = 0, replicas = 0 } = status.program ?? {};
    return `${replicasReady.toString()}/${replicas.toString()} ${current}`;
  };
  const says = (text: string): Promise<true> =>
    waitFor(async () => (await told()) === text, { timeoutMs: 20_000, message: text });
  const holder = async (): Promise<string> => {
    const lease = await world.kubectl.get<LeaseLike>(
      'lease',
      'countersign-operator',
      'countersign-system',
    );
    return lease.spec.holderIdentity ?? '';
  };
  const standing = async ({ component }: Member): Promise<string> =>
    (await component.probe('/readyz')).body.trim();
  const standsBy = (member: Member, timeoutMs: number): Promise<true> =>
    waitFor(async () => (await standing(member)) === 'standby', {
      timeoutMs,
      message: `${member.name} stands by\n${member.component.logTail(15)}`,
    });

  it('have one leader, which the Lease names, and one that stands by and writes nothing', async () => {
    const leader = await stage.leader(stage.operators, FAILOVER_MS);
    const standby = stage.other(leader);
    assert.match(await holder(), new RegExp(`^${leader.name}_`));
    await waitFor(async () => (await standing(leader)) === 'leader', {
      timeoutMs: 10_000,
      message: 'the leader is ready',
    });
    assert.equal(await standing(standby), 'standby');
    assert.deepEqual(standby.api.writes, []);
    const { body } = await standby.component.probe('/metrics');
    assert.match(body, /^countersign_leader 0$/m);
    assert.doesNotMatch(body, /^countersign_published_program_revision /m);
  });

  it('call a policy ready when all three webhooks acknowledged it, and not before', async () => {
    await says('3/3 True');
    const [held] = stage.webhooks;
    assert.ok(held !== undefined);
    held.api.fault = ({ method, path }) =>
      method === 'PUT' && path.startsWith(LEASES) ? { status: 500 } : undefined;
    await edit();
    await waitFor(async () => (await told()).startsWith('2/3 '), {
      timeoutMs: 10_000,
      message: 'two of three',
    });
    assert.notEqual(await told(), '2/3 True');
    held.api.fault = () => undefined;
    await says('3/3 True');
  });

  it('fault 1: a webhook that is killed under load lets nothing through, and is not missed for long', async () => {
    const [victim] = stage.webhooks;
    assert.ok(victim !== undefined);
    const running = load();
    await waitFor(() => running.answered > 10, { timeoutMs: 20_000, message: 'load' });
    const killed = Date.now();
    await victim.component.kill();
    await waitFor(() => Date.now() - killed > 5_000, { timeoutMs: 10_000, message: '5 s' });
    const { failures, admissions, denials } = await running.stop();
    assert.ok(admissions > 10 && denials > 10);
    // A request that was on its way to it fails closed, and says that nobody was there.
    for (const failure of failures) {
      assert.match(failure, /failed calling webhook/);
      assert.ok(Date.parse(failure.slice(0, 24)) - killed < 4_000, failure);
    }
    await victim.component.start();
    await victim.component.ready();
  });

  it('hand over within seconds when the leader is told to end', async () => {
    const leader = await stage.leader(stage.operators, FAILOVER_MS);
    const next = stage.other(leader);
    const told = performance.now();
    await leader.component.stop();
    await stage.leader([next], 5_000);
    assert.ok(performance.now() - told < 5_000);
    await edit();
    await world.enforced(NS);
    await leader.component.start();
    await standsBy(leader, 20_000);
  });

  it('fault 4: have another leader within 20 s when the leader is killed, and admission does not notice', async () => {
    const leader = await stage.leader(stage.operators, FAILOVER_MS);
    const next = stage.other(leader);
    const running = load();
    await edit();
    const killed = performance.now();
    await leader.component.kill();
    await stage.leader([next], FAILOVER_MS);
    assert.ok(performance.now() - killed < FAILOVER_MS);
    await edit();
    await world.enforced(NS);
    unharmed(await running.stop());
    await leader.component.start();
    await standsBy(leader, 20_000);
  });

  it('fault 4: a leader that was paused past its lease writes nothing when it goes on', async () => {
    const paused = await stage.leader(stage.operators, FAILOVER_MS);
    const next = stage.other(paused);
    // What it would write, if it could: the program and the status of edits that it has not seen.
    await edit();
    pause(paused.component.pid);
    await edit();
    await stage.leader([next], FAILOVER_MS);
    await edit();
    await world.enforced(NS);
    const before = paused.api.writes.length;
    const resumed = performance.now();
    wake(paused.component.pid);
    await standsBy(paused, 10_000);
    await edit();
    await world.enforced(NS);
    await waitFor(() => performance.now() - resumed > 3_000, { timeoutMs: 10_000, message: '3 s' });
    assert.deepEqual(paused.api.writes.slice(before), []);
    assert.match(await holder(), new RegExp(`^${next.name}_`));
    assert.deepEqual(await stage.leaders(stage.operators), [next]);
  });

  it('fault 5: a leader that cannot renew steps down in time, the other one leads, and webhooks serve', async () => {
    const cut = await stage.leader(stage.operators, FAILOVER_MS);
    const next = stage.other(cut);
    const running = load();
    const since = performance.now();
    let calls = 0;
    cut.api.fault = ({ path }) => {
      if (!path.startsWith(LEASES) || !path.endsWith('countersign-operator')) return undefined;
      calls += 1;
      return calls % 2 === 0 ? { status: 403 } : 'hang';
    };
    await waitFor(async () => (await stage.leaders([cut])).length === 0, {
      timeoutMs: 13_000,
      message: 'it steps down',
    });
    assert.ok(performance.now() - since < 13_000);
    const down = cut.api.writes.length;
    await stage.leader([next], FAILOVER_MS);
    await edit();
    await world.enforced(NS);
    unharmed(await running.stop());
    const leases = cut.api.writes.slice(down).filter(({ path }) => !path.startsWith(LEASES));
    assert.deepEqual(leases, []);
    assert.equal(await standing(cut), 'the lease cannot be seen');
    cut.api.fault = () => undefined;
    await standsBy(cut, 15_000);
  });
});

function pause(pid: number | undefined): void {
  if (pid !== undefined) process.kill(-pid, 'SIGSTOP');
}

function wake(pid: number | undefined): void {
  if (pid !== undefined) process.kill(-pid, 'SIGCONT');
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import { newDirectory, pushImage, waitFor, type PushedImage } from '../harness/index.ts';
import { reportOf, resultsOf } from '../story/index.ts';
import {
  deployment,
  exception,
  keyPolicySpec,
  namespace,
  policy,
  startWorld,
  type ExceptionOptions,
  type World,
} from '../world/index.ts';
import { step, steppable } from './chaos/clock.ts';
import { sampleOf } from './observability/exposition.ts';

const NS = 'lifecycle';
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** How long one look at a status may take, and what it leads to. */
const SOON_MS = 15_000;

interface ExceptionObject {
  readonly metadata: { readonly resourceVersion: string };
  readonly spec: { readonly expiresAt: string };
  readonly status?: {
    readonly specHash?: string;
    readonly conditions?: readonly { type: string; status: string; reason: string }[];
    readonly usage?: {
      readonly firstSeen: string;
      readonly lastSeen: string;
      readonly digests: readonly string[];
      readonly workloads: number;
    };
    readonly renewals?: number;
  };
}

interface EventObject {
  readonly type: string;
  readonly reason: string;
  readonly message: string;
  readonly count: number;
  readonly involvedObject: { readonly kind: string; readonly name: string };
}

const dayOf = (instant: number): string => new Date(instant).toISOString().slice(0, 10);
const from = (ms: number): Date => new Date(Date.now() + ms);

describe('the life of exceptions, on a real API server', function () {
  this.timeout(120_000);
  const clocks = newDirectory('clocks');
  let world: World;
  let me: string;

  const push = (name: string): Promise<PushedImage> =>
    pushImage(world.registry, `lifecycle/${name}`, '1.0');
  const request = (
    name: string,
    images: readonly PushedImage[],
    options: Partial<ExceptionOptions> = {},
  ): Promise<unknown> =>
    world.kubectl.apply(
      exception({
        ...{ name, namespace: NS, policy: 'lifecycle', requestedBy: me },
        digests: images.map(({ digest }) => digest),
        notBefore: from(-HOUR),
        expiresAt: from(20 * DAY),
        ...options,
      }),
    );
  const runs = (name: string, image: PushedImage, replicas = 1): Promise<unknown> =>
    world.kubectl.apply(deployment({ name, namespace: NS, image: image.pinned, replicas }));
  const get = (name: string): Promise<ExceptionObject> =>
    world.kubectl.get<ExceptionObject>('signingexception', name, NS);
  /** The conditions as `type=reason`, those that are always there left out. */
  const attention = async (name: string): Promise<readonly string[]> => {
    const { status } = await get(name);
    return (status?.conditions ?? [])
      .filter(({ type }) => !['Ready', 'Active', 'Approved'].includes(type))
      .map(({ type, reason }) => `${type}=${reason}`);
  };
  const eventually = (message: string, holds: () => Promise<boolean>): Promise<unknown> =>
    waitFor(holds, { timeoutMs: SOON_MS, message: `${message}\n${world.operator.logTail(5)}` });
  const active = (name: string): Promise<unknown> =>
    eventually(`${name} is in effect`, async () =>
      ((await get(name)).status?.conditions ?? []).some(
        ({ type, status }) => type === 'Active' && status === 'True',
      ),
    );
  const uses = (name: string, workloads: number): Promise<unknown> =>
    eventually(
      `${workloads.toString()} workloads run by ${name}`,
      async () => (await get(name)).status?.usage?.workloads === workloads,
    );
  const eventsOf = async (kind: string, name: string): Promise<readonly EventObject[]> => {
    const events = await world.kubectl.list<EventObject>('events', NS);
    return events.filter(
      ({ involvedObject }) => involvedObject.kind === kind && involvedObject.name === name,
    );
  };
  /** Waits for the one event of a reason. */
  const event = async (kind: string, name: string, reason: string): Promise<EventObject> => {
    let found: readonly EventObject[] = [];
    await eventually(`${reason} on ${kind} ${name}`, async () => {
      found = (await eventsOf(kind, name)).filter((e) => e.reason === reason);
      return found.length > 0;
    });
    const [one, second] = found;
    assert.ok(one !== undefined && second === undefined, `${reason} is told more than once`);
    return one;
  };
  const metric = async (name: string, labels: Readonly<Record<string, string>>): Promise<number> =>
    sampleOf((await world.operator.probe('/metrics')).body, name, labels);
  /** Moves the clock of the operator, and has it look at exceptions. */
  const turnClock = async (ms: number, names: readonly string[]): Promise<void> => {
    assert.ok(world.operator.pid !== undefined);
    step(clocks, world.operator.pid, ms);
    for (const name of names) await look(name);
  };
  const look = (name: string): Promise<string> =>
    world.kubectl.must(
      ['annotate', 'signingexception', name, '--overwrite', `look=${Date.now().toString()}`],
      { namespace: NS },
    );

  before(async () => {
    world = await startWorld({
      env: { ...steppable(clocks), COUNTERSIGN_EXCEPTION_REVIEW_INTERVAL_HOURS: '120' },
    });
    me = await world.kubectl.whoAmI();
    const images = [`${world.registry.host}/lifecycle/**`];
    const keys = [world.key.publicKey];
    const incident = { allowed: true };
    const free = { allowed: true, approval: 'NotRequired' };
    const strict = { allowed: true, approval: 'Required', incident };
    await world.kubectl.apply([
      namespace(NS),
      policy('lifecycle', keyPolicySpec({ images, keys, exceptions: free })),
      policy(
        'strict',
        keyPolicySpec({
          images: [`${world.registry.host}/strict/**`],
          keys,
          exceptions: strict,
        }),
      ),
    ]);
    await Promise.all([world.enforced('lifecycle'), world.enforced('strict')]);
  });

  after(async () => {
    await world.stop();
  });

  it('tells of use by day and digest, on the workload and on the exception too', async () => {
    const [image, idle] = await Promise.all([push('used'), push('not-used')]);
    await request('used', [image, idle]);
    await active('used');
    assert.equal((await get('used')).status?.usage, undefined);
    const earlier = dayOf(Date.now());
    await runs('used', image);
    await uses('used', 1);
    const { status } = await get('used');
    const today = dayOf(Date.now());
    const { firstSeen, lastSeen, digests } = status?.usage ?? {};
    assert.deepEqual(digests, [image.digest]);
    assert.equal(lastSeen, firstSeen);
    // Midnight may have passed meanwhile.
    assert.ok(firstSeen === today || firstSeen === earlier, firstSeen);
    const first = await event('SigningException', 'used', 'FirstUsed');
    assert.equal(first.type, 'Normal');
    const used = await event('Deployment', 'used', 'ExceptionUsed');
    assert.equal(used.type, 'Normal');
    assert.match(used.message, new RegExp(`${image.digest} runs by the exception ${NS}/used of `));
    assert.equal(await metric('exception_workloads', { class: 'Planned', state: 'in_effect' }), 1);
    const { body } = await world.webhook.probe('/metrics');
    const labels = { namespace: NS, name: 'used', class: 'Planned' };
    assert.ok(sampleOf(body, 'exception_uses_total', labels) >= 1);
  });

  it('X25: ends by itself: report, Event and metric name it, and the workload runs on', async () => {
    const image = await push('brief');
    const end = from(12_000);
    await request('brief', [image], { expiresAt: end });
    await active('brief');
    await runs('brief', image);
    await uses('brief', 1);
    const { resourceVersion } = (await get('used')).metadata;
    const where = { kind: 'Deployment', name: 'brief', namespace: NS };
    await waitFor(
      async () => {
        const results = resultsOf(await reportOf(world, where));
        return results.some(
          ({ result, properties }) =>
            result === 'fail' &&
            properties['reason'] === 'EXCEPTION_EXPIRED' &&
            properties['exception'] === `${NS}/brief`,
        );
      },
      { timeoutMs: 20_000, message: 'the report flips' },
    );
    assert.ok(Date.now() >= end.getTime());
    const ended = await event('Deployment', 'brief', 'ExceptionExpired');
    assert.equal(ended.type, 'Warning');
    assert.match(ended.message, new RegExp(`the exception ${NS}/brief has ended$`));
    await event('SigningException', 'brief', 'Expired');
    await uses('brief', 0);
    const { usage } = (await get('brief')).status ?? {};
    assert.deepEqual(usage?.digests, [image.digest]);
    assert.equal(await metric('exception_workloads', { state: 'expired' }), 1);
    const pods = await world.kubectl.list<object>('pods', NS, 'app=brief');
    assert.equal(pods.length, 1);
    // Nothing was written meanwhile of what did not change.
    assert.equal((await get('used')).metadata.resourceVersion, resourceVersion);
  });

  it('warns a week before the end, and not earlier', async () => {
    await request('soon', [await push('soon')], { expiresAt: from(6 * DAY) });
    await active('soon');
    assert.deepEqual(await attention('soon'), ['ExpiringSoon=EndsWithinDays']);
    assert.deepEqual(await attention('used'), []);
    assert.equal((await event('SigningException', 'soon', 'ExpiringSoon')).type, 'Warning');
    await eventually(
      'the metric counts it',
      async () => (await metric('exceptions_to_look_at', { reason: 'expiring_soon' })) === 1,
    );
  });

  it('counts renewals, by their word and by what they permit', async () => {
    const [one, other] = await Promise.all([push('one'), push('other')]);
    const follows = (name: string, renewals: number): Promise<unknown> =>
      eventually(
        `${name} follows ${renewals.toString()}`,
        async () => ((await get(name)).status?.renewals ?? 0) === renewals,
      );
    await request('first', [one], { notBefore: from(-3 * DAY) });
    await request('second', [other], { notBefore: from(-2 * DAY), renews: { name: 'first' } });
    await request('third', [other], { notBefore: from(-DAY) });
    await follows('second', 1);
    await follows('third', 2);
    await follows('first', 0);
    await world.kubectl.delete('signingexception', 'second', NS);
    await follows('third', 0);
  });

  it('is loud about an incident that nobody approved', async () => {
    const image = await pushImage(world.registry, 'strict/incident', '1.0');
    const incident = { policy: 'strict', class: 'Incident', notBefore: from(-HOUR) };
    await request('incident', [image], { ...incident, expiresAt: from(2 * HOUR) });
    await active('incident');
    const unapproved = await event('SigningException', 'incident', 'UnapprovedIncident');
    assert.equal(unapproved.type, 'Warning');
    await runs('incident', image);
    await uses('incident', 1);
    assert.equal((await event('SigningException', 'incident', 'FirstUsed')).type, 'Warning');
    const used = await event('Deployment', 'incident', 'ExceptionUsed');
    assert.equal(used.type, 'Warning');
    assert.match(used.message, /the exception of the class Incident/);
    const inUse = (state: string): Promise<number> =>
      metric('exception_workloads', { class: 'Incident', state });
    assert.deepEqual(await Promise.all(['unapproved', 'in_effect'].map(inUse)), [1, 0]);
    const { spec, status } = await get('incident');
    const approval = {
      approver: 'lead@example.com',
      approvedAt: new Date().toISOString(),
      specHash: status?.specHash,
      latestExpiresAt: spec.expiresAt,
    };
    const patch = JSON.stringify({ status: { approvals: [approval] } });
    const target = ['signingexception', 'incident', '--subresource=status', '--type=merge'];
    const as = ['--as=lead@example.com', '--as-group=system:masters'];
    await world.kubectl.must(['patch', ...target, '-p', patch, ...as], { namespace: NS });
    assert.equal((await event('SigningException', 'incident', 'Approved')).type, 'Normal');
    await eventually('it is approved', async () => (await inUse('in_effect')) === 1);
    assert.equal(await inUse('unapproved'), 0);
  });

  it('names what nobody uses and nobody reviewed, by the clock of the operator, until somebody does', async () => {
    await request('idle', [await push('idle')]);
    await active('idle');
    assert.deepEqual(await attention('idle'), []);
    const before = (await get('used')).status?.usage;
    await turnClock(8 * DAY, ['idle', 'used']);
    const told = (name: string, ...wanted: readonly string[]): Promise<unknown> =>
      eventually(`${name}: ${wanted.join()}`, async () => {
        await look(name);
        return (await attention(name)).join() === wanted.join();
      });
    await told('idle', 'Unused=NeverUsed', 'ReviewOverdue=NotReviewed');
    await told('used', 'ReviewOverdue=NotReviewed');
    assert.equal((await event('SigningException', 'idle', 'Unused')).type, 'Normal');
    assert.equal((await event('SigningException', 'idle', 'ReviewOverdue')).type, 'Warning');
    const { usage } = (await get('used')).status ?? {};
    assert.equal(usage?.firstSeen, before?.firstSeen);
    const inEightDays = [-60_000, 0].map((ms) => dayOf(Date.now() + 8 * DAY + ms));
    assert.ok(inEightDays.includes(usage?.lastSeen ?? ''), usage?.lastSeen);
    const reviews: object[] = [];
    const review = async (at: Date): Promise<void> => {
      reviews.push({ at: at.toISOString(), by: me, comment: 'still needed' });
      const { code, stderr } = await world.kubectl.patch(
        { kind: 'signingexception', name: 'idle', namespace: NS },
        { status: { reviews } },
        { subresource: 'status' },
      );
      assert.equal(code, 0, stderr);
    };
    // The interval is of five days here: six days ago is too long.
    await review(from(2 * DAY));
    await told('idle', 'Unused=NeverUsed', 'ReviewOverdue=NotReviewed');
    await review(from(7 * DAY));
    await told('idle', 'Unused=NeverUsed');
    assert.ok((await metric('exceptions_to_look_at', { reason: 'unused' })) >= 1);
    await turnClock(0, ['idle']);
    await told('idle');
  });

  it('keeps what it knew over a restart, and counts what runs again', async () => {
    const image = await push('steady');
    await request('steady', [image]);
    await active('steady');
    await runs('steady', image);
    await event('Deployment', 'steady', 'ExceptionUsed');
    const { usage } = (await get('used')).status ?? {};
    await world.operator.stop();
    await world.kubectl.must(['scale', 'deployment/used', '--replicas=0'], { namespace: NS });
    await world.operator.start();
    await world.operator.ready();
    await uses('used', 0);
    assert.deepEqual((await get('used')).status?.usage, { ...usage, workloads: 0 });
    await world.kubectl.must(['scale', 'deployment/used', '--replicas=1'], { namespace: NS });
    await uses('used', 1);
    const told = await eventsOf('SigningException', 'used');
    assert.equal(told.filter(({ reason }) => reason === 'FirstUsed').length, 1);
    // What ran on was told before.
    await event('Deployment', 'steady', 'ExceptionUsed');
    assert.equal((await get('steady')).status?.usage?.workloads, 1);
  });
});

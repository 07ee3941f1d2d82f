// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { describe, it } from 'mocha';
import { fixedClock } from '../../../runtime/clock-testing.ts';
import { KubeError } from '../../../runtime/kube/index.ts';
import { silentLogger } from '../../../runtime/log/index.ts';
import { FakeApi } from '../../__fixtures__/fake-api.ts';
import { OwnerApi, rollout, rolloutPath as at } from '../../__fixtures__/owner-api.ts';
import { controlledBy, inventoryOf, pathTo, pod, workload } from '../../__fixtures__/workloads.ts';
import { followOwners } from './changes.ts';
import { ForeignOwners } from './foreign-owners.ts';
import { WorkloadInventory } from './inventory.ts';
import type { WorkloadObject } from './objects.ts';

const MINUTE = 60_000;
const web = rollout('web');
const KEY = 'Rollout.argoproj.io|checkout|web';
const set = (replicas = 1, name = 'web-1', owner = web): WorkloadObject => {
  const made = workload('ReplicaSet', name, { owner, images: { web: 'app:1' } });
  return replicas === 0 ? { ...made, spec: { ...made.spec, replicas } } : made;
};
const running = pod('web-1-a', { owner: set() });

function setup(...rollouts: readonly WorkloadObject[]) {
  const fake = new FakeApi();
  const { stores, apply } = inventoryOf(fake);
  const api = new OwnerApi();
  api.put(...rollouts);
  const clock = fixedClock('2026-11-21T00:00:00Z');
  const owners = new ForeignOwners({ api, clock, logger: silentLogger });
  const inventory = new WorkloadInventory(stores, owners);
  const enqueued = new Set<string>();
  followOwners(owners, { workloads: stores }, inventory, (key) => void enqueued.add(key));
  /** Lets all look-ups end; answers what was enqueued since. */
  const settle = async (): Promise<readonly string[]> => {
    for (let turn = 0; turn < 20; turn += 1) await setImmediate();
    const keys = [...enqueued].sort();
    enqueued.clear();
    return keys;
  };
  return { fake, api, clock, owners, inventory, apply, settle };
}

/** With a ReplicaSet and a pod of it that a Rollout owns, of which everything is known. */
async function known() {
  const parts = setup(web);
  parts.apply(set(), running);
  parts.inventory.keys();
  await parts.settle();
  return parts;
}

describe('owners of kinds that are not mirrored', () => {
  it('are looked for without anybody waiting; until then the last proven object is the workload', async () => {
    const { api, apply, inventory, settle } = setup(web);
    apply(set(), running);
    assert.equal(inventory.keyOf(running), 'ReplicaSet|checkout|web-1');
    assert.equal(inventory.awaitsOwner(set()), true);
    assert.deepEqual(await settle(), ['ReplicaSet|checkout|web-1', KEY]);
    assert.equal(inventory.awaitsOwner(set()), false);
    assert.equal(inventory.keyOf(running), KEY);
    assert.deepEqual(inventory.keys(), [KEY]);
    assert.equal(inventory.topLevel('ReplicaSet|checkout|web-1'), undefined);
    assert.deepEqual(inventory.topLevel(KEY), web);
    assert.deepEqual(
      inventory.podsOf(web).map(({ metadata }) => metadata.name),
      ['web-1-a'],
    );
    assert.deepEqual(api.reads, ['/apis/argoproj.io/v1alpha1', at('rollouts', 'web')]);
    assert.match(api.accepted[0] ?? '', /^application\/json;as=PartialObjectMetadata;/);
  });

  it('have no template: those that they own and that pods are wanted of are judged', async () => {
    const { apply, inventory } = await known();
    apply(set(0, 'web-0'), set(1, 'web-2'));
    const names = inventory.templatesOf(web).map(({ metadata }) => metadata.name);
    assert.deepEqual(names.sort(), ['web-1', 'web-2']);
    assert.deepEqual(inventory.templatesOf(set(0)).length, 1);
    assert.deepEqual(inventory.templatesOf(running), []);
  });

  it('are walked on from, through mirrored kinds and others', async () => {
    const fleet = rollout('fleet', undefined, 'Fleet');
    const middle = rollout('web', fleet);
    const { apply, inventory, settle } = setup(middle, fleet);
    apply(set(), running);
    inventory.keys();
    await settle();
    assert.deepEqual(inventory.keys(), ['Fleet.argoproj.io|checkout|fleet']);
    assert.equal(inventory.topLevel(KEY), undefined);
    assert.equal(inventory.podsOf(fleet).length, 1);
    assert.equal(inventory.templatesOf(fleet).length, 1);
    const deployment = workload('Deployment', 'top');
    const over = setup(rollout('web', deployment));
    over.apply(deployment, set(), running);
    over.inventory.keys();
    await over.settle();
    assert.deepEqual(over.inventory.keys(), ['Deployment|checkout|top']);
    assert.equal(over.inventory.podsOf(deployment).length, 1);
  });

  it('X20, B28: are not believed with another uid, or where there is none of that name or kind', async () => {
    const { apply, inventory, settle, api } = setup(web);
    const forged = [
      { uid: 'uid-forged' },
      { name: 'other' },
      { kind: 'Nothing' },
      { kind: 'ClusterRollout' },
      { apiVersion: 'gone.example/v1' },
    ].map((edits, i) => {
      const made = pod(`forged-${i.toString()}`);
      const ownerReferences = [controlledBy(web, edits)] as never;
      return { ...made, metadata: { ...made.metadata, ownerReferences } };
    });
    apply(...forged);
    inventory.keys();
    await settle();
    for (const one of forged)
      assert.equal(inventory.keyOf(one), `Pod|checkout|${one.metadata.name}`);
    assert.deepEqual(
      api.reads.filter((path) => path.includes('clusterrollouts')),
      [],
    );
  });

  it('X20: are asked for only where the name can be one, and never of groups whose objects own no pods', async () => {
    const { apply, inventory, settle, api } = setup(web);
    const names = [
      { apiVersion: 'v1', kind: 'Node' },
      { apiVersion: 'countersign.dev/v1alpha1', kind: 'SigningException' },
      { apiVersion: 'wgpolicyk8s.io/v1alpha2', kind: 'PolicyReport' },
      { apiVersion: '../v1' },
      { apiVersion: 'a.example/v1/x' },
      { apiVersion: 'argoproj.io/v1alpha1?x=y' },
      { kind: '../Rollout' },
      { name: '..' },
      { name: '' },
      { uid: '' },
    ];
    const pods = names.map((edits, i) => {
      const made = pod(`odd-${i.toString()}`);
      const ownerReferences = [controlledBy(web, edits)] as never;
      return { ...made, metadata: { ...made.metadata, ownerReferences } };
    });
    apply(...pods);
    assert.equal(inventory.keys().length, names.length);
    assert.deepEqual(await settle(), []);
    assert.deepEqual(api.reads, []);
  });

  it('of a kind that may not be read are asked for once in a namespace, and again after minutes', async () => {
    const { apply, inventory, settle, api, clock } = setup(web, rollout('api'));
    const forbidden = new KubeError(403, 'no', { reason: 'Forbidden', objectName: 'web' });
    api.refuse = (path) => (path.includes('/rollouts/') ? forbidden : undefined);
    apply(set());
    inventory.keys();
    assert.deepEqual(await settle(), ['ReplicaSet|checkout|web-1']);
    apply(set(1, 'api-1', rollout('api')));
    inventory.keys();
    await settle();
    assert.deepEqual(inventory.keys(), ['ReplicaSet|checkout|web-1', 'ReplicaSet|checkout|api-1']);
    assert.equal(api.reads.length, 2);
    api.refuse = () => undefined;
    await clock.advance(6 * MINUTE);
    inventory.keys();
    await settle();
    assert.deepEqual(inventory.keys(), [KEY, 'Rollout.argoproj.io|checkout|api']);
  });

  it('that cannot be read are looked for again by and by; one that was proven stays', async () => {
    const { inventory, settle, api, clock } = await known();
    api.refuse = () => new KubeError(500, 'broken');
    await clock.advance(6 * MINUTE);
    inventory.keys();
    assert.deepEqual(await settle(), []);
    assert.deepEqual(inventory.keys(), [KEY]);
    const reads = api.reads.length;
    inventory.keys();
    await settle();
    assert.equal(api.reads.length, reads);
    api.refuse = () => undefined;
    api.objects.clear();
    await clock.advance(MINUTE);
    assert.deepEqual(await settle(), ['ReplicaSet|checkout|web-1', KEY]);
  });

  it('of an API that cannot be reached do not wait for it one after the other', async () => {
    const { apply, inventory, settle, api, clock } = setup(web, rollout('api'));
    api.refuse = () => new KubeError(0, 'timed out');
    for (let n = 0; n < 20; n += 1)
      apply(set(1, `web-${n.toString()}`, rollout(`web-${n.toString()}`)));
    apply(set(1, 'api-1', rollout('api')));
    inventory.keys();
    assert.equal((await settle()).length, 21);
    assert.ok(api.reads.length <= 4, `${api.reads.length.toString()} reads`);
    assert.equal(inventory.awaitsOwner(set(1, 'api-1', rollout('api'))), false);
    api.refuse = () => undefined;
    await clock.advance(MINUTE);
    assert.deepEqual(await settle(), [
      'ReplicaSet|checkout|api-1',
      'Rollout.argoproj.io|checkout|api',
    ]);
  });

  it('are believed for some minutes, then read again; one that is gone leaves what it owned by itself', async () => {
    const { inventory, settle, api, clock } = await known();
    api.objects.clear();
    await clock.advance(4 * MINUTE);
    assert.deepEqual(inventory.topLevel(KEY), web);
    assert.deepEqual(await settle(), []);
    await clock.advance(2 * MINUTE);
    assert.deepEqual(inventory.topLevel(KEY), web);
    assert.deepEqual(await settle(), ['ReplicaSet|checkout|web-1', KEY]);
    assert.equal(inventory.topLevel(KEY), undefined);
    assert.deepEqual(inventory.keys(), ['ReplicaSet|checkout|web-1']);
  });

  it('are read again at once where there is doubt, as when a report went with them', async () => {
    const { owners, inventory, settle, api } = await known();
    api.objects.clear();
    owners.doubt(KEY);
    assert.deepEqual(await settle(), ['ReplicaSet|checkout|web-1', KEY]);
    assert.equal(inventory.topLevel(KEY), undefined);
  });

  it('are no workloads where nothing belongs to them any more', async () => {
    const { fake, inventory } = await known();
    fake.remove(pathTo(running));
    fake.remove(pathTo(set()));
    assert.equal(inventory.topLevel(KEY), undefined);
    assert.deepEqual(inventory.keys(), []);
  });

  it('are not looked for after the end', async () => {
    const { apply, owners, inventory, settle, api } = setup(web);
    owners.close();
    apply(set());
    assert.deepEqual(inventory.keys(), ['ReplicaSet|checkout|web-1']);
    await settle();
    assert.deepEqual(api.reads, []);
  });
});

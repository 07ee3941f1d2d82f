// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { FakeApi } from '../../__fixtures__/fake-api.ts';
import { controlledBy, inventoryOf, pathTo, pod, workload } from '../../__fixtures__/workloads.ts';
import type { WorkloadObject } from './objects.ts';

function setup() {
  const api = new FakeApi();
  return { api, ...inventoryOf(api) };
}

function names(objects: readonly WorkloadObject[]): readonly string[] {
  return objects.map((object) => object.metadata.name).sort();
}

/** The object with another reference to what controls it. */
function ownedBy(object: WorkloadObject, reference: object): WorkloadObject {
  const ownerReferences = [reference] as NonNullable<WorkloadObject['metadata']['ownerReferences']>;
  return { ...object, metadata: { ...object.metadata, ownerReferences } };
}

const deployment = workload('Deployment', 'web');
const replicaSet = workload('ReplicaSet', 'web-1', { owner: deployment });
const running = pod('web-1-a', { owner: replicaSet });

describe('the inventory of workloads', () => {
  it('names the Deployment for a pod, through the ReplicaSet, and finds it by that key', () => {
    const { inventory, apply } = setup();
    apply(deployment, replicaSet, running);
    const key = 'Deployment|checkout|web';
    for (const object of [deployment, replicaSet, running])
      assert.equal(inventory.keyOf(object), key);
    assert.equal(inventory.topLevel(key)?.metadata.uid, deployment.metadata.uid);
    assert.deepEqual(names(inventory.podsOf(deployment)), ['web-1-a']);
  });

  it('names the CronJob for a pod of a Job', () => {
    const { inventory, apply } = setup();
    const cron = workload('CronJob', 'nightly');
    const job = workload('Job', 'nightly-1', { owner: cron });
    const worker = pod('nightly-1-a', { owner: job });
    apply(cron, job, worker);
    assert.equal(inventory.keyOf(worker), 'CronJob|checkout|nightly');
    assert.deepEqual(names(inventory.podsOf(cron)), ['nightly-1-a']);
  });

  it('X20, B28: believes no owner that is not there with the same uid, kind and group', () => {
    const { inventory, apply } = setup();
    apply(deployment);
    for (const edits of [
      { uid: 'uid-forged' },
      { uid: '' },
      { name: 'other' },
      { apiVersion: 'apps.evil/v1' },
      { kind: 'Rollout' },
      { kind: 'constructor' },
      { controller: false },
    ]) {
      const forged = ownedBy(pod('forged'), controlledBy(deployment, edits));
      apply(forged);
      assert.equal(inventory.keyOf(forged), 'Pod|checkout|forged');
      assert.deepEqual(inventory.topLevel('Pod|checkout|forged')?.metadata.name, 'forged');
      assert.ok(inventory.keys().includes('Pod|checkout|forged'));
    }
  });

  it('X20: takes no owner of another namespace, and gives none its pods', () => {
    const { inventory, apply } = setup();
    const foreign = pod('foreign', { namespace: 'evil', owner: deployment });
    apply(deployment, foreign);
    assert.equal(inventory.keyOf(foreign), 'Pod|evil|foreign');
    assert.deepEqual(inventory.podsOf(deployment), []);
  });

  it('answers no object under the key of something that is owned, or that is nothing', () => {
    const { inventory, apply } = setup();
    apply(deployment, replicaSet, running);
    for (const key of [
      'ReplicaSet|checkout|web-1',
      'Pod|checkout|web-1-a',
      'Deployment|checkout|gone',
      'Deployment|other|web',
      'Secret|checkout|web',
      'constructor|checkout|web',
      '',
    ]) {
      assert.equal(inventory.topLevel(key), undefined);
    }
  });

  it('leaves out pods that have ended, also one without an owner', () => {
    const { inventory, apply } = setup();
    const job = workload('Job', 'once');
    const phases = ['Pending', 'Running', 'Unknown', 'Succeeded', 'Failed'];
    apply(job, ...phases.map((phase) => pod(phase.toLowerCase(), { owner: job, phase })));
    assert.deepEqual(names(inventory.podsOf(job)), ['pending', 'running', 'unknown']);
    const alone = pod('alone');
    assert.deepEqual(names(inventory.podsOf(alone)), ['alone']);
    assert.deepEqual(inventory.podsOf(pod('alone', { phase: 'Succeeded' })), []);
  });

  it('finds the pods of every ReplicaSet of a Deployment', () => {
    const { inventory, apply } = setup();
    const older = workload('ReplicaSet', 'web-0', { owner: deployment });
    apply(deployment, replicaSet, older, running, pod('web-0-a', { owner: older }));
    assert.deepEqual(names(inventory.podsOf(deployment)), ['web-0-a', 'web-1-a']);
  });

  it('makes a pod a workload of its own when its owner goes', () => {
    const { api, inventory, apply } = setup();
    apply(deployment, replicaSet, running);
    api.remove(pathTo(replicaSet));
    assert.equal(inventory.keyOf(running), 'Pod|checkout|web-1-a');
    assert.deepEqual(inventory.podsOf(deployment), []);
  });

  it('lists the keys of what nothing owns, in all namespaces or in one', () => {
    const { inventory, apply } = setup();
    apply(deployment, replicaSet, running, pod('alone', { namespace: 'other' }));
    assert.deepEqual(inventory.keys(), ['Pod|other|alone', 'Deployment|checkout|web']);
    assert.deepEqual(inventory.keys('other'), ['Pod|other|alone']);
    assert.deepEqual(inventory.keys('checkout'), ['Deployment|checkout|web']);
    assert.deepEqual(inventory.keys('empty'), []);
  });

  it('ends where objects own each other in a circle', () => {
    const { inventory, apply } = setup();
    const one = workload('ReplicaSet', 'one');
    const two = workload('ReplicaSet', 'two', { owner: one });
    const circle = ownedBy(one, controlledBy(two));
    apply(circle, two);
    assert.deepEqual(inventory.podsOf(circle), []);
    assert.ok(inventory.keyOf(circle).startsWith('ReplicaSet|checkout|'));
  });
});

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { createOf, podObject, templateObject, updateOf } from '../__fixtures__/requests.ts';
import { targetOf, type Target } from './target.ts';

function target(reading: ReturnType<typeof targetOf>): Target {
  assert.equal(reading.state, 'target');
  return reading.target;
}

describe('what a request is about', () => {
  it('is a pod with account, pull secrets and images', () => {
    const object = podObject({ containers: ['a'], volumes: ['v'], serviceAccountName: 'web' });
    const spec = { ...(object['spec'] as object), imagePullSecrets: [{ name: 's' }] };
    const found = target(targetOf(createOf({ ...object, spec })));
    assert.deepEqual(
      [found.subject, found.namespace, found.serviceAccount, found.pullSecrets],
      ['pod', 'team', 'web', ['s']],
    );
    assert.deepEqual(
      found.changed.map((field) => field.path),
      ['spec.containers[0].image', 'spec.volumes[0].image.reference'],
    );
    assert.deepEqual([found.old, found.mirror, found.derived], [[], false, false]);
  });

  it('is a template of every kind that has one', () => {
    for (const kind of [
      'Deployment',
      'StatefulSet',
      'DaemonSet',
      'ReplicaSet',
      'Job',
      'CronJob',
      'ReplicationController',
    ]) {
      const found = target(targetOf(createOf(templateObject(kind, { containers: ['a'] }))));
      assert.deepEqual([found.subject, found.changed.length], ['template', 1], kind);
    }
  });

  it('is nothing where nothing is made or changed', () => {
    for (const operation of ['DELETE', 'CONNECT'] as const) {
      const request = createOf(podObject({ containers: ['a'] }), { operation });
      assert.equal(targetOf(request).state, 'no-images');
    }
  });

  it('is nothing for the subresources that we know to name no image', () => {
    for (const [group, kind, subResource] of [
      ['autoscaling', 'Scale', 'scale'],
      ['', 'Binding', 'binding'],
      ['policy', 'Eviction', 'eviction'],
    ] as const) {
      assert.equal(targetOf(createOf({ kind }, { group, subResource })).state, 'no-images', kind);
    }
  });

  it('E1: is malformed for any other kind, under a subresource too: it may name images', () => {
    for (const [group, kind, subResource] of [
      ['', 'EphemeralContainers', 'ephemeralcontainers'],
      ['example.dev', 'Scale', 'scale'],
      ['autoscaling', 'Scale', ''],
      ['extensions', 'Deployment', ''],
      ['', 'constructor', ''],
      ['apps', 'Pod', ''],
    ] as const) {
      assert.equal(targetOf(createOf({ kind }, { group, subResource })).state, 'malformed', kind);
    }
  });

  it('E1: is a pod under every subresource of pods', () => {
    const before = podObject({ containers: ['a'] });
    const after = podObject({ containers: ['a'], ephemeralContainers: ['b'] });
    for (const subResource of ['ephemeralcontainers', 'resize', 'status']) {
      const found = target(targetOf(updateOf(before, after, { subResource })));
      assert.deepEqual(
        found.changed.map((field) => field.image),
        ['b'],
      );
    }
  });

  it('is malformed without namespace, and where the shape is not that of its kind', () => {
    const pod = podObject({ containers: ['a'] });
    assert.equal(targetOf(createOf(pod, { namespace: '' })).state, 'malformed');
    for (const spec of [null, [], { containers: {} }, { containers: [{ name: 'a', image: 1 }] }])
      assert.equal(targetOf(createOf({ ...pod, spec })).state, 'malformed');
    const broken = { ...pod, spec: { containers: [null] } };
    assert.equal(targetOf(updateOf(broken, pod)).state, 'malformed');
  });

  it('X38: is malformed where it names more images than anybody runs', () => {
    const images = (count: number) => podObject({ containers: Array<string>(count).fill('a') });
    assert.equal(targetOf(createOf(images(1024))).state, 'target');
    const reading = targetOf(createOf(images(1025)));
    assert.deepEqual(reading, {
      state: 'malformed',
      detail: 'more than 1024 images in one Pod',
    });
  });

  it('X17: is a mirror only with the annotation and by the node that it names', () => {
    const mirror = { annotations: { 'kubernetes.io/config.mirror': 'x' } };
    const isMirror = (metadata: object, nodeName: string, username: string): boolean =>
      target(
        targetOf(
          createOf(podObject({ containers: ['a'], nodeName, metadata: { ...metadata } }), {
            username,
          }),
        ),
      ).mirror;
    assert.equal(isMirror(mirror, 'n1', 'system:node:n1'), true);
    assert.equal(isMirror(mirror, 'n1', 'system:node:n2'), false);
    assert.equal(isMirror(mirror, '', 'system:node:'), false);
    assert.equal(isMirror(mirror, 'n1', 'alice'), false);
    assert.equal(isMirror({}, 'n1', 'system:node:n1'), false);
    assert.equal(isMirror({ annotations: null }, 'n1', 'system:node:n1'), false);
  });

  it('is derived only where a controller is said to have made a ReplicaSet or Job', () => {
    const metadata = { ownerReferences: [null, { controller: true }] };
    const derived = (kind: string, more: object): boolean =>
      target(targetOf(createOf(templateObject(kind, { containers: ['a'], metadata: { ...more } }))))
        .derived;
    assert.equal(derived('ReplicaSet', metadata), true);
    assert.equal(derived('Job', metadata), true);
    assert.equal(derived('Deployment', metadata), false);
    assert.equal(derived('ReplicaSet', { ownerReferences: [{ controller: false }] }), false);
    assert.equal(derived('ReplicaSet', { ownerReferences: 'x' }), false);
  });
});

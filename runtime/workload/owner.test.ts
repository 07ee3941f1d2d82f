// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { topOwner, type OwnedLike, type OwnerLookup, type OwnerReferenceLike } from './owner.ts';

function reference(
  kind: string,
  name: string,
  edits: Partial<OwnerReferenceLike> = {},
): OwnerReferenceLike {
  return { apiVersion: 'apps/v1', kind, name, uid: `uid-${name}`, controller: true, ...edits };
}

function object(
  kind: string,
  name: string,
  ownerReferences: readonly OwnerReferenceLike[] = [],
): OwnedLike {
  return {
    apiVersion: 'apps/v1',
    kind,
    metadata: { name, namespace: 'shop', uid: `uid-${name}`, ownerReferences },
  };
}

/** Knows these objects by kind and name, in the namespace `shop`. */
function knowing(...objects: readonly OwnedLike[]): OwnerLookup {
  return (namespace, owner) => {
    assert.equal(namespace, 'shop');
    return objects.find(
      ({ kind, metadata }) => kind === owner.kind && metadata.name === owner.name,
    );
  };
}

const deployment = object('Deployment', 'web');
const replicaSet = object('ReplicaSet', 'web-1', [reference('Deployment', 'web')]);
const pod = object('Pod', 'web-1-x', [reference('ReplicaSet', 'web-1')]);

describe('the top owner', () => {
  it('is the object that a person would name', () => {
    assert.equal(topOwner(pod, knowing(replicaSet, deployment)), deployment);
    assert.equal(topOwner(replicaSet, knowing(replicaSet, deployment)), deployment);
    assert.equal(topOwner(deployment, knowing(replicaSet, deployment)), deployment);
  });

  it('is the object itself where it has no owners', () => {
    const bare: OwnedLike = { kind: 'Pod', metadata: { name: 'bare' } };
    assert.equal(
      topOwner(bare, () => assert.fail('nothing to look up')),
      bare,
    );
  });

  it('is the last one that is known', () => {
    assert.equal(topOwner(pod, knowing(deployment)), pod);
    assert.equal(topOwner(pod, knowing(replicaSet)), replicaSet);
  });

  it('follows the controller, not the other owners', () => {
    const other = object('ReplicaSet', 'other');
    const mixed = object('Pod', 'mixed', [
      reference('ReplicaSet', 'other', { controller: false }),
      { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'other', uid: 'uid-other' },
      reference('ReplicaSet', 'web-1'),
    ]);
    assert.equal(topOwner(mixed, knowing(replicaSet, deployment, other)), deployment);
    const uncontrolled = object('Pod', 'loose', [
      reference('ReplicaSet', 'other', { controller: false }),
    ]);
    assert.equal(topOwner(uncontrolled, knowing(other)), uncontrolled);
  });

  it('is not one whose uid the reference does not prove: tenants write references', () => {
    for (const uid of ['uid-of-another', '', 'UID-web-1']) {
      const forged = object('Pod', 'forged', [reference('ReplicaSet', 'web-1', { uid })]);
      assert.equal(topOwner(forged, knowing(replicaSet, deployment)), forged);
    }
  });

  it('is not one without a uid, whatever the reference says', () => {
    const nameless: OwnedLike = { kind: 'ReplicaSet', metadata: { name: 'web-1', uid: '' } };
    const { uid, ...metadata } = replicaSet.metadata;
    assert.equal(uid, 'uid-web-1');
    for (const owner of [nameless, { ...replicaSet, metadata }]) {
      const forged = object('Pod', 'forged', [reference('ReplicaSet', 'web-1', { uid: '' })]);
      assert.equal(topOwner(forged, knowing(owner)), forged);
      assert.equal(topOwner(pod, knowing(owner)), pod);
    }
  });

  it('is looked for in the namespace of the object, whatever an owner says of itself', () => {
    const foreign: OwnedLike = {
      ...replicaSet,
      metadata: { ...replicaSet.metadata, namespace: 'elsewhere' },
    };
    assert.equal(topOwner(pod, knowing(foreign, deployment)), deployment);
  });

  it('ends after eight steps, also where references go round', () => {
    const one = object('Thing', 'one', [reference('Thing', 'two')]);
    const two = object('Thing', 'two', [reference('Thing', 'one')]);
    assert.equal(topOwner(one, knowing(one, two)), one);
    const self = object('Thing', 'self', [reference('Thing', 'self')]);
    assert.equal(topOwner(self, knowing(self)), self);
    const chain = Array.from({ length: 12 }, (_, i) =>
      object('Thing', i.toString(), [reference('Thing', (i + 1).toString())]),
    );
    const [first] = chain;
    assert.ok(first !== undefined);
    assert.equal(topOwner(first, knowing(...chain)), chain[8]);
  });
});

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { ImageTrustPolicySpecInput } from '../../crds/index.ts';
import { compilePolicy } from '../../verification/index.ts';
import { KeyIssuer, testPolicy } from '../../verification/testing/index.ts';
import {
  BLOB_KEY,
  encodeBlob,
  FORMAT_VERSION,
  INDEX_KEY,
  INDEX_NAME,
  type DefaultAction,
  type ProgramIndex,
} from './codec.ts';
import { blobConfigMap, indexConfigMap, type ProgramConfigMap } from './configmap.ts';
import { ProgramStore, type ProgramObjects } from './store.ts';

const issuer = new KeyIssuer();
type Specs = Readonly<Record<string, Partial<ImageTrustPolicySpecInput>>>;

/** The ConfigMaps of one namespace. */
class TestObjects implements ProgramObjects {
  readonly #objects = new Map<string, ProgramConfigMap>();
  readonly reads: string[] = [];

  get(name: string): ProgramConfigMap | undefined {
    this.reads.push(name);
    return this.#objects.get(name);
  }

  put(object: ProgramConfigMap): void {
    this.#objects.set(object.metadata.name, object);
  }

  remove(name: string): void {
    this.#objects.delete(name);
  }

  /** Writes the text of an index as it is. */
  writeIndex(text: string): void {
    this.put({ metadata: { name: INDEX_NAME }, data: { [INDEX_KEY]: text } });
  }

  /** Publishes a program as the operator does. Answers the names of its blobs, in order. */
  publish(
    revision: number,
    specs: Specs,
    defaultAction: DefaultAction = 'Allow',
  ): readonly string[] {
    const policies = new Map<string, string>();
    for (const [name, edits] of Object.entries(specs)) {
      const blob = encodeBlob(compilePolicy(name, testPolicy([issuer], edits)).spec);
      policies.set(name, blob.name);
      this.put(blobConfigMap('countersign', blob));
    }
    const index: ProgramIndex = {
      formatVersion: FORMAT_VERSION,
      revision,
      defaultAction,
      policies,
    };
    this.put(indexConfigMap('countersign', index));
    return [...policies.values()];
  }
}

/** A store that enforces revision 3, and the objects it was read from. */
function following(): { objects: TestObjects; store: ProgramStore } {
  const objects = new TestObjects();
  objects.publish(3, { team: {} });
  const store = new ProgramStore();
  assert.equal(store.refresh(objects), true);
  return { objects, store };
}

describe('the program store', () => {
  it('holds nothing, and says so, as long as there never was a program', () => {
    const store = new ProgramStore();
    assert.deepEqual(store.state, { snapshot: undefined, problem: 'no program was ever read' });
    assert.equal(store.refresh(new TestObjects()), false);
    assert.deepEqual(store.state, {
      snapshot: undefined,
      problem: 'the program index is missing or empty',
    });
    const objects = new TestObjects();
    objects.writeIndex('{');
    assert.equal(store.refresh(objects), false);
    assert.deepEqual(store.state, {
      snapshot: undefined,
      problem: 'countersign-program: not JSON',
    });
    assert.equal(store.snapshot, undefined);
  });

  it('takes a complete program', () => {
    const objects = new TestObjects();
    objects.publish(3, { app: {}, team: { mode: 'Audit' } }, 'Deny');
    const store = new ProgramStore();
    assert.equal(store.refresh(objects), true);
    assert.equal(store.state.problem, undefined);
    assert.equal(store.snapshot, store.state.snapshot);
    const { snapshot } = store;
    assert.deepEqual([snapshot?.revision, snapshot?.defaultAction], [3, 'Deny']);
    assert.deepEqual(
      snapshot?.policies.map((policy) => [policy.name, policy.spec.mode]),
      [
        ['app', 'Enforce'],
        ['team', 'Audit'],
      ],
    );
  });

  it('takes a program without any policy: then the default action decides', () => {
    const objects = new TestObjects();
    objects.publish(1, {}, 'Deny');
    const store = new ProgramStore();
    assert.equal(store.refresh(objects), true);
    assert.deepEqual([store.snapshot?.policies, store.snapshot?.defaultAction], [[], 'Deny']);
  });

  it('takes the next one, and tells of no change where there is none', () => {
    const { objects, store } = following();
    const first = store.snapshot;
    assert.equal(store.refresh(objects), false);
    assert.equal(store.snapshot, first);
    objects.publish(4, { team: { mode: 'Audit' } });
    assert.equal(store.refresh(objects), true);
    assert.equal(store.snapshot?.revision, 4);
    assert.equal(first?.policies[0]?.spec.mode, 'Enforce');
  });

  it('compiles only what changed', () => {
    const { objects, store } = following();
    const before = store.snapshot?.policies[0];
    objects.publish(4, { other: { mode: 'Audit' }, team: {} });
    store.refresh(objects);
    assert.deepEqual(
      store.snapshot?.policies.map((policy) => policy.name),
      ['other', 'team'],
    );
    assert.equal(store.snapshot.policies[1], before);
  });

  it('does not take the policy of another name for one with the same content', () => {
    const { objects, store } = following();
    const before = store.snapshot?.policies[0];
    objects.publish(4, { renamed: {} });
    store.refresh(objects);
    assert.deepEqual(
      store.snapshot?.policies.map((policy) => policy.name),
      ['renamed'],
    );
    assert.notEqual(store.snapshot.policies[0], before);
  });
});

describe('the program store keeps the last snapshot', () => {
  /** Expects that what `edit` does to the objects is refused, and that mending it is noticed. */
  function keeps(edit: (objects: TestObjects) => void, problem: RegExp): void {
    const { objects, store } = following();
    const before = store.snapshot;
    edit(objects);
    for (const look of ['first', 'second']) {
      assert.equal(store.refresh(objects), false, look);
      assert.equal(store.snapshot, before);
      assert.match(store.state.problem ?? '', problem);
    }
    objects.publish(3, { team: {} });
    assert.equal(store.refresh(objects), false);
    assert.deepEqual(store.state, { snapshot: before, problem: undefined });
    objects.publish(5, { team: {} });
    assert.equal(store.refresh(objects), true);
    assert.equal(store.state.problem, undefined);
  }

  it('where the index is lost or empty', () => {
    const problem = /^the program index is missing or empty$/;
    keeps((objects) => objects.remove(INDEX_NAME), problem);
    keeps((objects) => objects.put({ metadata: { name: INDEX_NAME } }), problem);
    keeps(
      (objects) => objects.put({ metadata: { name: INDEX_NAME }, data: { other: '{}' } }),
      problem,
    );
  });

  it('where the index is malformed', () => {
    keeps((objects) => objects.writeIndex(''), /not JSON$/);
    keeps(
      (objects) => objects.writeIndex('{"formatVersion":1,"revision":4}'),
      /^index: no default action$/,
    );
    keeps(
      (objects) => objects.writeIndex('{"formatVersion":2}'),
      /^index: format version is not known$/,
    );
  });

  it('where a blob is not there, or holds nothing', () => {
    keeps((objects) => {
      const [name = ''] = objects.publish(4, { team: { mode: 'Audit' } });
      objects.remove(name);
    }, /^index is not complete: countersign-program-[0-9a-f]{64} of policy team is missing$/);
    keeps((objects) => {
      const [name = ''] = objects.publish(4, { team: { mode: 'Audit' } });
      objects.put({ metadata: { name } });
    }, /^index is not complete: /);
  });

  it('where one blob of several was changed behind its name: all or nothing', () => {
    keeps((objects) => {
      const [, name = ''] = objects.publish(4, { app: { mode: 'Audit' }, team: { mode: 'Audit' } });
      const forged = encodeBlob(compilePolicy('team', testPolicy([new KeyIssuer()])).spec);
      objects.put({
        metadata: { name },
        binaryData: { [BLOB_KEY]: forged.bytes.toString('base64') },
      });
    }, /content does not hash to its name$/);
  });

  it('where a policy does not compile', () => {
    keeps((objects) => {
      const { spec } = compilePolicy('team', testPolicy([issuer]));
      const blob = encodeBlob({ ...spec, match: { ...spec.match, images: [] } });
      objects.put(blobConfigMap('countersign', blob));
      const policies = new Map([['team', blob.name]]);
      objects.put(
        indexConfigMap('countersign', {
          formatVersion: FORMAT_VERSION,
          revision: 4,
          defaultAction: 'Allow',
          policies,
        }),
      );
    }, /^policy team does not compile: spec\.match\.images/);
  });

  it('where the index goes back', () => {
    keeps((objects) => objects.publish(2, {}), /^index goes back from revision 3 to 2$/);
  });

  it('where the index says something else under the same revision', () => {
    keeps((objects) => objects.publish(3, {}), /^index changed without a new revision \(3\)$/);
    keeps(
      (objects) => objects.publish(3, { team: {} }, 'Deny'),
      /^index changed without a new revision \(3\)$/,
    );
  });

  it('where reading fails', () => {
    const { objects, store } = following();
    const before = store.snapshot;
    const broken: ProgramObjects = {
      get: () => {
        throw new RangeError('no such thing');
      },
    };
    assert.equal(store.refresh(broken), false);
    assert.deepEqual(store.state, { snapshot: before, problem: 'no such thing' });
    store.refresh(objects);
    assert.equal(store.state.problem, undefined);
  });

  it('until the rest of an incomplete one has come, whatever the order', () => {
    const { objects, store } = following();
    const later = new TestObjects();
    const [name = ''] = later.publish(4, { team: { mode: 'Audit' } });
    const blob = later.get(name);
    const index = later.get(INDEX_NAME);
    assert.ok(blob !== undefined && index !== undefined);
    objects.put(index);
    assert.equal(store.refresh(objects), false);
    objects.put(blob);
    assert.equal(store.refresh(objects), true);
    assert.deepEqual([store.snapshot?.revision, store.state.problem], [4, undefined]);
  });

  it('and reads no blob again for an index that it knows', () => {
    const { objects, store } = following();
    objects.reads.length = 0;
    store.refresh(objects);
    assert.deepEqual(objects.reads, [INDEX_NAME]);
  });
});

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'mocha';
import { objectKey, splitKey, type KubeObject } from './objects.ts';
import { ObjectStore } from './store.ts';

function thing(
  name: string,
  resourceVersion: string,
  labels: Readonly<Record<string, string>> = {},
): KubeObject {
  return { metadata: { name, namespace: 'shop', uid: `uid-${name}`, resourceVersion, labels } };
}

/** Told once for every change: key, current version, previous version. */
type Told = readonly [string, string | undefined, string | undefined];

describe('the store', () => {
  let faults: unknown[];
  let store: ObjectStore<KubeObject>;

  const follow = (): { told: Told[]; end: () => void } => {
    const told: Told[] = [];
    const end = store.onChange((key, current, previous) => {
      told.push([key, current?.metadata.resourceVersion, previous?.metadata.resourceVersion]);
    });
    return { told, end };
  };
  const namesBy = (value: string, index = 'app'): readonly string[] =>
    store.byIndex(index, value).map(({ metadata }) => metadata.name);

  beforeEach(() => {
    faults = [];
    store = new ObjectStore<KubeObject>({
      onFault: (thrown) => faults.push(thrown),
      indexes: {
        app: ({ metadata }) => metadata.labels?.['app']?.split(',') ?? [],
        tier: ({ metadata }) => {
          if (metadata.labels?.['tier'] === 'broken') throw new Error('broken index');
          return metadata.labels?.['tier']?.split(',') ?? [];
        },
      },
    });
  });

  it('keeps objects by namespace and name', () => {
    const cluster: KubeObject = { metadata: { name: 'node-1' } };
    store.put(thing('web', '1'));
    store.put(cluster);
    assert.deepEqual([store.size, store.keys()], [2, ['shop/web', 'node-1']]);
    assert.equal(store.get('node-1'), cluster);
    assert.equal(store.get('shop/node-1'), undefined);
    assert.deepEqual(store.list().map(objectKey), store.keys());
    store.remove('shop/web');
    assert.deepEqual(store.keys(), ['node-1']);
  });

  it('tells of what is new, changed and gone, and of nothing else', () => {
    const { told } = follow();
    store.put(thing('web', '1'));
    store.put(thing('web', '1', { app: 'other' }));
    store.put(thing('web', '2'));
    store.remove('shop/other');
    store.remove('shop/web');
    store.remove('shop/web');
    assert.deepEqual(told, [
      ['shop/web', '1', undefined],
      ['shop/web', '2', '1'],
      ['shop/web', undefined, '2'],
    ]);
  });

  it('takes one of the same version for another where it has another uid, or no version', () => {
    const { told } = follow();
    store.put(thing('web', '1'));
    const born: KubeObject = { metadata: { ...thing('web', '1').metadata, uid: 'another' } };
    store.put(born);
    assert.equal(store.get('shop/web'), born);
    const bare: KubeObject = { metadata: { name: 'bare' } };
    store.put(bare);
    store.put(bare);
    assert.equal(told.length, 4);
  });

  it('tells a handler that comes late of every object that is there', () => {
    store.put(thing('web', '1'));
    store.put(thing('db', '2'));
    const { told } = follow();
    assert.deepEqual(told, [
      ['shop/web', '1', undefined],
      ['shop/db', '2', undefined],
    ]);
  });

  it('tells a handler nothing more once it has ended', () => {
    const one = follow();
    const two = follow();
    one.end();
    one.end();
    store.put(thing('web', '1'));
    assert.deepEqual([one.told.length, two.told.length], [0, 1]);
  });

  it('lets a handler that throws harm nobody', () => {
    store.put(thing('web', '1'));
    store.onChange(() => {
      throw new Error('handler');
    });
    const { told } = follow();
    store.put(thing('web', '2', { app: 'web' }));
    assert.deepEqual(told.at(-1), ['shop/web', '2', '1']);
    assert.deepEqual(namesBy('web'), ['web']);
    assert.deepEqual(faults.map(String), ['Error: handler', 'Error: handler']);
  });

  it('shows a handler the store as it is after the change', () => {
    const seen: unknown[] = [];
    store.onChange((key) => seen.push([store.get(key) !== undefined, namesBy('web')]));
    store.put(thing('web', '1', { app: 'web' }));
    store.remove('shop/web');
    assert.deepEqual(seen, [
      [true, ['web']],
      [false, []],
    ]);
  });

  it('finds objects by what an index function says, and follows their changes', () => {
    store.put(thing('one', '1', { app: 'web' }));
    store.put(thing('two', '2', { app: 'web,shop' }));
    assert.deepEqual(namesBy('web'), ['one', 'two']);
    assert.deepEqual(namesBy('shop'), ['two']);
    store.put(thing('two', '3', { app: 'shop' }));
    assert.deepEqual(namesBy('web'), ['one']);
    store.remove('shop/one');
    assert.deepEqual([namesBy('web'), namesBy('shop'), namesBy('nobody')], [[], ['two'], []]);
  });

  it('G7: knows nothing of what objects inherit', () => {
    for (const name of ['constructor', '__proto__', 'toString']) {
      assert.deepEqual(namesBy(name), []);
      assert.equal(store.get(name), undefined);
      assert.throws(() => store.byIndex(name, 'web'), RangeError);
    }
    store.put(thing('odd', '1', { app: '__proto__' }));
    assert.deepEqual(namesBy('__proto__'), ['odd']);
  });

  it('refuses an index that there is not', () => {
    assert.throws(() => store.byIndex('other', 'web'), {
      name: 'RangeError',
      message: 'no index is called other',
    });
  });

  it('keeps an object whose index function throws, in the other indexes too', () => {
    store.put(thing('odd', '1', { app: 'web', tier: 'broken' }));
    assert.deepEqual([namesBy('web'), namesBy('broken', 'tier')], [['odd'], []]);
    assert.deepEqual(faults.map(String), ['Error: broken index']);
    store.put(thing('odd', '2', { app: 'web', tier: 'front' }));
    assert.deepEqual(namesBy('front', 'tier'), ['odd']);
  });
});

describe('the key of an object', () => {
  it('has a namespace where the object has one, and can be taken apart', () => {
    for (const metadata of [{ name: 'web', namespace: 'shop' }, { name: 'node-1' }]) {
      assert.deepEqual(splitKey(objectKey({ metadata })), metadata);
    }
    assert.deepEqual(splitKey('shop/a/b'), { namespace: 'shop', name: 'a/b' });
  });
});

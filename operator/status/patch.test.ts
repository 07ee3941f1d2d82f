// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import fc from 'fast-check';
import { KubeError, type KubeObject } from '../../runtime/kube/index.ts';
import { FakeApi } from '../__fixtures__/fake-api.ts';
import { mergePatch, patchStatus } from './patch.ts';

const PATH = '/apis/countersign.dev/v1alpha1/imagetrustpolicies/team';
const STATUS = `${PATH}/status`;

type WithStatus = KubeObject & { readonly status?: object };

function setup(status: object | undefined) {
  const api = new FakeApi();
  api.seed(PATH, { metadata: { name: 'team' }, ...(status === undefined ? {} : { status }) });
  const object = (): WithStatus => api.at<WithStatus>(PATH)!;
  return { api, object };
}

describe('the patch of a status', () => {
  it('is not sent where nothing is new, whatever the order of keys', async () => {
    const { api, object } = setup({ a: 1, b: { c: [1, 2], d: 'x' } });
    const next = { b: { d: 'x', c: [1, 2] }, a: 1, gone: undefined };
    assert.equal(await patchStatus(api, { path: STATUS, object: object(), next }), false);
    const none = setup(undefined);
    const empty = { path: STATUS, object: none.object(), next: {} };
    assert.equal(await patchStatus(none.api, empty), false);
    assert.deepEqual([api.writes, none.api.writes], [[], []]);
  });

  it('is sent against the version that was read, and takes away what is gone', async () => {
    const { api, object } = setup({ blob: 'x', program: { blob: 'y', replicas: 3 } });
    const read = object();
    const next = { program: { replicas: 4 } };
    assert.equal(await patchStatus(api, { path: STATUS, object: read, next }), true);
    assert.deepEqual(api.writes, [
      {
        verb: 'patch',
        path: STATUS,
        body: {
          metadata: { resourceVersion: read.metadata.resourceVersion },
          status: { blob: null, program: { blob: null, replicas: 4 } },
        },
      },
    ]);
    assert.deepEqual(object().status, next);
  });

  it('makes a status where there is none', async () => {
    const { api, object } = setup(undefined);
    const next = { conditions: [{ type: 'Ready' }] };
    assert.equal(await patchStatus(api, { path: STATUS, object: object(), next }), true);
    assert.deepEqual(object().status, next);
  });

  it('is a conflict where somebody else wrote meanwhile, and overwrites nothing', async () => {
    const { api, object } = setup({ a: 1 });
    const read = object();
    api.seed(PATH, { metadata: { name: 'team' }, ...{ status: { a: 2 } } });
    const change = { path: STATUS, object: read, next: { a: 3 } };
    await assert.rejects(patchStatus(api, change), { name: 'KubeError', status: 409 });
    assert.deepEqual(object().status, { a: 2 });
  });

  it('does not mind that the object is gone, and throws what the API server refuses', async () => {
    const { api, object } = setup({ a: 1 });
    const change = { path: STATUS, object: object(), next: { a: 2 } };
    api.fault = () => new KubeError(403, 'forbidden', { reason: 'Forbidden' });
    await assert.rejects(patchStatus(api, change), { name: 'KubeError', status: 403 });
    api.fault = () => undefined;
    api.remove(PATH);
    assert.equal(await patchStatus(api, change), false);
  });
});

describe('a merge patch', () => {
  it('goes into maps, and replaces lists as a whole', () => {
    assert.deepEqual(
      mergePatch(
        { map: { a: 1, b: 2 }, list: [{ a: 1 }], gone: 1, was: { a: 1 }, becomes: 1 },
        { map: { a: 1, c: 3 }, list: [{ b: 2 }], was: [1], becomes: { a: 1 } },
      ),
      { map: { a: 1, b: null, c: 3 }, list: [{ b: 2 }], gone: null, was: [1], becomes: { a: 1 } },
    );
    assert.deepEqual(mergePatch({ a: 1 }, { a: undefined }), { a: null });
    assert.deepEqual(mergePatch({}, {}), {});
  });

  it('makes one into the other, whatever they are', () => {
    const value = fc.letrec((tie) => ({
      any: fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.array(fc.integer()), tie('map')),
      map: fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), tie('any'), {
        maxKeys: 3,
        noNullPrototype: true,
      }),
    })).map;
    fc.assert(
      fc.property(value, value, (before, next) => {
        assert.deepEqual(applied(before, mergePatch(before, next)), next);
      }),
    );
  });
});

/** RFC 7386, written down a second time. */
function applied(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const start =
    typeof target === 'object' && target !== null && !Array.isArray(target) ? target : {};
  const result = new Map<string, unknown>(Object.entries(start));
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) result.delete(key);
    else result.set(key, applied(result.get(key), value));
  }
  return Object.fromEntries(result);
}

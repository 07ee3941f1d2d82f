// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { KubeError } from '../../../runtime/kube/index.ts';
import type { Digest } from '../../../verification/index.ts';
import { DIGEST } from '../../__fixtures__/findings.ts';
import { FakeApi } from '../../__fixtures__/fake-api.ts';
import { pod } from '../../__fixtures__/workloads.ts';
import type { WorkloadObject } from '../workload/index.ts';
import { evict, podsToEvict } from './evict.ts';

const BAD = { web: `registry.example/app@${DIGEST}` };
const GOOD = { web: `registry.example/app@sha256:${'b'.repeat(64)}` };
const digests = new Set<Digest>([DIGEST]);
const pods = (count: number): readonly WorkloadObject[] =>
  Array.from({ length: count }, (_, n) => pod(`web-${n.toString()}`, { images: BAD }));
const leaving = (object: WorkloadObject): WorkloadObject => ({
  ...object,
  metadata: { ...object.metadata, deletionTimestamp: '2026-11-21T00:00:00Z' },
});
const names = (objects: readonly WorkloadObject[]): readonly string[] =>
  objects.map(({ metadata }) => metadata.name);

describe('the pods to evict', () => {
  it('are a quarter of those that live, and one at least', () => {
    const counts = [1, 3, 4, 7, 8, 100].map((count) => podsToEvict(pods(count), digests).length);
    assert.deepEqual(counts, [1, 1, 1, 1, 2, 25]);
  });

  it('are fewer by those that leave already', () => {
    const [first, second, ...rest] = pods(8);
    assert.ok(first !== undefined && second !== undefined);
    assert.deepEqual(names(podsToEvict([leaving(first), second, ...rest], digests)), ['web-1']);
    assert.deepEqual(podsToEvict([leaving(first), leaving(second), ...rest], digests), []);
  });

  it('run the image, by what they name or by what their node reports', () => {
    const tagged = pod('tagged', {
      images: { web: 'registry.example/app:1' },
      imageIds: { web: `docker-pullable://registry.example/app@${DIGEST}` },
    });
    const others = Array.from({ length: 8 }, (_, n) => pod(`a-${n.toString()}`, { images: GOOD }));
    assert.deepEqual(names(podsToEvict([...others, tagged], digests)), ['tagged']);
    assert.deepEqual(podsToEvict(others, digests), []);
  });

  it('are none that a node runs by itself', () => {
    const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n', uid: 'u' } };
    assert.deepEqual(podsToEvict([pod('static', { images: BAD, owner: node })], digests), []);
  });
});

describe('an eviction', () => {
  const [target] = pods(1);
  const at = '/api/v1/namespaces/checkout/pods/web-0/eviction';
  const asked = async (error?: KubeError): Promise<readonly [string, readonly unknown[]]> => {
    const bodies: unknown[] = [];
    const api = new FakeApi();
    api.create = (path, body) => {
      bodies.push(path, body);
      return error === undefined ? Promise.resolve({} as never) : Promise.reject(error);
    };
    assert.ok(target !== undefined);
    return [await evict(api, target, new AbortController().signal), bodies];
  };

  it('is of this very pod', async () => {
    const [outcome, bodies] = await asked();
    assert.equal(outcome, 'done');
    assert.deepEqual(bodies, [
      at,
      {
        apiVersion: 'policy/v1',
        kind: 'Eviction',
        metadata: { name: 'web-0', namespace: 'checkout' },
        deleteOptions: { preconditions: { uid: 'uid-of-Pod-web-0' } },
      },
    ]);
  });

  it('may be blocked by a budget, or come too late', async () => {
    const outcomes = await Promise.all(
      [429, 404, 409].map(async (status) => (await asked(new KubeError(status, 'no')))[0]),
    );
    assert.deepEqual(outcomes, ['blocked', 'gone', 'gone']);
  });

  it('fails where it is not allowed', async () => {
    await assert.rejects(asked(new KubeError(403, 'forbidden')), { status: 403 });
  });
});

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { systemClock } from '../../runtime/clock.ts';
import { FollowedExceptions } from '../../runtime/exceptions/index.ts';
import type {
  KubeClient,
  KubeList,
  KubeObject,
  ListOptions,
  StreamOptions,
} from '../../runtime/kube/index.ts';
import { silentLogger } from '../../runtime/log/index.ts';
import { silence } from '../__fixtures__/silence.ts';
import { allMirrors, createMirrors, type Mirrors } from './mirrors.ts';

const EXCEPTIONS = '/apis/countersign.dev/v1alpha1/signingexceptions';
const DIGEST = `sha256:${'a'.repeat(64)}`;

/** Answers lists by path; its watches say nothing and end with their signal. */
class FakeLists implements Pick<KubeClient, 'list' | 'stream'> {
  readonly items = new Map<string, readonly KubeObject[]>();
  readonly asked: { readonly path: string; readonly options: ListOptions }[] = [];

  list<T extends KubeObject>(path: string, options: ListOptions = {}): Promise<KubeList<T>> {
    this.asked.push({ path, options });
    const items = (this.items.get(path) ?? []) as readonly T[];
    return Promise.resolve({ metadata: { resourceVersion: '7' }, items });
  }

  stream(_path: string, { signal }: StreamOptions): Promise<AsyncIterable<Uint8Array>> {
    return Promise.resolve(silence(signal));
  }
}

describe('the mirrors of a replica', () => {
  let lists: FakeLists;
  let mirrors: Mirrors;

  beforeEach(() => {
    lists = new FakeLists();
    mirrors = createMirrors({
      client: lists,
      clock: systemClock,
      logger: silentLogger,
      namespace: 'countersign-system',
    });
  });
  afterEach(async () => {
    await Promise.all(allMirrors(mirrors).map((mirror) => mirror.stop()));
  });

  const synced = async (): Promise<void> => {
    for (const mirror of allMirrors(mirrors)) mirror.start();
    const { program, exceptions, namespaces, validating, mutating } = mirrors;
    await Promise.all(
      [program, exceptions, namespaces, validating, mutating].map((mirror) => mirror.synced),
    );
  };

  it('X26: keep what decides about an exception: also that it was deleted, and a finalizer holds it', async () => {
    lists.items.set(EXCEPTIONS, [
      {
        metadata: {
          name: 'hotfix',
          namespace: 'team',
          deletionTimestamp: '2026-11-20T00:00:00Z',
          finalizers: ['tenant.example/keep'],
        },
        ...{
          spec: {
            policyRef: { name: 'team' },
            requirements: ['signed'],
            digests: [DIGEST],
            serviceAccounts: ['web'],
            notBefore: '2026-11-20T00:00:00Z',
            expiresAt: '2026-11-27T00:00:00Z',
            reason: 'a reason of more than twenty characters',
            owner: 'team@example.com',
            requestedBy: 'alice',
          },
        },
      },
    ]);
    const followed = new FollowedExceptions(mirrors.exceptions.store, silentLogger, () => false);
    await synced();
    const [exception] = followed.index.candidates('team', 'team', DIGEST);
    assert.equal(exception?.deletedAt, '2026-11-20T00:00:00Z');
  });

  it('keep labels of namespaces, and nothing else of an object that decides nothing', async () => {
    lists.items.set('/api/v1/namespaces', [
      { metadata: { name: 'team', uid: 'u', labels: { env: 'dev' }, annotations: { big: 'x' } } },
    ]);
    lists.items.set(EXCEPTIONS, [
      { metadata: { name: 'e', namespace: 'n', annotations: {} }, ...{ spec: {}, status: {} } },
    ]);
    await synced();
    assert.deepEqual(mirrors.namespaces.store.get('team'), {
      metadata: { name: 'team', uid: 'u', labels: { env: 'dev' } },
    });
    assert.deepEqual(mirrors.exceptions.store.get('n/e'), {
      metadata: { name: 'e', namespace: 'n' },
      spec: {},
    });
  });

  it('X26: keep of exceptions who approved or revoked them, and when they came', async () => {
    const approvals = [{ approver: 'lead', specHash: DIGEST }];
    const revoked = { at: '2026-11-21T00:00:00Z', by: 'sec', reason: 'bad' };
    const creationTimestamp = '2026-11-20T00:00:00Z';
    const status = { approvals, revoked, conditions: [], usage: {}, observedGeneration: 3 };
    lists.items.set(EXCEPTIONS, [
      { metadata: { name: 'e', namespace: 'n', creationTimestamp }, ...{ spec: {}, status } },
    ]);
    await synced();
    assert.deepEqual(mirrors.exceptions.store.get('n/e'), {
      metadata: { name: 'e', namespace: 'n', creationTimestamp },
      spec: {},
      status: { observedGeneration: -1, approvals, revoked },
    });
  });

  it('ask for the program in its namespace, for configurations by name, and for no secret', async () => {
    await synced();
    const selected = lists.asked.map(({ path, options }) => [
      path,
      options.labelSelector ?? options.fieldSelector ?? '',
    ]);
    const admission = '/apis/admissionregistration.k8s.io/v1';
    assert.deepEqual(selected.sort(), [
      ['/api/v1/namespaces', ''],
      ['/api/v1/namespaces/countersign-system/configmaps', 'countersign.dev/program'],
      [`${admission}/mutatingwebhookconfigurations`, 'metadata.name=countersign'],
      [`${admission}/validatingwebhookconfigurations`, 'metadata.name=countersign'],
      [EXCEPTIONS, ''],
    ]);
  });
});

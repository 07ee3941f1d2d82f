// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { FakeApi } from '../../__fixtures__/fake-api.ts';
import { earlierTemplates, isOwnedByGitOps, readLive, type LiveWorkload } from './revisions.ts';

const { signal } = new AbortController();
const APPS = '/apis/apps/v1/namespaces/checkout';
const owner = (uid: string) => ({
  ownerReferences: [{ apiVersion: 'apps/v1', kind: 'X', name: 'web', uid, controller: true }],
});
const template = (image: string) => ({ spec: { containers: [{ name: 'web', image }] } });
const live: LiveWorkload = { metadata: { name: 'web', namespace: 'checkout', uid: 'u' } };

function seeded(): FakeApi {
  const api = new FakeApi();
  for (const [name, revision, uid] of [
    ['web-1', 2, 'u'],
    ['web-2', 10, 'u'],
    ['web-3', 1, 'u'],
    ['other', 11, 'another'],
  ] as const) {
    const metadata = { name, namespace: 'checkout', ...owner(uid) };
    const annotations = { 'deployment.kubernetes.io/revision': revision.toString() };
    const spec = { template: template(name) };
    api.seed(`${APPS}/replicasets/${name}`, {
      metadata: { ...metadata, annotations },
      ...{ spec },
    });
    const data = { spec };
    api.seed(`${APPS}/controllerrevisions/${name}`, { metadata, ...{ revision, data } });
  }
  return api;
}

describe('what a workload was before', () => {
  for (const kind of ['Deployment', 'StatefulSet', 'DaemonSet'] as const)
    it(`is told by its own revisions, the newest first: ${kind}`, async () => {
      const found = await earlierTemplates(seeded(), kind, live, signal);
      const images = found.map(({ spec }) => spec?.containers?.[0]?.image);
      assert.deepEqual(images, ['web-2', 'web-1', 'web-3']);
    });

  it('is not looked for where another workload has its name by now', async () => {
    const api = seeded();
    api.seed(`${APPS}/deployments/web`, { metadata: { ...live.metadata, uid: 'another' } });
    assert.equal(await readLive(api, 'Deployment', live.metadata, signal), undefined);
    api.seed(`${APPS}/deployments/web`, live);
    assert.equal((await readLive(api, 'Deployment', live.metadata, signal))?.metadata.uid, 'u');
  });
});

describe('a workload that Flux or Argo CD own', () => {
  const owned = (metadata: object): boolean =>
    isOwnedByGitOps({ metadata: { ...live.metadata, ...metadata } });

  it('is known by labels, an annotation, or who manages its fields', () => {
    for (const metadata of [
      { labels: { 'kustomize.toolkit.fluxcd.io/name': 'apps' } },
      { labels: { 'helm.toolkit.fluxcd.io/name': 'apps' } },
      { labels: { 'argocd.argoproj.io/instance': 'apps' } },
      { annotations: { 'argocd.argoproj.io/tracking-id': 'apps:apps/Deployment:x/web' } },
      { managedFields: [{ manager: 'kustomize-controller' }] },
      { managedFields: [{ manager: 'kubectl' }, { manager: 'helm-controller' }] },
      { managedFields: [{ manager: 'argocd-controller' }] },
    ])
      assert.equal(owned(metadata), true, JSON.stringify(metadata));
  });

  it('is none that others made', () => {
    assert.equal(owned({}), false);
    assert.equal(
      owned({ labels: { app: 'web' }, managedFields: [{ manager: 'kubectl' }, {}] }),
      false,
    );
  });
});

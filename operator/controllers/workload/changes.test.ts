// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { SigningException } from '../../../crds/index.ts';
import type { KubeObject } from '../../../runtime/kube/index.ts';
import { testException } from '../../../verification/testing/index.ts';
import { FakeApi } from '../../__fixtures__/fake-api.ts';
import { judgedWith, resultWith } from '../../__fixtures__/findings.ts';
import { inventoryOf, pathTo, pod, workload } from '../../__fixtures__/workloads.ts';
import { followChanges, followReports } from './changes.ts';
import type { PolicyReport } from '../../reporting/index.ts';
import { reportApi } from '../../__fixtures__/reporting.ts';
import { reportOf } from './report.ts';
import { resultsOf } from './results.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;
const EXCEPTIONS = '/apis/countersign.dev/v1alpha1/signingexceptions';
const REPORTS = '/apis/wgpolicyk8s.io/v1alpha2/policyreports';
const WEB = 'Deployment|checkout|web';

const deployment = workload('Deployment', 'web', { images: { web: 'app:1' } });
const replicaSet = workload('ReplicaSet', 'web-1', { owner: deployment });
const running = pod('web-1-a', { owner: replicaSet, images: { web: 'app:1' } });

function setup() {
  const api = new FakeApi();
  const { stores, inventory, apply } = inventoryOf(api);
  const enqueued = new Set<string>();
  const sources = {
    workloads: stores,
    exceptions: api.mirror<SigningException>(EXCEPTIONS),
    namespaces: api.mirror<KubeObject>('/api/v1/namespaces'),
  };
  apply(deployment, replicaSet, running, pod('alone', { namespace: 'other' }));
  const enqueue = (key: string): void => void enqueued.add(key);
  followChanges(sources, inventory, enqueue);
  // What has results is taken for our own.
  const isOwn = ({ results }: PolicyReport): boolean => results !== undefined;
  followReports(api.mirror<PolicyReport>(REPORTS), enqueue, isOwn);
  /** What was enqueued since the last time. */
  const taken = (): readonly string[] => {
    const keys = [...enqueued].sort();
    enqueued.clear();
    return keys;
  };
  return { api, apply, taken };
}

/** After what there is at first was taken. */
function quiet() {
  const parts = setup();
  parts.taken();
  return parts;
}

describe('a change in the cluster', () => {
  it('begins with all there is', () => {
    const keys = setup().taken();
    for (const key of [WEB, 'Pod|other|alone']) assert.ok(keys.includes(key), key);
  });

  it('of a pod concerns the workload that owns it, and what the pod is by itself', () => {
    const { apply, taken } = quiet();
    const images = { images: { web: 'app:1' }, imageIds: { web: 'app@sha256:1' } };
    apply(pod('web-1-a', { owner: replicaSet, ...images }));
    assert.deepEqual(taken(), [WEB, 'Pod|checkout|web-1-a']);
  });

  it('that decides nothing concerns nobody', () => {
    const { apply, taken } = quiet();
    apply(running, deployment);
    assert.deepEqual(taken(), []);
  });

  it('of a template concerns its workload', () => {
    const { apply, taken } = quiet();
    apply(workload('Deployment', 'web', { images: { web: 'app:2' } }));
    assert.deepEqual(taken(), [WEB]);
  });

  it('by which a pod gets or loses its owner concerns both that it belongs to', () => {
    const { apply, taken } = quiet();
    apply(pod('web-1-a', { images: { web: 'app:1' } }));
    assert.deepEqual(taken(), [WEB, 'Pod|checkout|web-1-a']);
    apply(running);
    assert.deepEqual(taken(), [WEB, 'Pod|checkout|web-1-a']);
  });

  it('by which an owner goes concerns what it leaves behind, which then stands alone', () => {
    const { api, taken } = quiet();
    api.remove(pathTo(replicaSet));
    assert.deepEqual(taken(), [WEB, 'Pod|checkout|web-1-a', 'ReplicaSet|checkout|web-1']);
  });

  it('by which an owner comes after its pod concerns the pod, whose report goes', () => {
    const { api, apply, taken } = quiet();
    api.remove(pathTo(replicaSet));
    taken();
    apply(replicaSet);
    assert.deepEqual(taken(), [WEB, 'Pod|checkout|web-1-a', 'ReplicaSet|checkout|web-1']);
  });

  it('by which a pod goes concerns its workload', () => {
    const { api, taken } = quiet();
    api.remove(pathTo(running));
    assert.deepEqual(taken(), [WEB, 'Pod|checkout|web-1-a']);
  });

  it('of an exception concerns all workloads of its namespace, also when it goes', () => {
    const { api, taken } = quiet();
    const path = '/apis/countersign.dev/v1alpha1/namespaces/checkout/signingexceptions/hotfix';
    api.seed(path, testException([DIGEST]));
    assert.deepEqual(taken(), [WEB]);
    api.remove(path);
    assert.deepEqual(taken(), [WEB]);
    const elsewhere = { ...testException([DIGEST]), metadata: { name: 'x', namespace: 'empty' } };
    api.seed(path.replace('checkout', 'empty'), elsewhere);
    assert.deepEqual(taken(), []);
  });

  it('of the labels of a namespace concerns its workloads; of anything else nobody', () => {
    const { api, taken } = quiet();
    const label = (labels: Record<string, string>, annotations = {}): void =>
      api.seed('/api/v1/namespaces/checkout', {
        metadata: { name: 'checkout', labels, annotations },
      });
    label({ env: 'prod', tier: '1' });
    assert.deepEqual(taken(), [WEB]);
    label({ tier: '1', env: 'prod' }, { a: 'b' });
    assert.deepEqual(taken(), []);
    label({ env: 'dev', tier: '1' });
    assert.deepEqual(taken(), [WEB]);
    api.remove('/api/v1/namespaces/checkout');
    assert.deepEqual(taken(), [WEB]);
  });

  it('B32, X51: of a report concerns its workload; a new one is ours', () => {
    const { api, taken } = quiet();
    const context = { uid: 'uid', namespaceLabels: {}, exempt: false };
    const results = resultsOf([judgedWith(resultWith('rejected'))], context);
    const report = reportOf(deployment, results, {
      api: reportApi('policyreport'),
      before: undefined,
      now: new Date(0),
    });
    const path = `/apis/wgpolicyk8s.io/v1alpha2/namespaces/checkout/policyreports/${report.metadata.name}`;
    api.seed(path, report);
    assert.deepEqual(taken(), []);
    api.seed(path, { metadata: report.metadata });
    assert.deepEqual(taken(), [WEB]);
    api.seed(path, report);
    assert.deepEqual(taken(), []);
    api.remove(path);
    assert.deepEqual(taken(), [WEB]);
  });
});

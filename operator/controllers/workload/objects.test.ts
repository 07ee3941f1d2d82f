// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import {
  imageFields,
  podSpecOf,
  pullSecretsOf,
  runningImages,
  serviceAccountOf,
} from '../../../runtime/workload/index.ts';
import {
  isIdle,
  KINDS,
  sameForJudgement,
  trimmed,
  type WorkloadKind,
  type WorkloadObject,
} from './objects.ts';

const OWNERS = [
  { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-1', uid: 'u', controller: true },
];
const METADATA = {
  name: 'web',
  namespace: 'checkout',
  uid: 'uid-1',
  resourceVersion: '7',
  ownerReferences: OWNERS,
  deletionTimestamp: '2026-11-20T00:00:00Z',
};
const SPEC = {
  initContainers: [{ name: 'proxy', image: 'proxy:1', restartPolicy: 'Always' }],
  containers: [{ name: 'web', image: 'web:1', env: [{ name: 'A', value: 'b' }], resources: {} }],
  ephemeralContainers: [{ name: 'debug', image: 'debug:1', targetContainerName: 'web' }],
  volumes: [
    { name: 'model', image: { reference: 'model:1', pullPolicy: 'Always' } },
    { name: 'data', emptyDir: {} },
  ],
  serviceAccountName: 'web',
  serviceAccount: 'web',
  imagePullSecrets: [{ name: 'pull' }],
  nodeName: 'node-1',
  tolerations: [{ operator: 'Exists' }],
};
const STATUS = {
  phase: 'Running',
  initContainerStatuses: [{ name: 'proxy', imageID: 'proxy@sha256:1', ready: true }],
  containerStatuses: [{ name: 'web', imageID: 'web@sha256:2', restartCount: 4 }],
  ephemeralContainerStatuses: [{ name: 'debug', imageID: '' }],
  podIP: '10.0.0.1',
};

/** An object as the API server answers it. */
function fullObject(kind: WorkloadKind): WorkloadObject {
  const noise = { labels: { app: 'web' }, annotations: { a: 'b' }, managedFields: [{}] };
  const template = { template: { metadata: { labels: { app: 'web' } }, spec: SPEC } };
  const specs: Partial<Record<WorkloadKind, object>> = {
    Pod: SPEC,
    CronJob: { schedule: '* * * * *', jobTemplate: { metadata: {}, spec: template } },
  };
  return {
    metadata: { ...METADATA, ...noise },
    spec: { replicas: 3, ...(specs[kind] ?? template) },
    status: { ...STATUS, ...{ observedGeneration: 4 } },
  };
}

describe('what is kept of a workload', () => {
  for (const kind of KINDS) {
    it(`decides the same as the whole object, for a ${kind}`, () => {
      const full = fullObject(kind);
      const kept = trimmed(kind)(full);
      assert.deepEqual(imageFields(kind, kept).length, 4);
      assert.deepEqual(
        imageFields(kind, kept).map(({ list, name, image }) => [list, name, image]),
        imageFields(kind, full).map(({ list, name, image }) => [list, name, image]),
      );
      const spec = podSpecOf(kind, kept).spec;
      assert.deepEqual([serviceAccountOf(spec), pullSecretsOf(spec)], ['web', ['pull']]);
      assert.deepEqual(kept.metadata, METADATA);
      assert.equal(kept.kind, kind);
      if (kind === 'Pod') assert.deepEqual(runningImages(kept.status), runningImages(full.status));
      else assert.equal(kept.status, undefined);
    });

    it(`is little: nothing else of a ${kind}`, () => {
      const text = JSON.stringify(trimmed(kind)(fullObject(kind)));
      for (const gone of ['labels', 'annotations', 'managedFields', 'replicas', 'env', 'emptyDir'])
        assert.ok(!text.includes(gone), gone);
      for (const gone of ['nodeName', 'tolerations', 'restartCount', 'podIP', 'schedule'])
        assert.ok(!text.includes(gone), gone);
    });

    it(`is an object without images where a ${kind} has no spec`, () => {
      const bare = trimmed(kind)({ metadata: { name: 'web', namespace: 'checkout' } });
      assert.deepEqual(imageFields(kind, bare), []);
      assert.deepEqual(bare.metadata, { name: 'web', namespace: 'checkout' });
    });
  }

  it('tells of what has old ones standing by whether any pod is wanted', () => {
    const scaled = (kind: WorkloadKind, replicas: number): boolean => {
      const full = fullObject(kind);
      return isIdle(trimmed(kind)({ ...full, spec: { ...full.spec, replicas } }));
    };
    assert.deepEqual(
      [scaled('ReplicaSet', 0), scaled('ReplicationController', 0), scaled('ReplicaSet', 1)],
      [true, true, false],
    );
    assert.equal(scaled('Deployment', 0), false);
  });

  it('is the apiVersion of its kind, which a list leaves out', () => {
    assert.equal(trimmed('Deployment')(fullObject('Deployment')).apiVersion, 'apps/v1');
    assert.equal(trimmed('CronJob')(fullObject('CronJob')).apiVersion, 'batch/v1');
    assert.equal(trimmed('Pod')(fullObject('Pod')).apiVersion, 'v1');
  });

  it('is what is misshapen too, so that it is refused and not overlooked', () => {
    for (const containers of [
      'web:1',
      [null],
      [{ image: 'web:1' }],
      [{ name: 1, image: 'web:1' }],
    ]) {
      const kept = trimmed('Pod')({ metadata: { name: 'web' }, spec: { containers } });
      assert.throws(() => imageFields('Pod', kept), { name: 'WorkloadError' });
    }
  });
});

describe('a change of a workload', () => {
  const before = trimmed('Pod')(fullObject('Pod'));
  const after = (edits: (full: WorkloadObject) => WorkloadObject): WorkloadObject =>
    trimmed('Pod')(edits(fullObject('Pod')));

  it('is none where only what decides nothing is another', () => {
    for (const edits of [
      { metadata: { ...METADATA, resourceVersion: '8', annotations: { x: 'y' } } },
      { spec: { ...SPEC, nodeName: 'node-2' } },
      { status: { ...STATUS, ...{ podIP: '10.0.0.2' } } },
    ]) {
      assert.ok(
        sameForJudgement(
          before,
          after((full) => ({ ...full, ...edits })),
        ),
      );
    }
  });

  it('is one where image, account, owner, phase, reported image, deletion or identity is another', () => {
    for (const edits of [
      { metadata: { ...METADATA, uid: 'uid-2' } },
      { metadata: { ...METADATA, ownerReferences: [] } },
      { metadata: { ...METADATA, deletionTimestamp: '2026-11-21T00:00:00Z' } },
      { spec: { ...SPEC, containers: [{ name: 'web', image: 'web:2' }] } },
      { spec: { ...SPEC, serviceAccountName: 'other' } },
      { spec: { ...SPEC, imagePullSecrets: [] } },
      { spec: { ...SPEC, volumes: [{ name: 'model', image: { reference: 'model:2' } }] } },
      { status: { ...STATUS, phase: 'Failed' } },
      { status: { ...STATUS, containerStatuses: [{ name: 'web', imageID: 'web@sha256:3' }] } },
    ]) {
      assert.ok(
        !sameForJudgement(
          before,
          after((full) => ({ ...full, ...edits })),
        ),
      );
    }
  });
});

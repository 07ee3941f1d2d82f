// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { pod, workload } from '../../__fixtures__/workloads.ts';
import { observedImages, type ObservedImage } from './observed.ts';

const A = 'registry.example/app@sha256:' + 'a'.repeat(64);
const B = 'registry.example/app@sha256:' + 'b'.repeat(64);

function brief(images: readonly ObservedImage[]): unknown {
  return images.map(({ process, container, written, imageId = '-' }) => [
    process,
    container,
    written,
    imageId,
  ]);
}

describe('the images of a workload', () => {
  it('are those of its pods, then those of its template', () => {
    const top = workload('Deployment', 'web', { images: { web: 'app:2' } });
    const pods = [pod('web-a', { images: { web: 'app:1' }, imageIds: { web: A } })];
    assert.deepEqual(brief(observedImages([top], pods)), [
      ['background', 'web', 'app:1', A],
      ['template', 'web', 'app:2', '-'],
    ]);
  });

  it('are those of its template where there is no pod, so that a denied Deployment is judged too', () => {
    const top = workload('CronJob', 'nightly', { images: { job: 'job:1' } });
    assert.deepEqual(brief(observedImages([top], [])), [['template', 'job', 'job:1', '-']]);
  });

  it('are one for pods that run the same', () => {
    const top = workload('Deployment', 'web');
    const pods = ['a', 'b', 'c'].map((name) =>
      pod(name, { images: { web: A }, imageIds: { web: A } }),
    );
    assert.deepEqual(brief(observedImages([top], pods)), [['background', 'web', A, A]]);
  });

  it('are starting as long as the node has yet to say what it runs', () => {
    const starting = (phase: string, imageIds = {}): unknown => {
      const web = pod('web-a', { images: { web: 'app:1' }, imageIds, phase });
      return observedImages([workload('Deployment', 'web', { images: {} })], [web])[0]?.starting;
    };
    assert.equal(starting('Pending'), true);
    assert.equal(starting('Pending', { web: A }), undefined);
    assert.equal(starting('Running'), undefined);
  });

  it('X52: are several where pods of one workload report, name or are something different', () => {
    const top = workload('Deployment', 'web');
    const images = { web: A };
    const pods = [
      pod('a', { images, imageIds: { web: A } }),
      pod('b', { images, imageIds: { web: B } }),
      pod('c', { images: { web: B } }),
      pod('d', { images, spec: { serviceAccountName: 'other' } }),
      pod('e', { images, spec: { imagePullSecrets: [{ name: 'pull' }] } }),
    ];
    const found = observedImages([top], pods);
    assert.equal(found.length, 5);
    assert.deepEqual(
      found.map((image) => [image.serviceAccount, image.pullSecrets]),
      [
        ['web', []],
        ['web', []],
        ['web', []],
        ['other', []],
        ['web', ['pull']],
      ],
    );
  });

  it('X1: are those of every list of containers and of image volumes, which no status reports', () => {
    const spec = {
      initContainers: [{ name: 'init', image: 'init:1' }],
      ephemeralContainers: [{ name: 'debug', image: 'debug:1' }],
      volumes: [{ name: 'web', image: { reference: 'model:1' } }],
    };
    const status = {
      initContainerStatuses: [{ name: 'init', imageID: `docker-pullable://${A}` }],
      ephemeralContainerStatuses: [{ name: 'debug', imageID: B }],
    };
    const plain = pod('web', { images: { web: 'app:1' }, spec, imageIds: { web: A } });
    const full = { ...plain, status: { ...plain.status, ...status } };
    assert.deepEqual(brief(observedImages([], [full])), [
      ['background', 'init', 'init:1', A],
      ['background', 'web', 'app:1', A],
      ['background', 'debug', 'debug:1', B],
      ['background', 'web', 'model:1', '-'],
    ]);
  });

  it('are those of a pod that nothing owns once, and none of one that has ended', () => {
    const alone = pod('alone', { images: { web: A } });
    assert.deepEqual(brief(observedImages([], [alone])), [['background', 'web', A, '-']]);
    assert.deepEqual(observedImages([], []), []);
  });

  it('take an image that is reported empty for one that is not reported', () => {
    const starting = pod('a', { images: { web: A }, imageIds: { web: '' } });
    assert.deepEqual(brief(observedImages([], [starting])), [['background', 'web', A, '-']]);
  });

  it('are refused as a whole where one of them is misshapen', () => {
    const broken = { ...pod('a'), spec: { containers: [{ name: 'web', image: 1 }] } };
    assert.throws(() => observedImages([workload('Deployment', 'web')], [broken]), {
      name: 'WorkloadError',
    });
  });
});

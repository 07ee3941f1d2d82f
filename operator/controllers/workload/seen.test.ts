// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { pod } from '../../__fixtures__/workloads.ts';
import { observedImages } from './observed.ts';
import { SeenWorkloads } from './seen.ts';

describe('how a workload was at the last look', () => {
  const one = pod('one', { images: { web: 'app:1' } });
  const other = pod('other', { images: { web: 'app:1' } });
  const newer = pod('one', { images: { web: 'app:2' } });

  it('is unchanged as long as images and pods are the same, in whatever order', () => {
    const seen = new SeenWorkloads();
    const images = observedImages([], [one]);
    assert.equal(seen.isUnchanged('key', images, [one, other]), false);
    assert.equal(seen.isUnchanged('key', images, [other, one]), true);
    assert.equal(seen.isUnchanged('another', images, [one, other]), false);
  });

  it('is another one with other pods or other images, and once it was forgotten', () => {
    const seen = new SeenWorkloads();
    const images = observedImages([], [one]);
    seen.isUnchanged('key', images, [one]);
    assert.equal(seen.isUnchanged('key', images, [other]), false);
    assert.equal(seen.isUnchanged('key', observedImages([], [newer]), [other]), false);
    assert.equal(seen.isUnchanged('key', observedImages([], [newer]), [other]), true);
    seen.forget('key');
    assert.equal(seen.isUnchanged('key', observedImages([], [newer]), [other]), false);
  });
});

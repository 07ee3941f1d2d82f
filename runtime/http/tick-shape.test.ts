// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { keepTickShape } from './tick-shape.ts';

describe('the shape of a tick', () => {
  it('is kept by one object of those that node makes', async () => {
    const tick = await keepTickShape();
    assert.deepEqual(Object.keys(tick), ['callback', 'args']);
    assert.equal(await keepTickShape(), tick);
  });
});

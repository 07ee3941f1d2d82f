// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { fixedClock } from '../runtime/clock-testing.ts';
import { Deadline } from './deadline.ts';

describe('the deadline of a request', () => {
  it('counts from the beginning, however late somebody waits', async () => {
    const clock = fixedClock();
    const deadline = new Deadline(clock, 1000);
    await clock.advance(600);
    const { signal } = deadline;
    assert.equal(signal, deadline.signal);
    await clock.advance(399);
    assert.equal(signal.aborted, false);
    await clock.advance(1);
    assert.equal(signal.aborted, true);
  });

  it('bounds what is given less time, and never gives more', async () => {
    const clock = fixedClock();
    const deadline = new Deadline(clock, 1000);
    const short = deadline.within(100);
    const long = deadline.within(5000);
    await clock.advance(100);
    assert.deepEqual([short.aborted, long.aborted], [true, false]);
    await clock.advance(900);
    assert.equal(long.aborted, true);
  });

  it('costs no timer until somebody waits', () => {
    const clock = fixedClock();
    assert.equal(new Deadline(clock, 1000).remainingMs, 1000);
    assert.equal(clock.waiting, 0);
  });
});

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { fixedClock } from './clock-testing.ts';
import { systemClock } from './clock.ts';

describe('systemClock', () => {
  it('does not end a sleep of more than 2^31 ms at once', async () => {
    const stop = new AbortController();
    let ended = false;
    const sleep = systemClock.sleep(2 ** 31 + 5, stop.signal).then(() => (ended = true));
    await systemClock.sleep(20);
    assert.equal(ended, false);
    stop.abort(new Error('enough'));
    await assert.rejects(sleep, /enough/);
  });

  it('rejects a sleep at once when the signal is already aborted', async () => {
    await assert.rejects(systemClock.sleep(60_000, AbortSignal.abort()), { name: 'AbortError' });
  });

  it('aborts a deadline with a TimeoutError, also after a part of a millisecond', async () => {
    const signal = systemClock.deadline(4.5);
    await systemClock.sleep(30);
    assert.equal(signal.aborted, true);
    assert.equal((signal.reason as Error).name, 'TimeoutError');
  });
});

describe('fixedClock', () => {
  it('fires sleeps in order, each at its own instant, also those scheduled on the way', async () => {
    const clock = fixedClock('2026-01-01T00:00:00Z');
    const seen: string[] = [];
    const note = (name: string): void => {
      seen.push(`${name}@${clock.monotonic().toString()}`);
    };
    const late = clock.sleep(300).then(() => {
      note('late');
    });
    const chain = clock
      .sleep(100)
      .then(() => clock.sleep(100))
      .then(() => {
        note('chain');
      });
    await clock.advance(300);
    await Promise.all([late, chain]);
    assert.deepEqual(seen, ['chain@200', 'late@300']);
    assert.equal(clock.now().toISOString(), '2026-01-01T00:00:00.300Z');
  });

  it('forgets an aborted sleep', async () => {
    const clock = fixedClock();
    const stop = new AbortController();
    const sleep = clock.sleep(1000, stop.signal);
    assert.equal(clock.waiting, 1);
    stop.abort();
    await assert.rejects(sleep, { name: 'AbortError' });
    assert.equal(clock.waiting, 0);
  });

  it('aborts deadlines when their time comes', async () => {
    const clock = fixedClock();
    const signal = clock.deadline(1000);
    await clock.advance(999);
    assert.equal(signal.aborted, false);
    await clock.advance(1);
    assert.equal(signal.aborted, true);
  });
});

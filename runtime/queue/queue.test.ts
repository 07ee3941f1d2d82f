// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, it } from 'mocha';
import { systemClock } from '../clock.ts';
import { KubeError } from '../kube/index.ts';
import { TerminalError, WorkQueue, type QueueObserver, type Reconciler } from './queue.ts';

const make = (reconcile: Reconciler, concurrency = 1, observer: QueueObserver = {}): WorkQueue => {
  const queue = new WorkQueue({
    reconcile,
    clock: systemClock,
    concurrency,
    observer,
    backoffMs: { first: 5, most: 20 },
  });
  queue.start();
  return queue;
};

describe('the work queue', () => {
  it('works on a key once however often it was added', async () => {
    const seen: string[] = [];
    const queue = new WorkQueue({
      clock: systemClock,
      concurrency: 1,
      reconcile: (key) => Promise.resolve(seen.push(key)).then(() => ({})),
    });
    queue.add('a');
    queue.add('a');
    queue.add('b');
    assert.equal(queue.depth, 2);
    queue.start();
    await sleep(10);
    assert.deepEqual(seen, ['a', 'b']);
    await queue.stop();
  });

  it('never works on the same key twice at a time, and works again on one that was added meanwhile', async () => {
    let active = 0;
    let runs = 0;
    const queue = make(async () => {
      active += 1;
      runs += 1;
      assert.equal(active, 1);
      await sleep(10);
      active -= 1;
      return {};
    }, 4);
    queue.add('a');
    await sleep(2);
    queue.add('a');
    queue.add('a');
    await sleep(50);
    assert.equal(runs, 2);
    await queue.stop();
  });

  it('B40: lets a key that always fails delay nobody', async () => {
    const seen: string[] = [];
    const queue = make((key) => {
      if (key === 'poison') return Promise.reject(new Error('no'));
      seen.push(key);
      return Promise.resolve({});
    });
    queue.add('poison');
    for (let n = 0; n < 50; n += 1) queue.add(`k${n.toString()}`);
    await sleep(40);
    assert.equal(seen.length, 50);
    await queue.stop();
  });

  it('lets keys that wait for somebody slow hold up nobody else, within a bound', async () => {
    const seen: string[] = [];
    let active = 0;
    let most = 0;
    const slow = Promise.withResolvers<undefined>();
    const queue = new WorkQueue({
      clock: systemClock,
      concurrency: 2,
      slow: { afterMs: 20, most: 6 },
      reconcile: async (key) => {
        active += 1;
        most = Math.max(most, active);
        if (key.startsWith('slow')) await slow.promise;
        else seen.push(key);
        active -= 1;
        return {};
      },
    });
    for (let n = 0; n < 6; n += 1) queue.add(`slow-${n.toString()}`);
    queue.add('quick');
    queue.start();
    assert.equal(active, 2);
    while (seen.length < 1) await sleep(5);
    assert.equal(most, 7);
    for (let n = 6; n < 20; n += 1) queue.add(`slow-${n.toString()}`);
    await sleep(100);
    assert.equal(most, 8);
    assert.equal(queue.depth, 12);
    slow.resolve(undefined);
    await queue.stop();
  });

  it('retries with backoff, and begins anew after a success', async () => {
    const delays: (number | undefined)[] = [];
    let left = 3;
    const queue = make(
      () => {
        left -= 1;
        return left > 0 ? Promise.reject(new Error('not yet')) : Promise.resolve({});
      },
      1,
      { failed: (_key, _error, retryMs) => delays.push(retryMs) },
    );
    queue.add('a');
    await sleep(80);
    assert.equal(left, 0);
    assert.equal(delays.length, 2);
    assert.ok((delays[1] ?? 0) > (delays[0] ?? 0));
    await queue.stop();
  });

  it('does not retry a terminal error', async () => {
    let runs = 0;
    const queue = make(() => {
      runs += 1;
      return Promise.reject(new TerminalError('wrong'));
    });
    queue.add('a');
    await sleep(40);
    assert.equal(runs, 1);
    await queue.stop();
  });

  it('comes back after the time that was asked for, the earliest of several', async () => {
    const times: number[] = [];
    const queue = make(() => {
      times.push(performance.now());
      return Promise.resolve(times.length === 1 ? { requeueAfterMs: 10_000 } : {});
    });
    queue.add('a');
    await sleep(5);
    queue.addAfter('a', 20);
    queue.addAfter('a', 5_000);
    await sleep(60);
    assert.equal(times.length, 2);
    await queue.stop();
  });

  it('X25: does not fire at once for an instant beyond the longest timer', async () => {
    let runs = 0;
    const queue = make(() => {
      runs += 1;
      return Promise.resolve({});
    });
    queue.addAfter('a', 2 ** 33);
    await sleep(20);
    assert.equal(runs, 0);
    await queue.stop();
  });

  it('fault 11: waits at least as long as a server asks, and no longer than five minutes', async () => {
    for (const [asked, wanted] of [
      [2, 2_000],
      [3_600, 300_000],
    ] as const) {
      const waits: (number | undefined)[] = [];
      const queue = make(
        () => Promise.reject(new KubeError(429, 'busy', { retryAfterSeconds: asked })),
        1,
        { failed: (_key, _error, retryMs) => waits.push(retryMs) },
      );
      queue.add('a');
      await sleep(10);
      await queue.stop();
      assert.deepEqual(waits, [wanted]);
    }
  });

  it('aborts what runs when it is stopped, and takes nothing more', async () => {
    let aborted = false;
    const queue = make(async (_key, signal) => {
      await sleep(5_000, undefined, { signal }).catch(() => {
        aborted = true;
      });
      return {};
    });
    queue.add('a');
    await sleep(5);
    await queue.stop();
    assert.equal(aborted, true);
    queue.add('b');
    assert.equal(queue.depth, 0);
  });
});

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { testException } from '../../verification/testing/index.ts';
import { fixedClock, type FixedClock } from '../clock-testing.ts';
import { silentLogger } from '../log/index.ts';
import { NotificationEvent, notificationOf, type Notification } from './notification.ts';
import type { Answer } from './retry.ts';
import { NotificationSender, type DeliveryOutcome } from './sender.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const secretFile = join(mkdtempSync(join(tmpdir(), 'notifications-')), 'key');
writeFileSync(secretFile, 'a key of sixteen bytes and more');

function notificationCalled(name: string): Notification {
  const occasion = { event: NotificationEvent.Expired, instant: '1', message: 'ended' };
  const now = new Date('2026-11-20T00:00:00Z');
  return notificationOf(testException([], {}, name), occasion, { now });
}

describe('the queue of notifications', () => {
  let clock: FixedClock;
  let sender: NotificationSender;
  let outcomes: DeliveryOutcome[];
  /** The exceptions that were told of, attempt by attempt. */
  let attempts: string[];
  let answer: (name: string) => Answer | Promise<Answer>;
  let most: number;
  let running: number;
  let standstill: number;

  const start = (maxWaiting?: number): void => {
    sender = new NotificationSender({
      receiver: {
        host: 'hooks.example',
        post: async ({ body }) => {
          const { name } = (JSON.parse(body) as Notification).exception;
          attempts.push(name);
          running += 1;
          most = Math.max(most, running);
          try {
            return await answer(name);
          } finally {
            running -= 1;
          }
        },
      },
      secretFile,
      clock: { ...clock, monotonic: () => clock.monotonic() + standstill },
      logger: silentLogger,
      random: () => 1,
      onOutcome: (outcome) => outcomes.push(outcome),
      ...(maxWaiting === undefined ? {} : { maxWaiting }),
    });
  };
  /** Until so many outcomes are there: reading the key is real, its turns are no turns of the clock. */
  const told = async (total: number): Promise<void> => {
    for (let turn = 0; turn < 2000 && outcomes.length < total; turn += 1)
      await new Promise((resolve) => setTimeout(resolve, 1));
    assert.equal(outcomes.length, total);
  };
  const count = (outcome: DeliveryOutcome): number => outcomes.filter((o) => o === outcome).length;

  beforeEach(() => {
    clock = fixedClock();
    outcomes = [];
    attempts = [];
    most = 0;
    running = 0;
    standstill = 0;
    answer = () => ({ status: 200 });
    start();
  });
  afterEach(() => sender.close(0));

  it('sends one at a time, in the order in which they came', async () => {
    for (const name of ['a', 'b', 'c']) sender.notify(notificationCalled(name));
    await told(3);
    assert.deepEqual([attempts, most], [['a', 'b', 'c'], 1]);
    assert.deepEqual(outcomes, ['delivered', 'delivered', 'delivered']);
  });

  it('drops the oldest where too many wait, and counts them', async () => {
    start(2);
    for (const name of ['a', 'b', 'c', 'd']) sender.notify(notificationCalled(name));
    await told(4);
    assert.deepEqual(attempts, ['c', 'd']);
    assert.deepEqual(outcomes, ['dropped', 'dropped', 'delivered', 'delivered']);
  });

  it('doubles the wait after each failure, up to five minutes, and gives up after an hour', async () => {
    answer = () => ({ status: 503 });
    sender.notify(notificationCalled('a'));
    await told(1);
    const doubling = [1, 2, 4, 8, 16, 32, 64, 128, 256];
    const waits = [...doubling, ...new Array<number>(10).fill(300)];
    for (const [index, seconds] of waits.entries()) {
      await clock.advance(seconds * 1000 - 1);
      assert.equal(attempts.length, index + 1);
      await clock.advance(1);
      await told(index + 2);
    }
    assert.ok(clock.monotonic() <= HOUR && clock.monotonic() + 5 * MINUTE > HOUR);
    assert.deepEqual([count('retried'), count('failed')], [waits.length, 1]);
    await clock.advance(HOUR);
    assert.equal(attempts.length, waits.length + 1);
  });

  it('holds up nothing for one that the receiver cannot take', async () => {
    answer = (name) => ({ status: name === 'bad' ? 500 : 200 });
    sender.notify(notificationCalled('bad'));
    sender.notify(notificationCalled('a'));
    await told(2);
    sender.notify(notificationCalled('b'));
    await told(3);
    assert.deepEqual(attempts, ['bad', 'a', 'b']);
    assert.deepEqual(outcomes, ['retried', 'delivered', 'delivered']);
  });

  it('sends nothing at all while the receiver asks for patience', async () => {
    answer = () => ({ status: 429, retryAfter: '120' });
    sender.notify(notificationCalled('a'));
    await told(1);
    answer = () => ({ status: 200 });
    sender.notify(notificationCalled('b'));
    await clock.advance(119_999);
    assert.deepEqual(attempts, ['a']);
    await clock.advance(1);
    await told(3);
    assert.deepEqual(attempts.toSorted(), ['a', 'a', 'b']);
    assert.equal(count('delivered'), 2);
  });

  it('is patient for no longer than a quarter of an hour', async () => {
    answer = () => ({ status: 503, retryAfter: '999999999' });
    sender.notify(notificationCalled('a'));
    await told(1);
    answer = () => ({ status: 200 });
    await clock.advance(15 * MINUTE);
    await told(2);
    assert.deepEqual(outcomes, ['retried', 'delivered']);
  });

  it('tries each at least once, however long it waited for others', async () => {
    // Of a process that was stopped for a while, say.
    answer = (name) => {
      if (name === 'first') standstill = 2 * HOUR;
      return { status: 500 };
    };
    for (const name of ['first', 'a', 'b']) sender.notify(notificationCalled(name));
    await told(3);
    assert.deepEqual(attempts, ['first', 'a', 'b']);
    assert.equal(count('failed'), 3);
  });

  it('tries once at the end what was not tried yet, and drops the rest', async () => {
    answer = (name) => ({ status: name === 'bad' ? 500 : 200 });
    sender.notify(notificationCalled('bad'));
    await told(1);
    sender.notify(notificationCalled('a'));
    await sender.close(1000);
    assert.deepEqual(attempts, ['bad', 'a']);
    assert.deepEqual(outcomes, ['retried', 'delivered', 'dropped']);
    sender.notify(notificationCalled('late'));
    assert.deepEqual([outcomes.at(-1), attempts.length], ['dropped', 2]);
  });

  it('ends in time where the receiver does not answer, and counts what it held as dropped', async () => {
    answer = () => new Promise(() => undefined);
    sender.notify(notificationCalled('a'));
    sender.notify(notificationCalled('b'));
    while (attempts.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    const closing = sender.close(1000);
    await clock.advance(1000);
    await closing;
    assert.deepEqual(outcomes, ['dropped', 'dropped']);
  });
});

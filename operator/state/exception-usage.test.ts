// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'mocha';
import { fixedClock, type FixedClock } from '../../runtime/clock-testing.ts';
import { ExceptionUsageBoard, type ExceptionUsed, type UseState } from './exception-usage.ts';

const HOTFIX = 'checkout/hotfix';
const START = Date.parse('2026-11-20T00:00:00Z');

function use(digest: string, state: UseState = 'inEffect', exception = HOTFIX): ExceptionUsed {
  return { exception, state, digest };
}

describe('the board of what runs by exceptions', () => {
  let clock: FixedClock;
  let board: ExceptionUsageBoard;
  let changes: string[];
  const changed = (): readonly string[] => changes.splice(0);

  beforeEach(() => {
    clock = fixedClock('2026-11-20T00:00:00Z');
    changes = [];
    board = new ExceptionUsageBoard({ clock, onChange: (exception) => changes.push(exception) });
  });

  it('knows nothing of an exception that nothing ran by', () => {
    assert.deepEqual(board.usageOf(HOTFIX), {
      workloads: 0,
      ended: 0,
      unapproved: 0,
      digests: [],
      lastSeen: undefined,
    });
  });

  it('counts workloads, not images, and names each digest once', () => {
    board.take('a', [use('d2'), use('d1')]);
    board.take('b', [use('d1')]);
    const { workloads, digests } = board.usageOf(HOTFIX);
    assert.deepEqual([workloads, digests], [2, ['d1', 'd2']]);
  });

  it('tells a change once, and nothing while the same is found again', async () => {
    board.take('a', [use('d1')]);
    assert.deepEqual(changed(), [HOTFIX]);
    await clock.advance(1000);
    board.take('a', [use('d1')]);
    assert.deepEqual(changed(), []);
    assert.equal(board.usageOf(HOTFIX).lastSeen, START + 1000);
    board.take('a', [use('d1'), use('d2')]);
    assert.deepEqual(changed(), [HOTFIX]);
    board.take('a', [use('d2')]);
    assert.deepEqual(changed(), []);
  });

  it('keeps what was used and is not any more, with when that was', async () => {
    board.take('a', [use('d1')]);
    await clock.advance(1000);
    changed();
    board.forget('a');
    assert.deepEqual(changed(), [HOTFIX]);
    const { workloads, digests, lastSeen } = board.usageOf(HOTFIX);
    assert.deepEqual([workloads, digests, lastSeen], [0, ['d1'], START]);
    board.forget('a');
    assert.deepEqual(changed(), []);
  });

  it('tells apart what is covered, what ended and what is not approved; only the first is use', () => {
    board.take('a', [use('d1', 'ended')]);
    board.take('b', [use('d1', 'unapproved'), use('d1', 'inEffect', 'checkout/other')]);
    const { workloads, ended, unapproved, digests, lastSeen } = board.usageOf(HOTFIX);
    assert.deepEqual([workloads, ended, unapproved, digests, lastSeen], [0, 1, 1, [], undefined]);
    assert.equal(board.usageOf('checkout/other').workloads, 1);
    assert.deepEqual(changed(), [HOTFIX, HOTFIX, 'checkout/other']);
  });

  it('tells both where a workload runs by another one than before', () => {
    board.take('a', [use('d1')]);
    changed();
    board.take('a', [use('d1', 'inEffect', 'checkout/other')]);
    assert.deepEqual(changed(), [HOTFIX, 'checkout/other']);
    assert.equal(board.usageOf(HOTFIX).workloads, 0);
  });

  it('forgets an exception that is gone as soon as nothing runs by it', () => {
    board.take('a', [use('d1')]);
    board.drop(HOTFIX);
    assert.equal(board.usageOf(HOTFIX).workloads, 1);
    board.forget('a');
    board.drop(HOTFIX);
    assert.deepEqual(board.usageOf(HOTFIX).digests, []);
  });
});

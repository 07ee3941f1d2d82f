// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { SeenUse } from '../../state/exception-usage.ts';
import { nextDay, usageFrom } from './usage.ts';

const digest = (character: string): `sha256:${string}` => `sha256:${character.repeat(64)}`;
const NOW = new Date('2026-11-21T23:59:00Z');
const UNSEEN: SeenUse = {
  workloads: 0,
  ended: 0,
  unapproved: 0,
  digests: [],
  lastSeen: undefined,
};
const BEFORE = {
  firstSeen: '2026-11-01',
  lastSeen: '2026-11-20',
  digests: [digest('a')],
  workloads: 2,
};

function seen(workloads: number, lastSeen: string, digests: readonly string[]): SeenUse {
  return { ...UNSEEN, workloads, digests, lastSeen: Date.parse(lastSeen) };
}

describe('the usage of an exception', () => {
  it('stays as it was written until every workload was judged', () => {
    assert.equal(usageFrom(BEFORE, undefined, NOW), BEFORE);
    assert.equal(usageFrom(undefined, undefined, NOW), undefined);
  });

  it('runs nothing any more where nothing was seen since the start, and keeps the rest', () => {
    assert.deepEqual(usageFrom(BEFORE, UNSEEN, NOW), { ...BEFORE, workloads: 0 });
    assert.equal(usageFrom(undefined, UNSEEN, NOW), undefined);
  });

  it('was seen today as long as anything runs by it, however long ago that was judged', () => {
    const usage = usageFrom(BEFORE, seen(3, '2026-11-19T00:00:00Z', [digest('b')]), NOW);
    assert.deepEqual(usage, {
      firstSeen: '2026-11-01',
      lastSeen: '2026-11-21',
      digests: [digest('a'), digest('b')],
      workloads: 3,
    });
  });

  it('was seen last on the day on which it was, where nothing runs by it any more', () => {
    const usage = usageFrom(undefined, seen(0, '2026-11-19T12:00:00Z', [digest('b')]), NOW);
    assert.deepEqual([usage?.firstSeen, usage?.lastSeen], ['2026-11-19', '2026-11-19']);
  });

  it('goes back by no clock that was set back', () => {
    const usage = usageFrom(BEFORE, seen(0, '2026-11-18T00:00:00Z', [digest('a')]), NOW);
    assert.equal(usage?.lastSeen, '2026-11-20');
  });

  it('names at most 64 digests, of which those seen now are never left out', () => {
    const many = Array.from({ length: 64 }, (_, i) => `sha256:${String(i).padStart(64, '0')}`);
    const before = { ...BEFORE, digests: many as `sha256:${string}`[] };
    const usage = usageFrom(before, seen(1, '2026-11-21T00:00:00Z', [digest('b')]), NOW);
    assert.equal(usage?.digests.length, 64);
    assert.ok(usage.digests.includes(digest('b')));
  });

  it('is looked at again within the first hour of the next day, each at an instant of its own', () => {
    const midnight = Date.parse('2026-11-22T00:00:00Z');
    const instants = Array.from({ length: 100 }, (_, i) => nextDay(`shop/e${i.toString()}`, NOW));
    for (const instant of instants)
      assert.ok(instant >= midnight && instant < midnight + 3_600_000);
    assert.ok(new Set(instants).size > 90);
    assert.equal(nextDay('shop/e1', NOW), nextDay('shop/e1', new Date('2026-11-21T00:00:00Z')));
  });
});

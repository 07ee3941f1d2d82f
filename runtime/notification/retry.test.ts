// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { meaningOf, waitAfter } from './retry.ts';

const NOW = new Date('2026-11-20T00:00:00Z');

describe('what an answer to a notification means', () => {
  it('is success, refusal, or that it comes again', () => {
    const kinds = (statuses: readonly number[]): readonly string[] =>
      statuses.map((status) => meaningOf({ status }, NOW).kind);
    assert.deepEqual([...new Set(kinds([200, 201, 202, 204, 299]))], ['taken']);
    assert.deepEqual([...new Set(kinds([100, 300, 302, 400, 401, 404, 499]))], ['refused']);
    assert.deepEqual([...new Set(kinds([408, 429, 500, 503, 599]))], ['later']);
  });

  for (const [retryAfter, patienceMs] of [
    ['0', 0],
    ['120', 120_000],
    [' 7 ', 7_000],
    ['900', 900_000],
    ['901', 900_000],
    ['9999999999', 900_000],
    ['-5', 0],
    ['1e9', 0],
    ['soon', 0],
    ['', 0],
    ['Fri, 20 Nov 2026 00:01:00 GMT', 60_000],
    ['Thu, 19 Nov 2026 00:01:00 GMT', 0],
    ['Fri, 20 Nov 2099 00:01:00 GMT', 900_000],
  ] as const) {
    it(`leaves the receiver alone for ${patienceMs.toString()} ms where it says "${retryAfter}"`, () => {
      assert.deepEqual(meaningOf({ status: 429, retryAfter }, NOW), { kind: 'later', patienceMs });
    });
  }

  it('waits for at least half of what it may', () => {
    assert.deepEqual([waitAfter(1, 0), waitAfter(1, 1)], [500, 1000]);
    assert.deepEqual([waitAfter(9, 0), waitAfter(10, 1)], [128_000, 300_000]);
    assert.deepEqual([waitAfter(5000, 0), waitAfter(5000, 1)], [150_000, 300_000]);
  });
});

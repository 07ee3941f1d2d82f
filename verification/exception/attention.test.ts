// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { attentionOf, type Attention, type AttentionCase } from './attention.ts';

const DAY = 86_400_000;
const BEGIN = Date.parse('2026-11-01T00:00:00Z');
const END = BEGIN + 60 * DAY;
const exception = { notBefore: BEGIN, expiresAt: END, createdAt: BEGIN - DAY };
const DIGESTS = [`sha256:${'a'.repeat(64)}`];

function at(now: number, asked: Partial<AttentionCase> = {}): Attention {
  return attentionOf({ exception, status: {}, now, ...asked });
}

function used(lastSeen: string, workloads: number): AttentionCase['status'] {
  return { usage: { firstSeen: '2026-11-01', lastSeen, digests: DIGESTS, workloads } };
}

describe('what somebody should look at', () => {
  it('ends soon from seven days before its end, to the millisecond', () => {
    const soon = END - 7 * DAY;
    assert.deepEqual([at(soon - 1).expiringSoon, at(soon).expiringSoon], [false, true]);
    assert.ok(at(BEGIN).boundaries.includes(soon));
  });

  it('was never used once it has been in effect for seven days, and not before', () => {
    const due = BEGIN + 7 * DAY;
    assert.equal(at(due - 1).unused, undefined);
    assert.deepEqual(at(due).unused, { reason: 'NeverUsed', since: BEGIN });
    assert.ok(at(BEGIN).boundaries.includes(due));
  });

  it('counts from when it was written where that is later than its begin', () => {
    const late = { exception: { ...exception, createdAt: BEGIN + DAY } };
    assert.equal(at(BEGIN + 8 * DAY - 1, late).unused, undefined);
    assert.equal(at(BEGIN + 8 * DAY - 1, late).unreviewedSince, undefined);
    assert.deepEqual(at(BEGIN + 8 * DAY, late).unused, { reason: 'NeverUsed', since: BEGIN + DAY });
    assert.equal(at(BEGIN + 8 * DAY, late).unreviewedSince, BEGIN + DAY);
    const unknown = { exception: { ...exception, createdAt: Infinity } };
    assert.deepEqual(at(BEGIN + 7 * DAY, unknown).unused, { reason: 'NeverUsed', since: BEGIN });
  });

  it('was not used lately seven days after the end of the day on which it was seen last', () => {
    const status = used('2026-11-10', 0);
    const since = Date.parse('2026-11-11T00:00:00Z');
    assert.equal(at(since + 7 * DAY - 1, { status }).unused, undefined);
    assert.deepEqual(at(since + 7 * DAY, { status }).unused, { reason: 'NotUsedLately', since });
    assert.ok(at(since, { status }).boundaries.includes(since + 7 * DAY));
  });

  it('is not unused while a workload runs by it, however long ago that was written', () => {
    assert.equal(at(END - 1, { status: used('2026-11-10', 1) }).unused, undefined);
  });

  it('is not unused for what was before it began again', () => {
    const status = used('2026-10-01', 0);
    assert.equal(at(BEGIN + 7 * DAY - 1, { status }).unused, undefined);
    assert.deepEqual(at(BEGIN + 7 * DAY, { status }).unused, {
      reason: 'NotUsedLately',
      since: BEGIN,
    });
  });

  it('is to be reviewed every seven days from its begin, or as often as is said', () => {
    assert.equal(at(BEGIN + 7 * DAY - 1).unreviewedSince, undefined);
    assert.equal(at(BEGIN + 7 * DAY).unreviewedSince, BEGIN);
    assert.equal(at(BEGIN + DAY, { reviewMs: DAY }).unreviewedSince, BEGIN);
    assert.ok(at(BEGIN, { reviewMs: DAY }).boundaries.includes(BEGIN + DAY));
  });

  it('is reviewed by the latest review, wherever in the list it stands', () => {
    const reviews = [4, 9, 6].map((day) => ({
      at: new Date(BEGIN + day * DAY).toISOString(),
      by: 'lead@example.com',
    }));
    const status = { reviews };
    assert.equal(at(BEGIN + 16 * DAY - 1, { status }).unreviewedSince, undefined);
    assert.equal(at(BEGIN + 16 * DAY, { status }).unreviewedSince, BEGIN + 9 * DAY);
  });

  it('is not reviewed by what is to come, nor by what is no instant', () => {
    const review = BEGIN + 8 * DAY;
    const status = {
      reviews: [
        { at: 'soon', by: 'lead@example.com' },
        { at: new Date(review).toISOString(), by: 'lead@example.com' },
      ],
    };
    const early = at(review - 1, { status });
    assert.equal(early.unreviewedSince, BEGIN);
    assert.ok(early.boundaries.includes(review));
    assert.equal(at(review, { status }).unreviewedSince, undefined);
  });

  it('tells instants in order', () => {
    const { boundaries } = at(BEGIN);
    assert.deepEqual(boundaries, [BEGIN + 7 * DAY, BEGIN + 7 * DAY, END - 7 * DAY]);
  });
});

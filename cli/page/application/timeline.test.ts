// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { ExceptionEntry } from '../../exceptions/document.ts';
import { entryNamed } from '../__fixtures__/entry.ts';
import { timelineOf, type Timeline } from './timeline.ts';

const AT = '2026-11-27T00:00:00Z';

function window(notBefore: string, expiresAt: string): ExceptionEntry {
  return entryNamed('a', { notBefore, expiresAt });
}

function laidOut(...entries: readonly ExceptionEntry[]): Timeline {
  return timelineOf(entries, AT, { width: 1000, most: 10 });
}

describe('the timeline of the review page', () => {
  it('spans the windows with air around them, the instant in it', () => {
    const { bars, instantX } = laidOut(window('2026-11-22T00:00:00Z', '2026-12-02T00:00:00Z'));
    const [bar] = bars;
    assert.equal(bar?.x, 19);
    assert.equal(bar.width, 961.5);
    assert.equal(instantX, 500);
    assert.equal(bar.cutLeft || bar.cutRight, false);
  });

  it('has the instant on the axis where all windows are before or after it', () => {
    assert.equal(laidOut(window('2026-11-01T00:00:00Z', '2026-11-02T00:00:00Z')).instantX, 981);
    assert.equal(laidOut(window('2026-12-01T00:00:00Z', '2026-12-02T00:00:00Z')).instantX, 19);
  });

  it('cuts off what goes beyond ninety days, and says on which side', () => {
    const { bars } = laidOut(
      window('2020-01-01T00:00:00Z', '2030-01-01T00:00:00Z'),
      window('2020-01-01T00:00:00Z', '2020-02-01T00:00:00Z'),
      window('2029-01-01T00:00:00Z', '2030-01-01T00:00:00Z'),
    );
    assert.deepEqual(
      bars.map(({ x, width, cutLeft, cutRight }) => [x, width, cutLeft, cutRight]),
      [
        [0, 1000, true, true],
        [0, 3, true, false],
        [997, 3, false, true],
      ],
    );
  });

  it('shows a window of minutes, which would have no width', () => {
    const { bars } = laidOut(
      window('2026-10-01T00:00:00Z', '2026-12-31T00:00:00Z'),
      window('2026-11-27T00:00:00Z', '2026-11-27T00:10:00Z'),
    );
    assert.equal(bars[1]?.width, 3);
  });

  it('gives no width to what is no window, and lays the others out', () => {
    const { bars } = laidOut(
      window('never', '2026-12-02T00:00:00Z'),
      window('2026-12-02T00:00:00Z', '2026-12-01T00:00:00Z'),
      window('2026-11-22T00:00:00Z', '2026-12-02T00:00:00Z'),
    );
    assert.deepEqual(
      bars.map(({ width }) => width),
      [0, 0, 961.5],
    );
  });

  it('is empty with nothing to show, and still has an axis of two days', () => {
    const { bars, omitted, marks, instantX } = laidOut();
    assert.deepEqual([bars.length, omitted, instantX], [0, 0, 500]);
    assert.deepEqual(marks, [
      { x: 0, label: '2026-11-26' },
      { x: 500, label: '11-27' },
      { x: 1000, label: '11-28' },
    ]);
  });

  it('draws as many as it may, and counts the others', () => {
    const many = Array.from({ length: 2000 }, (_, index) => entryNamed(`e-${index}`));
    const { bars, omitted } = timelineOf(many, AT, { width: 1000, most: 60 });
    assert.equal(bars.length, 60);
    assert.equal(omitted, 1940);
    assert.equal(bars[59]?.entry.name, 'e-59');
  });

  it('marks days with room between them, and the year where it changes', () => {
    const { marks } = laidOut(window('2026-10-01T00:00:00Z', '2027-02-20T00:00:00Z'));
    const gaps = marks.slice(1).map(({ x }, index) => x - (marks[index]?.x ?? 0));
    assert.ok(
      gaps.every((gap) => gap >= 76),
      gaps.join(' '),
    );
    assert.deepEqual(
      marks.map(({ label }) => label).filter((label) => label.length > 5),
      ['2026-10-08', '2027-01-14'],
    );
  });

  it('has the kind of each state', () => {
    const { bars } = laidOut(entryNamed('a'), entryNamed('b', { state: 'Revoked' }));
    assert.deepEqual(
      bars.map(({ kind }) => kind),
      ['effect', 'revoked'],
    );
  });
});

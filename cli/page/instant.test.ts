// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { dayOf, distanceOf, millisecondsOf, momentOf, timeOf } from './instant.ts';

const AT = '2026-11-27T09:30:00Z';

describe('instants', () => {
  it('are shown in UTC, wherever they were written', () => {
    assert.equal(momentOf('2026-11-27T01:30:00+02:00'), '2026-11-26 23:30 UTC');
    assert.equal(dayOf('2026-11-27T01:30:00+02:00'), '2026-11-26');
  });

  it('show seconds only where they count', () => {
    assert.equal(timeOf('2026-11-27T01:30:00.000Z'), '01:30');
    assert.equal(timeOf('2026-11-27T01:30:07Z'), '01:30:07');
  });

  it('stay the text that they are where they are none', () => {
    assert.equal(millisecondsOf('never'), undefined);
    assert.equal(momentOf('never'), 'never');
    assert.equal(dayOf(''), '');
    assert.equal(timeOf('never'), '');
    assert.equal(distanceOf('never', AT), '');
  });

  it('are told as a distance in the largest unit of which there are two', () => {
    const distances: readonly (readonly [string, string])[] = [
      ['2026-11-27T09:30:59Z', 'now'],
      ['2026-11-27T09:31:00Z', 'in 1 min'],
      ['2026-11-27T11:29:59Z', 'in 119 min'],
      ['2026-11-27T11:30:00Z', 'in 2 h'],
      ['2026-11-29T09:29:59Z', 'in 47 h'],
      ['2026-11-29T09:30:00Z', 'in 2 d'],
      ['2026-11-27T07:30:00Z', '2 h ago'],
      ['2025-11-27T09:30:00Z', '365 d ago'],
    ];
    for (const [instant, text] of distances) assert.equal(distanceOf(instant, AT), text, instant);
  });
});

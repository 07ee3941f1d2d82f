// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { distanceText, instantText, parseMoment, parseSpan, spanText } from './moment.ts';

const NOW = Date.parse('2026-11-20T12:00:00Z');

describe('moments on the command line', () => {
  it('are durations of days, hours, minutes and seconds', () => {
    assert.equal(parseSpan('7d'), 604_800_000);
    assert.equal(parseSpan('24h'), 86_400_000);
    assert.equal(parseSpan('1d2h3m4s'), 93_784_000);
    for (const text of ['', '0s', '0d', '7', 'd', '1w', '-1h', '1.5h', '1h1d', ' 1h', '9999999d'])
      assert.equal(parseSpan(text), undefined, text);
  });

  it('are instants with a zone, or durations from now', () => {
    assert.equal(parseMoment('7d', NOW), NOW + 604_800_000);
    assert.equal(parseMoment('2026-11-27T01:00:00+01:00', NOW), NOW + 6.5 * 86_400_000);
    for (const text of ['2026-11-27', '2026-11-27T00:00:00', 'tomorrow', '2026-02-30T00:00:00Z'])
      assert.equal(parseMoment(text, NOW), undefined, text);
  });

  it('are told to the second, and by the two largest units', () => {
    assert.equal(instantText(NOW + 1999), '2026-11-20T12:00:01Z');
    assert.equal(spanText(604_800_000), '7d');
    assert.equal(spanText(93_784_000), '1d2h');
    assert.equal(spanText(86_404_000), '1d');
    assert.equal(spanText(999), '0s');
    assert.equal(distanceText(NOW + 90_000, NOW), 'in 1m30s');
    assert.equal(distanceText(NOW - 3_600_000, NOW), '1h ago');
  });
});

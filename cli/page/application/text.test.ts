// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { counted, grouped, shortened } from './text.ts';

describe('texts of the review page', () => {
  it('counts in singular and plural', () => {
    assert.equal(counted(0, 'exception'), '0 exceptions');
    assert.equal(counted(1, 'exception'), '1 exception');
    assert.equal(counted(2000, 'exception'), '2,000 exceptions');
    assert.equal(grouped(1234567), '1,234,567');
  });

  it('cuts a text off at whole characters', () => {
    assert.equal(shortened('abcd', 4), 'abcd');
    assert.equal(shortened('abcde', 4), 'abc\u2026');
    assert.equal(shortened('\u{1f511}\u{1f511}\u{1f511}', 2), '\u{1f511}\u2026');
  });
});

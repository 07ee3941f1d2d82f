// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { visibleText } from './visible-text.ts';

describe('visibleText', () => {
  it('writes out what cannot be seen or turns the direction', () => {
    const cases: readonly (readonly [string, string])[] = [
      ['\u001b[31m', '\\u{1b}[31m'],
      ['\u0000\u0007\u007f\u009b', '\\u{0}\\u{7}\\u{7f}\\u{9b}'],
      ['alice\u202egnp.exe', 'alice\\u{202e}gnp.exe'],
      ['\u2066\u2069\u200f\u061c', '\\u{2066}\\u{2069}\\u{200f}\\u{61c}'],
      ['a\u200bb\ufeff\u00ad', 'a\\u{200b}b\\u{feff}\\u{ad}'],
      ['\u2028\u2029\r', '\\u{2028}\\u{2029}\\u{d}'],
      ['\u{e0041}', '\\u{e0041}'],
    ];
    for (const [text, visible] of cases) assert.equal(visibleText(text), visible);
  });

  it('leaves what people write: line ends, tabs, other scripts, joiners', () => {
    const text =
      'a\n\tb \u05d0\u05d1\u05d2 \u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645 \u4f60\u597d \u00e4\u00f6 <b>&amp;';
    assert.equal(visibleText(text), text);
  });
});

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { assertSoon } from '../../verification/testing/index.ts';
import { MAX_WARNING, notPinnedLine, warningLine } from './warning.ts';

const DIGEST = `sha256:${'0123456789abcdef'.repeat(4)}`;

describe('a warning', () => {
  it('names image, message, rule and code, and shortens the digest', () => {
    assert.equal(
      warningLine({
        image: `registry.example/app:1@${DIGEST}`,
        message: 'no signature by release-key',
        rule: 'team/signed',
        code: 'NO_SIGNATURE',
      }),
      'registry.example/app:1@sha256:0123456789ab…: no signature by release-key [team/signed] NO_SIGNATURE',
    );
  });

  it('names no rule where the cluster default decides', () => {
    const line = warningLine({ image: 'a', message: 'no policy matches', code: 'NO_POLICY' });
    assert.equal(line, 'a: no policy matches NO_POLICY');
  });

  it('of a tag that stays tells why', () => {
    assert.equal(notPinnedLine('a:1', 'REF_INVALID'), 'a:1: not pinned: REF_INVALID');
  });

  it('X55: is one line that the API server does not cut, whatever an author writes', () => {
    const text = fc.string({ maxLength: 2000, unit: 'binary' });
    fc.assert(
      fc.property(text, text, text, (image, message, rule) => {
        const line = warningLine({ image, message, rule, code: 'TLOG_ENTRY_MISMATCH' });
        assert.ok(line.length <= MAX_WARNING);
        assert.match(line, /^[^\p{Cc}\p{Zl}\p{Zp}]*\] TLOG_ENTRY_MISMATCH$/u);
        assert.ok(notPinnedLine(image, 'LIMIT_EXCEEDED').length <= MAX_WARNING);
      }),
    );
  });

  it('B26: is made in little time of a long image', () => {
    for (const image of ['@sha256:'.repeat(100_000), `@sha256:${'a'.repeat(800_000)}!`])
      assertSoon(250, () => warningLine({ image, message: image, code: 'REF_INVALID' }));
  });
});

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import fc from 'fast-check';
import { INCONCLUSIVE_REASONS, REJECTED_REASONS, type ReasonCode } from '../reasons.ts';
import { failureLine, printable, type FailureParts } from './message.ts';

const base = {
  image: 'registry.example/app:1.2',
  rule: 'team-images/signed',
  message: 'no signature by release-key',
};
const DIGEST = `sha256:${'a'.repeat(64)}`;
const lineOf = (parts: Partial<FailureParts> & Pick<FailureParts, 'code'>): string =>
  failureLine({ ...base, ...parts });

describe('the line for what is not a pass', () => {
  it('names image, reason, rule, code and what to do', () => {
    assert.equal(
      lineOf({ code: 'NO_SIGNATURE', digest: DIGEST }),
      `registry.example/app:1.2: no signature by release-key [team-images/signed] NO_SIGNATURE: sign ${DIGEST} or request an exception`,
    );
    assert.equal(
      lineOf({ code: 'NO_SIGNATURE' }),
      'registry.example/app:1.2: no signature by release-key [team-images/signed] NO_SIGNATURE: sign that digest, or request an exception',
    );
    assert.equal(
      lineOf({ code: 'REGISTRY_UNAVAILABLE', message: 'no answer', digest: DIGEST }),
      'registry.example/app:1.2: no answer [team-images/signed] REGISTRY_UNAVAILABLE: retry; check the registry and the network',
    );
  });

  it('has a remedy for every code', () => {
    for (const code of Object.keys({
      ...REJECTED_REASONS,
      ...INCONCLUSIVE_REASONS,
    }) as ReasonCode[]) {
      const line = failureLine({ image: 'a', message: 'b', code });
      assert.match(line, new RegExp(`^a: b ${code}: [a-z].{8,}[^.]$`));
    }
  });

  it('B35: stays short, whatever is in it', () => {
    const line = failureLine({
      image: 'i'.repeat(1_000_000),
      message: 'm'.repeat(1_000_000),
      code: 'REF_INVALID',
    });
    assert.ok(line.length < 2048);
    assert.match(line, /i…: m+… REF_INVALID: correct it$/);
  });
});

describe('text for people', () => {
  it('X55: holds nothing that forges lines, changes direction or hides', () => {
    assert.equal(
      printable('a\nb\u001b[31m\u0085\u202e\u2028\u2066\u200b\ufeff\u00ad'),
      'a\\u000ab\\u001b[31m\\u0085\\u202e\\u2028\\u2066\\u200b\\ufeff\\u00ad',
    );
    assert.equal(printable('\u{e0001}\ud800'), '\\udb40\\udc01\\ud800');
  });

  it('keeps everything else as it is', () => {
    assert.equal(
      printable('registry.example/app:1.2 – größe ✓ 漢字 😀'),
      'registry.example/app:1.2 – größe ✓ 漢字 😀',
    );
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const shown = printable(text);
        assert.doesNotMatch(shown, /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
        assert.equal(printable(shown), shown);
      }),
    );
  });
});

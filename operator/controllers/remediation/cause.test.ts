// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { REJECTED_REASONS, type RejectedReason } from '../../../verification/index.ts';
import { resultWith, verdictWith } from '../../__fixtures__/findings.ts';
import { causeOf, standingOf, type Cause, type KeptStanding } from './cause.ts';

const STANDINGS: readonly KeptStanding[] = ['holds', 'revoked', 'lapsed', 'unknown', 'none'];
const ABSENT: readonly RejectedReason[] = ['NO_SIGNATURE', 'ATTESTATION_MISSING'];

const CODES = Object.keys(REJECTED_REASONS) as RejectedReason[];
const BOTH = [true, false];

/** Every combination of what decides. */
const QUESTIONS = STANDINGS.flatMap((kept) =>
  CODES.flatMap((code) =>
    BOTH.flatMap((wasExempt) =>
      BOTH.map((readWhole) => ({ result: { code }, kept, wasExempt, readWhole })),
    ),
  ),
);

describe('the cause to act on an image', () => {
  it('is exactly what the table says, whatever is said, kept and read', () => {
    for (const question of QUESTIONS) {
      const { result, kept, wasExempt, readWhole } = question;
      const ended = wasExempt || result.code === 'EXCEPTION_EXPIRED';
      const wanted: Record<KeptStanding, Cause | undefined> = {
        holds: readWhole && ABSENT.includes(result.code) ? 'SignatureAbsent' : undefined,
        revoked: 'TrustRevoked',
        lapsed: readWhole && ended ? 'ExceptionEnded' : undefined,
        unknown: undefined,
        none: readWhole && ended ? 'ExceptionEnded' : undefined,
      };
      assert.equal(causeOf(question), wanted[kept], JSON.stringify(question));
    }
  });

  it('is never what a flooded or damaged registry answers as long as kept evidence holds', () => {
    const codes = ['LIMIT_EXCEEDED', 'SIGNATURE_INVALID', 'KEY_UNTRUSTED', 'BUNDLE_MALFORMED'];
    for (const code of [...codes, 'DIGEST_MISMATCH', 'EXCEPTION_EXPIRED'] as RejectedReason[]) {
      const question = { kept: 'holds', wasExempt: true, readWhole: true } as const;
      assert.equal(causeOf({ ...question, result: { code } }), undefined, code);
    }
  });

  it('is not an ended exception where the image was verified and its registry lost that', () => {
    const result = { code: 'EXCEPTION_EXPIRED', underlying: 'NO_SIGNATURE' } as const;
    const question = { result, wasExempt: true, readWhole: true } as const;
    assert.equal(causeOf({ ...question, kept: 'holds' }), 'SignatureAbsent');
    assert.equal(causeOf({ ...question, kept: 'none' }), 'ExceptionEnded');
  });
});

describe('kept evidence', () => {
  const said = (...results: Parameters<typeof resultWith>) =>
    verdictWith('team', resultWith(...results));
  const untrusted = said('rejected', { code: 'KEY_UNTRUSTED' });

  it('holds where it verifies now', () => {
    assert.equal(standingOf('signed', said('verified'), said('verified')), 'holds');
    assert.equal(standingOf('signed', said('verified'), untrusted), 'holds');
  });

  it('is revoked where those who signed are not trusted, nor would have been when it was read', () => {
    assert.equal(standingOf('signed', untrusted, untrusted), 'revoked');
  });

  it('has lapsed where only time went by', () => {
    const expired = said('rejected', { code: 'KEY_EXPIRED' });
    assert.equal(standingOf('signed', expired, said('verified')), 'lapsed');
  });

  it('has lapsed where a policy asks for more', () => {
    for (const code of ['PREDICATE_REJECTED', 'ATTESTATION_STALE', 'TLOG_MISSING'] as const) {
      const more = said('rejected', { code });
      assert.equal(standingOf('signed', more, more), 'lapsed', code);
    }
  });

  it('cannot be told where anything is inconclusive, or nothing is said', () => {
    for (const [now, then] of [
      [said('inconclusive'), untrusted],
      [untrusted, said('inconclusive')],
      [undefined, untrusted],
      [untrusted, undefined],
      [said('rejected', { requirement: 'another' }), untrusted],
    ] as const)
      assert.equal(standingOf('signed', now, then), 'unknown');
  });
});

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import {
  bundleEvidence,
  keylessAuthority,
  KeyIssuer,
  TestSigstore,
  type AuthorityInput,
} from '../testing/index.ts';
import { assertRejected, assertVerified, IMAGE, NOW, warmJudge } from './__fixtures__/judge.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const sigstore = new TestSigstore();
const release = keylessAuthority(sigstore.trustedRoot());
const issuer = new KeyIssuer();
const predicateType = 'https://example.com/scan/v1';
const iso = (time: number): string => new Date(time).toISOString();

function keyWithin(window: { validFrom?: string; validUntil?: string }): AuthorityInput {
  return { name: 'key', key: { material: { inline: issuer.publicKeyPem }, ...window } };
}

/** A scan that was logged a month before `NOW`. */
const scan = bundleEvidence(sigstore.bundle(IMAGE, { predicateType, predicate: { findings: 0 } }));
const asked = (expression: string): { name: string; expression: string }[] => [
  { name: 'c', expression },
];

describe('a result that is remembered', () => {
  it('is the same object as long as it holds', () => {
    const again = warmJudge([bundleEvidence(issuer.bundle(IMAGE.digest))], { by: [keyWithin({})] });
    assertVerified(again());
    assert.equal(again().results[0], again({ now: NOW + DAY }).results[0]);
  });

  it('A13: ends with the window of the key, to the millisecond, and begins with it', () => {
    const [from, until] = [NOW - DAY, NOW + DAY];
    const by = [keyWithin({ validFrom: iso(from), validUntil: iso(until) })];
    const again = warmJudge([bundleEvidence(issuer.bundle(IMAGE.digest))], { by });
    for (const now of [from, NOW, until]) assertVerified(again({ now }));
    for (const now of [from - 1, until + 1]) assertRejected(again({ now }), 'KEY_EXPIRED');
    assertVerified(again());
  });

  it('does not hold before the signature was made', () => {
    const again = warmJudge([bundleEvidence(sigstore.bundle(IMAGE))], { by: [release] });
    assertVerified(again());
    assertRejected(again({ now: NOW - 365 * DAY }), 'TIMESTAMP_UNTRUSTED');
    assertVerified(again());
  });

  it('ends with the age of an attestation', () => {
    const attestation = { predicateType, maxAge: '1440h' };
    const again = warmJudge([scan], { by: [release], attestation });
    assertVerified(again());
    assertVerified(again({ now: NOW + DAY }));
    assertRejected(again({ now: NOW + 60 * DAY }), 'ATTESTATION_STALE');
    assertVerified(again());
  });

  it('is of no other image where a condition asks for the image', () => {
    const conditions = asked('image.repository == "app"');
    const setting = { by: [release], attestation: { predicateType, conditions } };
    const again = warmJudge([scan], setting);
    assertVerified(again({ image: 'registry.example/app:1' }));
    assertRejected(again({ image: 'registry.example/other:1' }), 'PREDICATE_REJECTED');
    assertVerified(again({ image: 'registry.example/app:2' }));
  });

  it('is of no other minute where a condition asks for the time', () => {
    const until = NOW + 10 * MINUTE;
    const conditions = asked(`now < timestamp("${iso(until)}")`);
    const again = warmJudge([scan], { by: [release], attestation: { predicateType, conditions } });
    assertVerified(again());
    assertVerified(again({ now: until - 1 }));
    assertRejected(again({ now: until }), 'PREDICATE_REJECTED');
    assertVerified(again());
  });
});

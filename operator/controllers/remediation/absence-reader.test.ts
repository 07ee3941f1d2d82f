// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'mocha';
import { fixedClock, type FixedClock } from '../../../runtime/clock-testing.ts';
import type { JudgeInput } from '../../../runtime/judge/index.ts';
import type { Digest } from '../../../verification/index.ts';
import { observedImage, policyNamed } from '../../__fixtures__/findings.ts';
import { AbsenceReader } from './absence-reader.ts';
import { Absences } from './absences.ts';
import type { Charge, Charges } from './charges.ts';
import type { Cause } from './cause.ts';

const MINUTE = 60_000;
const HOST = 'registry.example';
const policy = policyNamed('team');
const { signal } = new AbortController();
const digestOf = (n: number): Digest => `sha256:${n.toString(16).padStart(64, '0')}`;
const inputOf = (digest: Digest): JudgeInput =>
  ({ use: { image: { host: HOST, digest } } }) as unknown as JudgeInput;
const digestIn = ({ use }: JudgeInput): Digest => use.image.digest;

describe('the loss of signatures', () => {
  let clock: FixedClock;
  let absences: Absences;
  let reader: AbsenceReader;
  /** What images are charged with when they are read; `unread` where a registry fails. */
  let found: Map<Digest, Cause | 'unread' | 'unsure'>;
  let refreshed: Digest[];
  let isComplete: boolean;

  const verified = (...numbers: readonly number[]): void => {
    for (const digest of numbers.map(digestOf))
      absences.verified(
        `Pod|ns|${digest}`,
        { host: HOST, digest },
        { observed: observedImage(), image: `${HOST}/app@${digest}`, digest, namespace: 'ns' },
      );
  };
  const lost = async (n: number): ReturnType<AbsenceReader['read']> =>
    await reader.read('key', inputOf(digestOf(n)), signal);

  beforeEach(() => {
    clock = fixedClock();
    absences = new Absences(clock);
    found = new Map();
    refreshed = [];
    isComplete = true;
    const of = (_key: string, input: JudgeInput): Promise<readonly Charge[] | undefined> => {
      const cause = found.get(digestIn(input));
      if (cause === 'unsure') return Promise.resolve(undefined);
      const charges =
        cause === undefined || cause === 'unread' ? [] : [{ policy, requirement: 'signed', cause }];
      return Promise.resolve(charges);
    };
    reader = new AbsenceReader({
      judge: {
        refresh: (input) => {
          refreshed.push(digestIn(input));
          return Promise.resolve(found.get(digestIn(input)) !== 'unread');
        },
      },
      charges: { of } as unknown as Charges,
      absences,
      isComplete: () => isComplete,
      inputOf: ({ digest }) => Promise.resolve(inputOf(digest)),
      random: () => 0,
    });
    found.set(digestOf(1), 'SignatureAbsent');
  });

  it('is sure after a second reading, a minute later, and while others have theirs', async () => {
    verified(2, 3, 4, 5);
    assert.equal(await lost(1), 'unconfirmed');
    await clock.advance(MINUTE - 1);
    assert.equal(await lost(1), 'unconfirmed');
    assert.deepEqual(refreshed, []);
    await clock.advance(1);
    assert.equal(await lost(1), 'confirmed');
    assert.deepEqual(refreshed, [1, 2, 3, 4, 5].map(digestOf));
  });

  it('is not sure where the second reading says something else, or fails', async () => {
    await lost(1);
    await clock.advance(MINUTE);
    for (const cause of ['unread', 'unsure', 'TrustRevoked'] as const) {
      found.set(digestOf(1), cause);
      assert.equal(await lost(1), 'unconfirmed', cause);
    }
    found.delete(digestOf(1));
    assert.equal(await lost(1), 'unconfirmed');
  });

  it('is found to be wide by reading others, although these were not looked at since', async () => {
    verified(2, 3, 4, 5);
    await lost(1);
    await clock.advance(MINUTE);
    for (const n of [3, 5]) found.set(digestOf(n), 'SignatureAbsent');
    assert.equal(await lost(1), 'storm');
    refreshed = [];
    assert.equal(await lost(3), 'storm');
    assert.deepEqual(refreshed, []);
  });

  it('is not sure as long as one of the others cannot be read or told', async () => {
    verified(2, 3);
    await lost(1);
    await clock.advance(MINUTE);
    for (const cause of ['unread', 'unsure'] as const) {
      found.set(digestOf(2), cause);
      assert.equal(await lost(1), 'unconfirmed', cause);
    }
    found.delete(digestOf(2));
    assert.equal(await lost(1), 'confirmed');
  });

  it('is not sure before every workload was judged', async () => {
    isComplete = false;
    await lost(1);
    await clock.advance(MINUTE);
    assert.equal(await lost(1), 'unconfirmed');
    isComplete = true;
    assert.equal(await lost(1), 'confirmed');
  });

  it('is looked for in twenty others at most', async () => {
    verified(...Array.from({ length: 50 }, (_, n) => n + 2));
    await lost(1);
    await clock.advance(MINUTE);
    assert.equal(await lost(1), 'confirmed');
    assert.equal(refreshed.length, 21);
  });
});

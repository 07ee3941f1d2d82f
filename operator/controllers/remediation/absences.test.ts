// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'mocha';
import { fixedClock, type FixedClock } from '../../../runtime/clock-testing.ts';
import type { Digest } from '../../../verification/index.ts';
import { observedImage } from '../../__fixtures__/findings.ts';
import { Absences, type Place } from './absences.ts';

const HOUR = 3_600_000;
const digestOf = (n: number): Digest => `sha256:${n.toString(16).padStart(64, '0')}`;

describe('lost signatures', () => {
  let clock: FixedClock;
  let absences: Absences;
  const place = (n: number, host = 'one.example'): Place => ({ host, digest: digestOf(n) });
  const verified = (n: number, key = `Pod|ns|${n.toString()}`): void =>
    absences.verified(key, place(n), {
      observed: observedImage(),
      image: `one.example/app@${digestOf(n)}`,
      digest: digestOf(n),
      namespace: 'ns',
    });

  beforeEach(() => {
    clock = fixedClock();
    absences = new Absences(clock);
  });

  it('are known since they were seen first, until the image is verified again', async () => {
    assert.equal(absences.absent(place(1)), 0);
    await clock.advance(1000);
    assert.equal(absences.absent(place(1)), 1000);
    absences.confirm(place(1));
    assert.equal(absences.isConfirmed(place(1)), true);
    verified(1);
    assert.equal(absences.isConfirmed(place(1)), false);
    assert.equal(absences.absent(place(1)), 0);
  });

  it('are a storm where three are more than a fifth of a registry, and not before', () => {
    for (let n = 1; n <= 10; n += 1) verified(n);
    absences.absent(place(1));
    absences.absent(place(2));
    assert.equal(absences.isStorm('one.example'), false);
    absences.absent(place(3));
    assert.equal(absences.isStorm('one.example'), true);
    assert.equal(absences.isStorm('two.example'), false);
  });

  it('are no storm where they are a fifth or less', () => {
    for (let n = 1; n <= 15; n += 1) verified(n);
    for (const n of [1, 2, 3]) absences.absent(place(n));
    assert.equal(absences.isStorm('one.example'), false);
  });

  it('count for an hour, also where the workload is gone', async () => {
    for (let n = 1; n <= 3; n += 1) {
      verified(n);
      absences.absent(place(n));
      absences.forget(`Pod|ns|${n.toString()}`);
    }
    await clock.advance(HOUR - 1);
    assert.equal(absences.isStorm('one.example'), true);
    await clock.advance(1);
    assert.equal(absences.isStorm('one.example'), false);
  });

  it('are looked for in images that were verified last, at random and no more than asked for', () => {
    for (let n = 1; n <= 5; n += 1) verified(n);
    verified(4, 'Pod|ns|other');
    absences.absent(place(1));
    absences.forget('Pod|ns|2');
    absences.forget('Pod|ns|4');
    let at = 0;
    const sampled = absences.sample('one.example', 2, () => (at -= 1));
    assert.deepEqual(
      sampled.map(({ digest }) => digest),
      [digestOf(5), digestOf(4)],
    );
    assert.deepEqual(absences.sample('two.example', 2, Math.random), []);
  });
});

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'mocha';
import { fixedClock, type FixedClock } from '../../../runtime/clock-testing.ts';
import { silentLogger } from '../../../runtime/log/index.ts';
import {
  VerificationError,
  type TrustedRootText,
  type TufRepository,
} from '../../../verification/index.ts';
import { FakeTrustSource, staleMirror } from '../../__fixtures__/trust-source.ts';
import { refreshAfter, retryAfter, DEFAULT_TRUST_SCHEDULE } from './schedule.ts';
import { TrustRoots } from './trust-roots.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const START = '2026-11-01T00:00:00Z';
const PUBLIC: TufRepository = { kind: 'public-good' };
const MIRROR: TufRepository = { kind: 'mirror', mirror: 'https://tuf.example.com/x', root: '{}' };

describe('trust roots', () => {
  let clock: FixedClock;
  let source: FakeTrustSource;
  let changes: number;
  let outcomes: string[];
  let roots: TrustRoots;

  function text(value: string, msToExpiry = 7 * DAY): TrustedRootText {
    const expires = new Date(clock.now().getTime() + msToExpiry).toISOString();
    return { text: value, expires, fromSeed: false };
  }

  beforeEach(() => {
    clock = fixedClock(START);
    source = new FakeTrustSource();
    changes = 0;
    outcomes = [];
    roots = new TrustRoots({
      source,
      check: (given) => {
        if (given === 'garbage') throw new VerificationError('TRUST_ROOT_INVALID', 'no root');
      },
      clock,
      logger: silentLogger,
      random: () => 0.5,
      observer: { trustRootRead: (outcome) => outcomes.push(outcome) },
      onChange: () => (changes += 1),
    });
  });

  it('that nobody wants are never read', async () => {
    await clock.advance(7 * DAY);
    assert.deepEqual(source.reads, []);
    assert.equal(roots.current(PUBLIC), undefined);
    assert.deepEqual(roots.counts(), { fresh: 0, stale: 0, pending: 0 });
  });

  it('begin with what is shipped, and then are what is published', async () => {
    source.known = { text: 'seed', fromSeed: true };
    source.answer = text('published');
    await roots.want(PUBLIC);
    const since = new Date(START);
    const seeded = { text: 'seed', fromSeed: true, fresh: false, since };
    assert.deepEqual(roots.current(PUBLIC), seeded);
    assert.equal(roots.counts().pending, 1);
    await clock.advance(0);
    const published = { text: 'published', fromSeed: false, fresh: true, since };
    assert.deepEqual(roots.current(PUBLIC), published);
    assert.equal(changes, 1);
  });

  it('are fresh at once where the cache still holds', async () => {
    source.known = text('cached');
    await roots.want(MIRROR);
    assert.equal(roots.current(MIRROR)?.fresh, true);
    await clock.advance(HOUR);
    assert.equal(roots.current(MIRROR)?.fresh, true);
    assert.equal(changes, 0);
  });

  it('keep a cached text that has expired, and say that it is not fresh', async () => {
    source.known = text('cached', -DAY);
    await roots.want(MIRROR);
    await clock.advance(0);
    const { text: kept, fresh, problem } = roots.current(MIRROR) ?? {};
    assert.deepEqual([kept, fresh, problem?.code], ['cached', false, 'TRUST_ROOT_STALE']);
  });

  it('without a text say why, once the first read has ended', async () => {
    await roots.want(MIRROR);
    assert.equal(roots.current(MIRROR)?.problem, undefined);
    await clock.advance(0);
    assert.equal(roots.current(MIRROR)?.problem?.code, 'TRUST_ROOT_STALE');
    assert.equal(roots.current(MIRROR)?.text, undefined);
    assert.equal(changes, 1);
    assert.deepEqual(roots.counts(), { fresh: 0, stale: 1, pending: 0 });
  });

  it('are read every six hours, and a change is told', async () => {
    source.answer = text('one', 365 * DAY);
    await roots.want(PUBLIC);
    await clock.advance(5 * HOUR);
    assert.equal(source.reads.length, 1);
    source.answer = text('two', 365 * DAY);
    await clock.advance(HOUR);
    assert.equal(source.reads.length, 2);
    assert.equal(roots.current(PUBLIC)?.text, 'two');
    assert.equal(changes, 2);
    await clock.advance(6 * HOUR);
    assert.equal(source.reads.length, 3);
    assert.equal(changes, 2);
  });

  it('are tried again after a minute, then ever later, at most every hour', async () => {
    await roots.want(MIRROR);
    await clock.advance(0);
    const counts: number[] = [];
    for (const minutes of [1, 2, 4, 8, 16, 32, 60, 60]) {
      await clock.advance(minutes * MINUTE);
      counts.push(source.reads.length);
    }
    assert.deepEqual(counts, [2, 3, 4, 5, 6, 7, 8, 9]);
    assert.equal(changes, 1);
    assert.ok(outcomes.every((outcome) => outcome === 'stale'));
    source.answer = text('at last');
    await clock.advance(HOUR);
    assert.equal(roots.current(MIRROR)?.fresh, true);
    source.answer = staleMirror();
    await clock.advance(7 * HOUR);
    assert.deepEqual(outcomes.slice(8, 12), ['stale', 'read', 'stale', 'stale']);
  });

  it('20: whose mirror is down stay fresh until their metadata expires, to the instant', async () => {
    source.answer = text('good', DAY);
    await roots.want(MIRROR);
    await clock.advance(0);
    source.answer = staleMirror();
    await clock.advance(DAY - 1);
    assert.equal(roots.current(MIRROR)?.fresh, true);
    assert.equal(changes, 1);
    await clock.advance(1);
    const { text: kept, fresh, problem, since } = roots.current(MIRROR) ?? {};
    assert.deepEqual([kept, fresh, problem?.code], ['good', false, 'TRUST_ROOT_STALE']);
    assert.deepEqual(since, clock.now());
    assert.equal(changes, 2);
  });

  it('whose mirror is down are stale after two days, however long their metadata holds', async () => {
    source.answer = text('good', 3650 * DAY);
    await roots.want(MIRROR);
    await clock.advance(0);
    source.answer = staleMirror();
    await clock.advance(2 * DAY - 1);
    assert.equal(roots.current(MIRROR)?.fresh, true);
    await clock.advance(1);
    assert.equal(roots.current(MIRROR)?.fresh, false);
    assert.equal(roots.current(MIRROR)?.text, 'good');
  });

  it('20: whose mirror goes back are an alarm at once, and keep the last good text', async () => {
    source.answer = text('good');
    await roots.want(MIRROR);
    await clock.advance(0);
    source.answer = new VerificationError('TRUST_ROOT_INVALID', 'older than before');
    await clock.advance(6 * HOUR);
    const { text: kept, fresh, problem } = roots.current(MIRROR) ?? {};
    assert.deepEqual([kept, fresh, problem?.code], ['good', false, 'TRUST_ROOT_INVALID']);
    source.answer = text('good');
    await clock.advance(MINUTE);
    assert.equal(roots.current(MIRROR)?.fresh, true);
    assert.equal(roots.current(MIRROR)?.problem, undefined);
  });

  it('that turn into something else keep the last good text', async () => {
    source.answer = text('good');
    await roots.want(MIRROR);
    await clock.advance(0);
    source.answer = text('garbage');
    await clock.advance(6 * HOUR);
    const { text: kept, problem } = roots.current(MIRROR) ?? {};
    assert.deepEqual([kept, problem?.code], ['good', 'TRUST_ROOT_INVALID']);
  });

  it('do not change because a failure is put in other words', async () => {
    await roots.want(MIRROR);
    await clock.advance(0);
    source.answer = staleMirror('another port did not answer');
    await clock.advance(HOUR);
    assert.equal(changes, 1);
    assert.match(roots.current(MIRROR)?.problem?.message ?? '', /the mirror did not answer/);
  });

  it('of metadata that holds briefly are read more often', async () => {
    source.answer = text('one', HOUR);
    await roots.want(MIRROR);
    await clock.advance(0);
    source.answer = text('two', HOUR);
    await clock.advance(30 * MINUTE);
    assert.equal(source.reads.length, 2);
    assert.equal(roots.current(MIRROR)?.text, 'two');
  });

  it('are dropped when nobody wants them, also in the middle of a read', async () => {
    source.answer = text('good');
    await roots.want(PUBLIC);
    await roots.want(MIRROR);
    await roots.want(MIRROR);
    await clock.advance(0);
    roots.keepOnly([PUBLIC]);
    assert.equal(roots.current(MIRROR), undefined);
    assert.equal(source.reads.length, 2);
    await clock.advance(6 * HOUR);
    assert.equal(source.reads.length, 3);
    roots.close();
    assert.equal(source.signal?.aborted, true);
    await clock.advance(DAY);
    assert.equal(source.reads.length, 3);
    assert.equal(clock.waiting, 0);
  });

  it('are told apart by mirror and by first root', async () => {
    const other: TufRepository = { ...MIRROR, root: '{"other":1}' };
    await roots.want(MIRROR);
    assert.equal(roots.current(other), undefined);
    await roots.want(other);
    await clock.advance(0);
    assert.deepEqual(source.reads, [MIRROR, other]);
  });

  it('survive whatever is thrown', async () => {
    source.answer = new TypeError('no');
    await roots.want(MIRROR);
    await clock.advance(0);
    assert.equal(roots.current(MIRROR)?.problem?.code, 'INTERNAL');
    assert.deepEqual(outcomes, ['internal']);
    source.answer = text('good');
    await clock.advance(MINUTE);
    assert.equal(roots.current(MIRROR)?.fresh, true);
  });
});

describe('the schedule of trust roots', () => {
  it('is spread by a fifth to both sides', () => {
    const schedule = DEFAULT_TRUST_SCHEDULE;
    assert.ok(Math.abs(refreshAfter(schedule, undefined, 0) - 4.8 * HOUR) < 1);
    assert.ok(Math.abs(refreshAfter(schedule, undefined, 1) - 7.2 * HOUR) < 1);
    assert.equal(retryAfter(schedule, 1, 0.5), MINUTE);
    assert.equal(retryAfter(schedule, 1000, 0.5), HOUR);
    assert.equal(refreshAfter(schedule, -DAY, 0.5), MINUTE);
  });
});

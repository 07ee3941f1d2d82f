// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'mocha';
import {
  parseImageReference,
  VerificationError,
  type Digest,
  type ImageReference,
  type SourceOptions,
} from '../../verification/index.ts';
import { fixedClock, type FixedClock } from '../clock-testing.ts';
import { TagDigests, type TagRequest } from './tag-digests.ts';

const ONE: Digest = `sha256:${'1'.repeat(64)}`;
const TWO: Digest = `sha256:${'2'.repeat(64)}`;
const FRESH = 10_000;
const RESOLVE = 20_000;
const never = (): AbortSignal => new AbortController().signal;

interface Resolution {
  readonly image: ImageReference;
  readonly options: SourceOptions;
  readonly answer: (digest: Digest) => void;
  readonly fail: (error: unknown) => void;
}

const requestOf = (
  text: string,
  identity = 'k',
  registry: TagRequest['registry'] = {},
): TagRequest => ({
  image: parseImageReference(text),
  keychain: { identity, credentialFor: () => undefined },
  registry,
});
const REQUEST = requestOf('registry.example/app:1.2');

describe('the digests of tags', () => {
  let resolutions: Resolution[];
  let clock: FixedClock;
  let lookups: boolean[];
  let tags: TagDigests;

  /** Resolves with the answer of the registry. */
  const resolved = async (digest: Digest, request = REQUEST): Promise<Digest> => {
    const { length } = resolutions;
    const resolving = tags.resolve(request, never());
    assert.equal(resolutions.length, length + 1);
    resolutions.at(-1)?.answer(digest);
    return await resolving;
  };

  beforeEach(() => {
    resolutions = [];
    lookups = [];
    clock = fixedClock();
    const resolveTag = (image: ImageReference, options: SourceOptions): Promise<Digest> => {
      const { promise, resolve, reject } = Promise.withResolvers<Digest>();
      resolutions.push({ image, options, answer: resolve, fail: reject });
      return promise;
    };
    tags = new TagDigests({
      source: { resolveTag },
      clock,
      freshMs: FRESH,
      resolveMs: RESOLVE,
      onLookup: (hit) => lookups.push(hit),
    });
  });

  it('are asked for once, however many want to know, with credentials and settings', async () => {
    const request = requestOf('registry.example/app:1.2', 'k', { ca: 'pem' });
    const asking = Array.from({ length: 50 }, () => tags.resolve(request, never()));
    assert.equal(resolutions.length, 1);
    const [resolution] = resolutions;
    assert.deepEqual(
      [resolution?.image, resolution?.options.keychain, resolution?.options.registry],
      [request.image, request.keychain, request.registry],
    );
    resolution?.answer(ONE);
    assert.deepEqual(new Set(await Promise.all(asking)), new Set([ONE]));
  });

  it('are used for their time and asked for anew after it', async () => {
    assert.equal(await resolved(ONE), ONE);
    await clock.advance(FRESH - 1);
    assert.equal(await tags.resolve(REQUEST, never()), ONE);
    assert.equal(await tags.resolve(REQUEST, AbortSignal.abort()), ONE);
    await clock.advance(1);
    assert.equal(await resolved(TWO), TWO);
    assert.deepEqual(lookups, [false, true, true, false]);
  });

  it('are fresh from the answer on, not from the question', async () => {
    const resolving = tags.resolve(REQUEST, never());
    await clock.advance(FRESH);
    resolutions[0]?.answer(ONE);
    await resolving;
    await clock.advance(FRESH - 1);
    assert.equal(await tags.resolve(REQUEST, never()), ONE);
    assert.equal(resolutions.length, 1);
  });

  it('are not kept where they could not be told: the next one asks again', async () => {
    for (const [thrown, code] of [
      [new VerificationError('REGISTRY_UNAUTHORIZED', 'no'), 'REGISTRY_UNAUTHORIZED'],
      [new TypeError('no such thing'), 'INTERNAL'],
    ] as const) {
      const { length } = resolutions;
      const asking = [tags.resolve(REQUEST, never()), tags.resolve(REQUEST, never())];
      resolutions.at(-1)?.fail(thrown);
      for (const one of asking) await assert.rejects(one, { name: 'VerificationError', code });
      assert.equal(resolutions.length, length + 1);
    }
    assert.equal(await resolved(ONE), ONE);
  });

  it('let a waiter go at its deadline while the resolution goes on for the next', async () => {
    const patience = new AbortController();
    const waiting = tags.resolve(REQUEST, patience.signal);
    patience.abort();
    await assert.rejects(waiting, { name: 'VerificationError', code: 'DEADLINE_EXCEEDED' });
    await assert.rejects(tags.resolve(REQUEST, AbortSignal.abort()), { code: 'DEADLINE_EXCEEDED' });
    assert.deepEqual([resolutions.length, resolutions[0]?.options.signal.aborted], [1, false]);
    resolutions[0]?.answer(ONE);
    await clock.advance(0);
    assert.equal(await tags.resolve(REQUEST, never()), ONE);
  });

  it('leave nothing unhandled where the resolution fails after every waiter has gone', async () => {
    await assert.rejects(tags.resolve(REQUEST, AbortSignal.abort()), { code: 'DEADLINE_EXCEEDED' });
    resolutions[0]?.fail(new VerificationError('REGISTRY_UNAVAILABLE', 'no'));
    await clock.advance(0);
    assert.equal(await resolved(ONE), ONE);
  });

  it('are resolved within a bound', async () => {
    void tags.resolve(REQUEST, never());
    await clock.advance(RESOLVE - 1);
    assert.equal(resolutions[0]?.options.signal.aborted, false);
    await clock.advance(1);
    assert.equal(resolutions[0].options.signal.aborted, true);
  });

  for (const [what, other] of [
    ['another tag', requestOf('registry.example/app:1.3')],
    ['another repository', requestOf('registry.example/apps:1.2')],
    ['another registry', requestOf('registry.example:5000/app:1.2')],
    [
      'other credentials: nobody sees what others may read',
      requestOf('registry.example/app:1.2', 'l'),
    ],
    ['another CA', requestOf('registry.example/app:1.2', 'k', { ca: 'pem' })],
  ] as const) {
    it(`are kept apart for ${what}`, async () => {
      await resolved(ONE);
      assert.equal(await resolved(TWO, other), TWO);
      assert.equal(await tags.resolve(REQUEST, never()), ONE);
    });
  }

  it('are those of latest where a reference names no tag', async () => {
    await resolved(ONE, requestOf('nginx'));
    assert.equal(await tags.resolve(requestOf('docker.io/library/nginx:latest'), never()), ONE);
  });
});

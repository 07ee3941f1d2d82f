// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'mocha';
import {
  parseImageReference,
  VerificationError,
  type Digest,
  type Evidence,
  type EvidenceGap,
  type EvidenceState,
} from '../../verification/index.ts';
import {
  evidenceOf,
  KeyIssuer,
  simpleSigningEvidence,
  testManifest,
} from '../../verification/testing/index.ts';
import { fixedClock, type FixedClock } from '../clock-testing.ts';
import { HeldSource, keychainOf } from './__fixtures__/source.ts';
import {
  EvidenceCache,
  type EvidenceCacheOptions,
  type EvidenceRequest,
} from './evidence-cache.ts';

const FRESH = 60_000;
const NEGATIVE = 5_000;
const COLLECTION = 20_000;

const manifest = testManifest('image');
const issuer = new KeyIssuer();
const signature = simpleSigningEvidence(issuer.simpleSigning(manifest.digest));
const UNREAD: EvidenceGap = { code: 'REGISTRY_UNAVAILABLE', what: 'referrers', detail: '503' };
const REFUSED: EvidenceGap = { code: 'LIMIT_EXCEEDED', what: 'referrers', detail: 'too many' };
const complete = evidenceOf(manifest, [signature]);
const unsigned = evidenceOf(manifest, []);

const never = (): AbortSignal => new AbortController().signal;
const imageOf = (
  repository: string,
  digest: Digest = manifest.digest,
): EvidenceRequest['image'] => ({ ...parseImageReference(repository), digest });
const requestOf = (edits: Partial<EvidenceRequest> = {}): EvidenceRequest => ({
  image: imageOf('registry.example/app:1.2'),
  keychain: keychainOf('k'),
  registry: {},
  ...edits,
});
const REQUEST = requestOf();
const codeOf = (state: EvidenceState): string =>
  state.state === 'failed' ? state.error.code : state.state;

describe('the evidence cache', () => {
  let source: HeldSource;
  let clock: FixedClock;
  let started: number;
  let cache: EvidenceCache;

  const make = (edits: Partial<EvidenceCacheOptions> = {}): EvidenceCache =>
    new EvidenceCache({
      source,
      clock,
      freshMs: FRESH,
      negativeMs: NEGATIVE,
      collectionMs: COLLECTION,
      maxBytes: 1024 * 1024,
      onCollection: () => (started += 1),
      ...edits,
    });
  /** Has the cache read this evidence. */
  const fill = async (evidence: Evidence, request = REQUEST): Promise<void> => {
    const reading = cache.refresh(request, never());
    source.last.answer(evidence);
    assert.deepEqual(await reading, { state: 'collected', evidence });
  };

  beforeEach(() => {
    source = new HeldSource();
    clock = fixedClock();
    started = 0;
    cache = make();
  });

  it('B39: starts one collection for 50 who ask at once', async () => {
    const asking = Array.from({ length: 50 }, () => cache.get(requestOf(), never()));
    assert.deepEqual([source.count, started], [1, 1]);
    source.last.answer(complete);
    for (const state of await Promise.all(asking))
      assert.deepEqual(state, { state: 'collected', evidence: complete });
    assert.equal((await cache.get(REQUEST, never())).state, 'collected');
    assert.equal(source.count, 1);
  });

  it('asks the source for that image, with those credentials and settings', () => {
    const request = requestOf({
      registry: { signatureRepository: 'registry.example/signatures', ca: 'pem' },
    });
    void cache.get(request, never());
    const { image, options } = source.last;
    assert.deepEqual(
      [image, options.keychain, options.registry],
      [request.image, request.keychain, request.registry],
    );
    assert.equal(options.signal.aborted, false);
  });

  it('asks for attestations and the index where they are needed, and for no index without a tag', () => {
    const untagged = imageOf('registry.example/app');
    for (const [asked, expected] of [
      [{}, [false, false]],
      [{ attestations: true }, [true, false]],
      [{ index: true }, [false, true]],
      [{ attestations: true, index: true, image: untagged }, [true, false]],
    ] as const) {
      cache = make();
      void cache.get(requestOf(asked), never());
      const { attestations, index } = source.last.options;
      assert.deepEqual([attestations, index], expected);
    }
  });

  it('knows nothing without having read', () => {
    assert.equal(cache.peek(REQUEST), undefined);
    assert.equal(source.count, 0);
  });

  it('answers fresh evidence without reading', async () => {
    await fill(complete);
    await clock.advance(FRESH - 1);
    assert.equal(cache.peek(REQUEST), complete);
    assert.equal((await cache.get(REQUEST, never())).state, 'collected');
    assert.equal(source.count, 1);
  });

  it('answers stale evidence while it is read again once in the background', async () => {
    await fill(complete);
    await clock.advance(FRESH);
    const newer = evidenceOf(manifest, [signature, signature]);
    assert.equal(cache.peek(REQUEST), complete);
    assert.equal(cache.peek(REQUEST), complete);
    assert.deepEqual(await cache.get(REQUEST, never()), { state: 'collected', evidence: complete });
    assert.equal(source.count, 2);
    source.last.answer(newer);
    await clock.advance(0);
    assert.equal(cache.peek(REQUEST), newer);
    assert.equal(source.count, 2);
  });

  it('does not answer evidence that is stale for as long again as it was fresh', async () => {
    await fill(complete);
    await clock.advance(2 * FRESH - 1);
    assert.equal(cache.peek(REQUEST), complete);
    await clock.advance(1);
    assert.equal(cache.peek(REQUEST), undefined);
  });

  it('keeps stale evidence for its time where reading it again fails, and tries again', async () => {
    await fill(complete);
    await clock.advance(FRESH);
    for (const count of [2, 3]) {
      assert.equal(cache.peek(REQUEST), complete);
      assert.equal(source.count, count);
      source.last.fail(new VerificationError('REGISTRY_UNAVAILABLE', 'no'));
      await clock.advance(0);
    }
    await clock.advance(FRESH);
    assert.equal(cache.peek(REQUEST), undefined);
  });

  it('uses that there is no signature for a short time only, and never when stale', async () => {
    for (const evidence of [
      unsigned,
      evidenceOf(manifest, [], [REFUSED]),
      evidenceOf(manifest, [signature], [REFUSED]),
      evidenceOf(manifest, [signature], [UNREAD]),
    ]) {
      cache = make();
      await fill(evidence);
      const { count } = source;
      await clock.advance(NEGATIVE - 1);
      assert.equal(cache.peek(REQUEST), evidence);
      await clock.advance(1);
      assert.equal(cache.peek(REQUEST), undefined);
      assert.equal(source.count, count);
    }
  });

  it('uses complete evidence however old it is where that is asked for, also that there is no signature', async () => {
    for (const evidence of [unsigned, complete]) {
      cache = make();
      await fill(evidence);
      const { count } = source;
      await clock.advance(NEGATIVE + 2 * FRESH);
      assert.equal(cache.peek(requestOf({ asKept: true })), evidence);
      assert.equal(source.count, count);
    }
    await fill(evidenceOf(manifest, [signature], [UNREAD]), requestOf({ registry: { ca: 'pem' } }));
    await clock.advance(NEGATIVE);
    assert.equal(cache.peek(requestOf({ registry: { ca: 'pem' }, asKept: true })), undefined);
  });

  it('does not keep that there is no signature where a part could not be read', async () => {
    await fill(evidenceOf(manifest, [], [UNREAD]));
    assert.equal(cache.peek(REQUEST), undefined);
    await fill(evidenceOf(manifest, [], [REFUSED, UNREAD]));
    assert.equal(cache.peek(REQUEST), undefined);
  });

  it('does not replace complete evidence by what a failing registry answers, and does by the truth', async () => {
    await fill(complete);
    await fill(evidenceOf(manifest, [signature], [UNREAD]));
    assert.equal(cache.peek(REQUEST), complete);
    await fill(evidenceOf(manifest, [], [UNREAD]));
    assert.equal(cache.peek(REQUEST), complete);
    await clock.advance(2 * FRESH);
    const partly = evidenceOf(manifest, [signature], [UNREAD]);
    await fill(partly);
    assert.equal(cache.peek(REQUEST), partly);
    await fill(complete);
    await fill(unsigned);
    assert.equal(cache.peek(REQUEST), unsigned);
  });

  it('X34: does not keep failures: the next one asks again', async () => {
    for (const [thrown, code] of [
      [new VerificationError('REGISTRY_UNAUTHORIZED', 'no'), 'REGISTRY_UNAUTHORIZED'],
      [new TypeError('no such thing'), 'INTERNAL'],
      ['text', 'INTERNAL'],
    ] as const) {
      const before = source.count;
      const asking = Promise.all([cache.get(REQUEST, never()), cache.get(REQUEST, never())]);
      source.last.fail(thrown);
      assert.deepEqual((await asking).map(codeOf), [code, code]);
      assert.equal(cache.peek(REQUEST), undefined);
      assert.equal(source.count, before + 1);
    }
  });

  it('takes what a source throws at once for a failure too', async () => {
    cache = make({
      source: {
        collect: () => {
          throw new VerificationError('REF_INVALID', 'no');
        },
        resolveTag: () => Promise.reject(new Error('not asked for')),
      },
    });
    assert.equal(codeOf(await cache.get(REQUEST, never())), 'REF_INVALID');
  });

  it('lets a waiter go at its deadline while the collection goes on for the next', async () => {
    const patience = new AbortController();
    const waiting = cache.get(REQUEST, patience.signal);
    const other = cache.get(REQUEST, never());
    patience.abort();
    assert.equal(codeOf(await waiting), 'DEADLINE_EXCEEDED');
    assert.equal(codeOf(await cache.get(REQUEST, AbortSignal.abort())), 'DEADLINE_EXCEEDED');
    assert.equal(source.count, 1);
    assert.equal(source.last.options.signal.aborted, false);
    source.last.answer(complete);
    assert.equal((await other).state, 'collected');
    assert.equal(cache.peek(REQUEST), complete);
  });

  it('answers what it has at the deadline, too', async () => {
    await fill(complete);
    assert.equal((await cache.get(REQUEST, AbortSignal.abort())).state, 'collected');
  });

  it('ends a collection at its bound, also where the source does not heed its signal', async () => {
    const waiting = cache.get(REQUEST, never());
    await clock.advance(COLLECTION - 1);
    assert.equal(source.last.options.signal.aborted, false);
    await clock.advance(1);
    assert.equal(codeOf(await waiting), 'DEADLINE_EXCEEDED');
    assert.equal(source.last.options.signal.aborted, true);
    void cache.get(REQUEST, never());
    assert.equal(source.count, 2);
  });

  it('reads again where it is told to, and joins what is being read', async () => {
    await fill(complete);
    const one = cache.refresh(REQUEST, never());
    const two = cache.refresh(REQUEST, never());
    assert.equal(source.count, 2);
    source.last.fail(new VerificationError('REGISTRY_UNAVAILABLE', 'no'));
    assert.deepEqual(
      [codeOf(await one), codeOf(await two)],
      ['REGISTRY_UNAVAILABLE', 'REGISTRY_UNAVAILABLE'],
    );
    assert.equal(cache.peek(REQUEST), complete);
  });

  it('forgets what it is told to, what was read with attestations included, and reads it anew', async () => {
    const richer = requestOf({ attestations: true });
    await fill(complete);
    await fill(complete, richer);
    cache.forget(REQUEST);
    assert.equal(cache.peek(REQUEST), undefined);
    assert.equal(cache.peek(richer), undefined);
    await fill(unsigned);
    assert.equal(cache.peek(REQUEST), unsigned);
  });

  it('forgets the evidence that was used least recently where it holds too many bytes', async () => {
    cache = make({ maxBytes: 8 * 1024 });
    const requests = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) =>
      requestOf({ image: imageOf(`registry.example/${name}`) }),
    );
    for (const request of requests) await fill(complete, request);
    const kept = requests.map((request) => cache.peek(request) !== undefined);
    assert.deepEqual([kept[0], kept[5]], [false, true]);
    const huge = simpleSigningEvidence({ payload: Buffer.alloc(9 * 1024), annotations: {} });
    await fill(evidenceOf(manifest, [huge]), REQUEST);
    assert.equal(cache.peek(REQUEST), undefined);
  });

  const OTHER = testManifest('other').digest;
  for (const [what, other] of [
    ['another digest', { image: imageOf('registry.example/app:1.2', OTHER) }],
    ['another repository', { image: imageOf('registry.example/application') }],
    ['another registry', { image: imageOf('other.example/app') }],
    ['other credentials: nobody sees what others may read', { keychain: keychainOf('l') }],
    [
      'another repository of signatures',
      { registry: { signatureRepository: 'registry.example/signatures' } },
    ],
    ['another CA', { registry: { ca: 'other pem' } }],
    [
      'a CA in the place of a repository of signatures',
      { registry: { signatureRepository: 'pem' } },
    ],
  ] as const) {
    it(`D9, X34: keeps apart ${what}`, async () => {
      await fill(complete);
      await fill(complete, requestOf({ registry: { ca: 'pem' } }));
      const { count } = source;
      assert.equal(cache.peek(requestOf(other)), undefined);
      void cache.get(requestOf(other), never());
      assert.equal(source.count, count + 1);
    });
  }

  for (const [what, kept, other] of [
    ['what was read without attestations', {}, { attestations: true }],
    ['what was read without the index', {}, { index: true }],
    ['what was read with the index', { index: true }, {}],
    [
      'the index by another tag',
      { index: true },
      { index: true, image: imageOf('registry.example/app:other') },
    ],
  ] as const) {
    it(`does not answer by ${what}`, async () => {
      await fill(complete, requestOf(kept));
      assert.equal(cache.peek(requestOf(other)), undefined);
      assert.equal(cache.peek(requestOf(kept)), complete);
    });
  }

  it('answers by what was read with attestations, too, while it is fresh', async () => {
    const richer = requestOf({ attestations: true });
    await fill(complete, richer);
    assert.equal(cache.peek(REQUEST), complete);
    assert.equal((await cache.get(REQUEST, never())).state, 'collected');
    assert.equal(source.count, 1);
    await clock.advance(FRESH);
    assert.equal(cache.peek(REQUEST), undefined);
    assert.equal(source.count, 1);
    await fill(unsigned);
    assert.equal(cache.peek(REQUEST), unsigned);
    assert.equal(cache.peek(richer), complete);
  });

  it('X3: tells by the index, too, whether there are signatures and what could not be read', async () => {
    const other = testManifest('index');
    const withIndex = (index: Evidence): Evidence => ({ ...unsigned, index });
    const signed = withIndex(evidenceOf(other, [signature]));
    await fill(signed);
    await clock.advance(FRESH);
    assert.equal(cache.peek(REQUEST), signed);
    await fill(withIndex(evidenceOf(other, [signature], [UNREAD])));
    assert.equal(cache.peek(REQUEST), signed);
    cache = make();
    await fill(withIndex(evidenceOf(other, [], [UNREAD])));
    assert.equal(cache.peek(REQUEST), undefined);
  });

  it('counts the bytes of attestations and of the index', async () => {
    const { bytes, digest } = testManifest('x'.repeat(3000));
    const dsse = { ...signature, format: 'dsse', digest, bytes } as const;
    for (const evidence of [
      evidenceOf(manifest, [dsse]),
      { ...complete, index: evidenceOf(testManifest('x'.repeat(3000)), []) },
      { ...complete, index: evidenceOf(testManifest('index'), [dsse]) },
    ]) {
      cache = make({ maxBytes: 5500 });
      await fill(evidence);
      assert.equal(cache.peek(REQUEST), undefined);
      await fill(complete);
      assert.equal(cache.peek(REQUEST), complete);
    }
  });

  it('takes two references to one digest of a repository for one', async () => {
    await fill(complete);
    for (const text of ['registry.example/app', 'registry.example/app:other']) {
      assert.equal(cache.peek(requestOf({ image: imageOf(text) })), complete);
    }
  });
});

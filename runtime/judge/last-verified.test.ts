// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, it } from 'mocha';
import type { ImageTrustPolicySpecInput } from '../../crds/index.ts';
import {
  compileException,
  compilePolicy,
  ExceptionIndex,
  FactCache,
  INCONCLUSIVE_REASONS,
  REJECTED_REASONS,
  VerificationError,
  type CompiledPolicy,
  type Evidence,
  type EvidenceGap,
  type EvidenceSource,
  type ReasonCode,
} from '../../verification/index.ts';
import {
  bundleEvidence,
  evidenceOf,
  KeyIssuer,
  simpleSigningEvidence,
  testException,
  testManifest,
  testPolicy,
  testSubject,
} from '../../verification/testing/index.ts';
import { fixedClock, type FixedClock } from '../clock-testing.ts';
import { createLogger } from '../log/index.ts';
import { PolicySnapshot } from '../program/index.ts';
import { openVerifiedEvidence, type VerifiedEvidenceStore } from '../verified-evidence/index.ts';
import { keychainOf } from './__fixtures__/source.ts';
import { EvidenceCache } from './evidence-cache.ts';
import { Judge, type ImageJudgement, type JudgeInput } from './judge.ts';

const NOW = '2026-11-21T00:00:00Z';
const MINUTE = 60_000;
const FRESH = 5_000;
const manifest = testManifest('image');
const issuer = new KeyIssuer();
const other = new KeyIssuer();
const signed = evidenceOf(manifest, [simpleSigningEvidence(issuer.simpleSigning(manifest.digest))]);
const unsigned = evidenceOf(manifest, []);
const HOUR_OLD = { onInconclusive: { action: 'AllowLastVerified', maxAge: '1h' } } as const;
const DOWN = new VerificationError('REGISTRY_UNAVAILABLE', 'the registry did not answer');

type Edits = Partial<ImageTrustPolicySpecInput>;

const policyOf = (name: string, edits: Edits = {}, keys = [issuer]): CompiledPolicy =>
  compilePolicy(
    name,
    testPolicy(keys, { exceptions: { allowed: true, approval: 'NotRequired' }, ...edits }),
  );
const snapshotOf = (...policies: readonly CompiledPolicy[]): PolicySnapshot =>
  new PolicySnapshot(1, 'Deny', policies);
const lasting = snapshotOf(policyOf('team', HOUR_OLD));

/** Answers a copy of what a test sets, as every reading is another object. */
class TurnedSource implements EvidenceSource {
  now: Evidence | Error = signed;

  collect(): Promise<Evidence> {
    const { now } = this;
    return now instanceof Error ? Promise.reject(now) : Promise.resolve({ ...now });
  }

  resolveTag(): Promise<never> {
    return Promise.reject(new Error('not asked for in these tests'));
  }
}

/** A whole reading: when, and whether there was a signature. */
interface Reading {
  readonly at: number;
  readonly isSigned: boolean;
}

function mayPass(last: Reading | undefined, now: number): boolean {
  return last?.isSigned === true && now - last.at <= 60 * MINUTE;
}

function gap(code: EvidenceGap['code'], isAbsence = false): EvidenceGap {
  return { code, what: 'referrers', detail: 'not read', ...(isAbsence ? { isAbsence } : {}) };
}

/** Outcome and first reason of each policy, and whether it rests on kept evidence. */
function brief(judgement: ImageJudgement | undefined): readonly string[] | undefined {
  return judgement?.policies.map(({ verdict, lastVerified }) => {
    const { outcome } = verdict;
    const code = outcome === 'rejected' || outcome === 'inconclusive' ? verdict.first.code : '';
    return [outcome, code, lastVerified === undefined ? '' : 'kept'].filter(Boolean).join(' ');
  });
}

describe('the evidence by which an image was last verified', () => {
  let directory: string;
  let clock: FixedClock;
  let source: TurnedSource;
  let store: VerifiedEvidenceStore;
  let judge: Judge;
  let outcomes: string[];

  /** As after a restart: nothing is remembered but what lies on the volume. */
  const restart = (keep?: (policy: CompiledPolicy) => boolean): void => {
    store = openVerifiedEvidence({
      cacheDirectory: directory,
      clock,
      logger: createLogger({ level: 'error', format: 'json', sink: () => undefined }),
      onOutcome: (outcome) => outcomes.push(outcome),
    });
    const evidence = new EvidenceCache({
      source,
      clock,
      freshMs: FRESH,
      negativeMs: FRESH,
      collectionMs: 20_000,
      maxBytes: 1 << 20,
    });
    const lastVerified = { store, ...(keep === undefined ? {} : { keep }) };
    judge = new Judge({ evidence, facts: new FactCache(), clock, lastVerified });
  };
  const inputOf = (edits: Partial<JudgeInput> = {}): JudgeInput => {
    const { image, namespace, serviceAccount } = testSubject(manifest.digest);
    const named = { ...image, digest: manifest.digest };
    return {
      snapshot: lasting,
      use: { image: named, namespace, serviceAccount, namespaceLabels: {} },
      exceptions: new ExceptionIndex(),
      keychain: keychainOf('k'),
      ...edits,
    };
  };
  /** Judged when nothing that was read in this process counts any more. */
  const judged = async (edits: Partial<JudgeInput> = {}): Promise<ImageJudgement> => {
    const judgement = await judge.judge(inputOf(edits), new AbortController().signal);
    await store.idle();
    return judgement;
  };
  const later = (ms: number): Promise<void> => clock.advance(ms);
  /** Verified once; then the registry is away, and what was read is forgotten. */
  const verifiedOnce = async (edits: Partial<JudgeInput> = {}): Promise<void> => {
    source.now = signed;
    assert.ok(brief(await judged(edits))?.includes('verified'));
    await later(3 * FRESH);
    source.now = DOWN;
  };

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'countersign-'));
    clock = fixedClock(NOW);
    source = new TurnedSource();
    outcomes = [];
    restart();
  });
  afterEach(async () => {
    await store.close();
    await rm(directory, { recursive: true, force: true });
  });

  it('is judged by again while the registry is away, and says since when and why', async () => {
    await verifiedOnce();
    const [found] = (await judged()).policies;
    assert.equal(found?.verdict.outcome, 'verified');
    assert.deepEqual(found.lastVerified, {
      collectedAt: new Date(NOW),
      code: 'REGISTRY_UNAVAILABLE',
      message: 'the registry did not answer',
    });
    restart();
    assert.deepEqual(brief(await judged()), ['verified kept']);
  });

  it('is nothing to a policy that denies, and to an image that was never verified', async () => {
    const snapshot = snapshotOf(policyOf('team', HOUR_OLD), policyOf('strict'));
    await verifiedOnce({ snapshot });
    assert.deepEqual(brief(await judged({ snapshot })), [
      'verified kept',
      'inconclusive REGISTRY_UNAVAILABLE',
    ]);
    assert.deepEqual(outcomes, ['kept', 'found']);
    const elsewhere = { ...inputOf().use.image, repository: 'never/verified' };
    const use = { ...inputOf().use, image: elsewhere };
    assert.deepEqual(brief(await judged({ use })), ['inconclusive REGISTRY_UNAVAILABLE']);
  });

  it('X34: never serves other credentials, another policy, repository or registry setting', async () => {
    await verifiedOnce();
    const { use } = inputOf();
    for (const edits of [
      { keychain: keychainOf('other') },
      { snapshot: snapshotOf(policyOf('other', HOUR_OLD)) },
      { use: { ...use, image: { ...use.image, host: 'other.example' } } },
      {
        snapshot: snapshotOf(
          policyOf('team', { ...HOUR_OLD, registry: { signatureRepository: 'r.example/sigs' } }),
        ),
      },
    ])
      assert.deepEqual(brief(await judged(edits)), ['inconclusive REGISTRY_UNAVAILABLE']);
    assert.deepEqual(brief(await judged()), ['verified kept']);
  });

  it('counts to the last instant of its age, and not from the future', async () => {
    await verifiedOnce();
    await later(60 * MINUTE - 3 * FRESH);
    assert.deepEqual(brief(await judged()), ['verified kept']);
    await later(1);
    assert.deepEqual(brief(await judged()), ['inconclusive REGISTRY_UNAVAILABLE']);
    for (const [start, expected] of [
      [NOW, 'verified kept'],
      ['2026-11-20T23:59:59.999Z', 'inconclusive REGISTRY_UNAVAILABLE'],
    ] as const) {
      clock = fixedClock(start);
      restart();
      assert.deepEqual(brief(await judged()), [expected], start);
    }
  });

  it('is judged by the keys of today', async () => {
    await verifiedOnce();
    const rotated = snapshotOf(policyOf('team', HOUR_OLD, [other]));
    assert.deepEqual(brief(await judged({ snapshot: rotated })), [
      'inconclusive REGISTRY_UNAVAILABLE',
    ]);
    const both = snapshotOf(policyOf('team', HOUR_OLD, [other, issuer]));
    assert.deepEqual(brief(await judged({ snapshot: both })), ['verified kept']);
  });

  it('is judged with the exceptions of today, and helps one that covers the rest', async () => {
    const requirements = [
      { name: 'signed', signature: { anyOf: ['key-0'] } },
      { name: 'listed', allowedDigests: [`sha256:${'0'.repeat(64)}`] },
    ];
    const snapshot = snapshotOf(policyOf('team', { ...HOUR_OLD, requirements }));
    const excepted = { requirements: ['listed'] };
    const exceptions = new ExceptionIndex([
      compileException(testException([manifest.digest], excepted)),
    ]);
    assert.deepEqual(brief(await judged({ snapshot, exceptions })), ['exempt']);
    await later(3 * FRESH);
    source.now = DOWN;
    assert.deepEqual(brief(await judged({ snapshot, exceptions })), ['exempt kept']);
    assert.deepEqual(brief(await judged({ snapshot })), ['rejected DIGEST_NOT_ALLOWED']);
  });

  const bridged: readonly ReasonCode[] = ['REGISTRY_UNAVAILABLE', 'REVOCATION_UNKNOWN'];
  const all = Object.keys({ ...INCONCLUSIVE_REASONS, ...REJECTED_REASONS }) as ReasonCode[];
  for (const code of all) {
    const helps = bridged.includes(code);
    it(`${helps ? 'stands in' : 'never stands in'} where reading fails with ${code}`, async () => {
      await verifiedOnce();
      source.now = new VerificationError(code, 'failed');
      const [found] = (await judged()).policies;
      assert.equal(found?.verdict.outcome === 'verified', helps);
      assert.equal(found?.lastVerified !== undefined, helps);
    });
  }

  it('never stands in where the registry answers that there is no such thing', async () => {
    await verifiedOnce();
    source.now = new VerificationError('REGISTRY_UNAVAILABLE', 'not found', { isAbsence: true });
    assert.deepEqual(brief(await judged()), ['inconclusive REGISTRY_UNAVAILABLE']);
    source.now = evidenceOf(manifest, [], [gap('REGISTRY_UNAVAILABLE', true)]);
    assert.deepEqual(brief(await judged()), ['inconclusive REGISTRY_UNAVAILABLE']);
  });

  it('stands in for parts that could not be read, where an outage is all that is missing', async () => {
    await verifiedOnce();
    for (const [gaps, expected] of [
      [[gap('REGISTRY_UNAVAILABLE')], 'verified kept'],
      [[gap('REGISTRY_UNAVAILABLE'), gap('LIMIT_EXCEEDED')], 'verified kept'],
      [
        [gap('REGISTRY_UNAVAILABLE'), gap('REGISTRY_UNAUTHORIZED')],
        'inconclusive REGISTRY_UNAVAILABLE',
      ],
      [[gap('REGISTRY_UNSAFE')], 'inconclusive REGISTRY_UNSAFE'],
    ] as const) {
      source.now = evidenceOf(manifest, [], gaps);
      assert.deepEqual(brief(await judged()), [expected]);
    }
  });

  it('is looked for where what is at hand lacks parts, and not where it suffices', async () => {
    await verifiedOnce();
    source.now = evidenceOf(
      manifest,
      [bundleEvidence(Buffer.from('{}'))],
      [gap('REGISTRY_UNAVAILABLE')],
    );
    assert.deepEqual(brief(await judged()), ['verified kept']);
    assert.equal(judge.judgeCached(inputOf()), undefined);
    await later(3 * FRESH);
    source.now = signed;
    await judged();
    outcomes.length = 0;
    assert.deepEqual(brief(judge.judgeCached(inputOf())), ['verified']);
    assert.deepEqual(outcomes, []);
  });

  it('counts no more once other evidence was read that did not satisfy the policy', async () => {
    await verifiedOnce();
    source.now = unsigned;
    assert.deepEqual(brief(await judged()), ['rejected NO_SIGNATURE']);
    source.now = DOWN;
    await later(3 * FRESH);
    for (const again of [false, true]) {
      if (again) restart();
      assert.deepEqual(brief(await judged()), ['inconclusive REGISTRY_UNAVAILABLE']);
    }
    const policy = lasting.policies[0]!;
    assert.equal((await judge.lastVerified(policy, inputOf()))?.superseded, true);
    source.now = signed;
    assert.deepEqual(brief(await judged()), ['verified']);
    await later(3 * FRESH);
    source.now = DOWN;
    assert.deepEqual(brief(await judged()), ['verified kept']);
  });

  it('is not touched by a rejection that comes from the policy, or from half of the evidence', async () => {
    await verifiedOnce();
    source.now = signed;
    await judged({ snapshot: snapshotOf(policyOf('team', HOUR_OLD, [other])) });
    await later(3 * FRESH);
    const requirements = [{ name: 'listed', allowedDigests: [`sha256:${'0'.repeat(64)}`] }];
    const listed = policyOf('team', { ...HOUR_OLD, requirements });
    source.now = evidenceOf(manifest, [], [gap('REGISTRY_UNAVAILABLE')]);
    await judged({ snapshot: snapshotOf(listed) });
    source.now = DOWN;
    assert.deepEqual(brief(await judged()), ['verified kept']);
  });

  it('is noted once for each reading, and of a policy that denies only where somebody asks for it', async () => {
    const strict = policyOf('strict');
    const snapshot = snapshotOf(policyOf('team', HOUR_OLD), strict);
    for (let i = 0; i < 3; i += 1) await judged({ snapshot });
    assert.deepEqual(outcomes, ['kept']);
    assert.equal(await judge.lastVerified(strict, inputOf({ snapshot })), undefined);
    restart((policy) => policy.name === 'strict');
    for (let i = 0; i < 3; i += 1) judge.judgeCached(inputOf({ snapshot }));
    for (let i = 0; i < 3; i += 1) await judged({ snapshot });
    assert.deepEqual(outcomes, ['kept', 'kept', 'kept']);
    const kept = await judge.lastVerified(strict, inputOf({ snapshot }));
    assert.deepEqual([kept?.collectedAt, kept?.superseded], [Date.parse(NOW), false]);
    await later(3 * FRESH);
    source.now = DOWN;
    assert.deepEqual(brief(await judged({ snapshot })), [
      'verified kept',
      'inconclusive REGISTRY_UNAVAILABLE',
    ]);
  });

  it('is renewed by what is read in the background', async () => {
    await judged();
    await later(FRESH);
    assert.deepEqual(brief(judge.judgeCached(inputOf())), ['verified']);
    await later(1_000);
    assert.deepEqual(brief(judge.judgeCached(inputOf())), ['verified']);
    await store.idle();
    const kept = await judge.lastVerified(lasting.policies[0]!, inputOf());
    assert.equal(kept?.collectedAt, Date.parse(NOW) + FRESH);
  });

  it('never lets in what the last whole reading within its age did not', async () => {
    const answers = { signed, unsigned, down: DOWN };
    const step = fc.constantFrom<'signed' | 'unsigned' | 'down' | 'restart' | number>(
      'signed',
      'unsigned',
      'down',
      'down',
      'restart',
      2 * FRESH,
      30 * MINUTE,
      60 * MINUTE,
    );
    const hasSignature = (): boolean => source.now === signed;
    const isDown = (): boolean => source.now instanceof Error;
    const take = async (each: keyof typeof answers | 'restart' | number): Promise<void> => {
      if (each === 'restart') restart();
      else if (typeof each === 'number') await later(each);
      else source.now = answers[each];
    };
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        await rm(directory, { recursive: true, force: true });
        restart();
        source.now = DOWN;
        let last: Reading | undefined;
        for (const each of steps) {
          await take(each);
          // What is at hand may be older than what there is: it is not the matter here.
          await later(2 * FRESH);
          const at = clock.now().getTime();
          if (!isDown()) last = { at, isSigned: hasSignature() };
          const pass: boolean = mayPass(last, at);
          const [found] = (await judged()).policies;
          assert.equal(found?.verdict.outcome === 'verified', pass);
          const since: number | undefined = isDown() && pass ? last?.at : undefined;
          assert.equal(found?.lastVerified?.collectedAt.getTime(), since);
        }
      }),
      { numRuns: 40 },
    );
  });
});

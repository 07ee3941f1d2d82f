// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'mocha';
import type { ImageTrustPolicySpecInput, SigningExceptionSpec } from '../../crds/index.ts';
import {
  compileException,
  compilePolicy,
  ExceptionIndex,
  FactCache,
  VerificationError,
  type EvidenceGap,
} from '../../verification/index.ts';
import {
  evidenceOf,
  KeyIssuer,
  simpleSigningEvidence,
  testException,
  testManifest,
  testPolicy,
  testSubject,
} from '../../verification/testing/index.ts';
import { fixedClock, type FixedClock } from '../clock-testing.ts';
import { PolicySnapshot, type DefaultAction } from '../program/index.ts';
import { HeldSource, keychainOf } from './__fixtures__/source.ts';
import { EvidenceCache } from './evidence-cache.ts';
import { Judge, type ImageJudgement, type JudgeInput, type PinnedUse } from './judge.ts';

const manifest = testManifest('image');
const issuer = new KeyIssuer();
const stranger = new KeyIssuer();
const signed = evidenceOf(manifest, [simpleSigningEvidence(issuer.simpleSigning(manifest.digest))]);
const unsigned = evidenceOf(manifest, []);
const LISTED = [{ name: 'listed', allowedDigests: [manifest.digest] }];
const UNREAD: EvidenceGap = { code: 'REGISTRY_UNAVAILABLE', what: 'referrers', detail: '503' };
const NOW = '2026-11-21T00:00:00Z';
const HOUR = 3_600_000;

type Policies = Readonly<Record<string, Partial<ImageTrustPolicySpecInput>>>;
const never = (): AbortSignal => new AbortController().signal;

function snapshotOf(policies: Policies, defaultAction: DefaultAction = 'Deny'): PolicySnapshot {
  const compiled = Object.entries(policies).map(([name, edits]) =>
    compilePolicy(
      name,
      testPolicy([issuer], { exceptions: { allowed: true, approval: 'NotRequired' }, ...edits }),
    ),
  );
  return new PolicySnapshot(1, defaultAction, compiled);
}

function inputOf(policies: Policies, edits: Partial<JudgeInput> = {}): JudgeInput {
  const { image, namespace, serviceAccount } = testSubject(manifest.digest);
  const use: PinnedUse = {
    image: { ...image, digest: manifest.digest },
    namespace,
    serviceAccount,
    namespaceLabels: {},
  };
  return {
    snapshot: snapshotOf(policies),
    use,
    exceptions: new ExceptionIndex(),
    keychain: keychainOf('k'),
    ...edits,
  };
}

function excepting(spec: Partial<SigningExceptionSpec> = {}): ExceptionIndex {
  return new ExceptionIndex([compileException(testException([manifest.digest], spec))]);
}

/** Policy, mode, outcome and, where there is one, the first reason. */
function summary(judgement: ImageJudgement | undefined): unknown {
  return judgement?.policies.map(({ policy, mode, verdict }) => {
    const code =
      verdict.outcome === 'rejected' || verdict.outcome === 'inconclusive'
        ? [verdict.first.code]
        : [];
    return [policy.name, mode, verdict.outcome, ...code];
  });
}

describe('the judge', () => {
  let source: HeldSource;
  let clock: FixedClock;
  let evidence: EvidenceCache;
  let judge: Judge;

  beforeEach(() => {
    source = new HeldSource();
    clock = fixedClock(NOW);
    evidence = new EvidenceCache({
      source,
      clock,
      freshMs: 8 * HOUR,
      negativeMs: 5_000,
      collectionMs: 20_000,
      maxBytes: 1024 * 1024,
    });
    judge = new Judge({ evidence, facts: new FactCache(), clock });
  });

  /** Judges, with every collection that it starts answered by `answer`. */
  const judged = async (input: JudgeInput, answer = signed): Promise<ImageJudgement> => {
    const judging = judge.judge(input, never());
    await clock.advance(0);
    for (const collection of source.collections) collection.answer(answer);
    return await judging;
  };

  it('says nothing where no policy matches: then the default action decides', async () => {
    for (const defaultAction of ['Allow', 'Deny'] as const) {
      for (const policies of [
        {},
        { team: { match: { images: ['elsewhere.example/**'] } } },
        { team: { match: { images: ['**'], serviceAccounts: ['other'] } } },
      ]) {
        const input = inputOf(policies, { snapshot: snapshotOf(policies, defaultAction) });
        for (const judgement of [judge.judgeCached(input), await judge.judge(input, never())]) {
          assert.deepEqual(
            [judgement?.policies, judgement?.defaultAction, judgement?.use],
            [[], defaultAction, input.use],
          );
        }
      }
    }
    assert.equal(source.count, 0);
  });

  it('reads evidence and verifies real signatures', async () => {
    assert.deepEqual(summary(await judged(inputOf({ team: {} }))), [
      ['team', 'Enforce', 'verified'],
    ]);
    assert.equal(source.last.image.digest, manifest.digest);
  });

  it('rejects what nobody signed, and what strangers signed', async () => {
    const forged = evidenceOf(manifest, [
      simpleSigningEvidence(stranger.simpleSigning(manifest.digest)),
    ]);
    assert.deepEqual(summary(await judged(inputOf({ team: {} }), unsigned)), [
      ['team', 'Enforce', 'rejected', 'NO_SIGNATURE'],
    ]);
    await clock.advance(5_000);
    const [[, , outcome]] = summary(await judged(inputOf({ team: {} }), forged)) as [
      readonly string[],
    ];
    assert.equal(outcome, 'rejected');
  });

  it('asks every matching policy, with one collection where they read the registry alike', async () => {
    const policies: Policies = {
      team: {},
      strangers: testPolicy([stranger]),
      audit: { mode: 'Audit' },
      other: { match: { images: ['elsewhere.example/**'] } },
    };
    const judgement = await judged(inputOf(policies));
    assert.deepEqual(
      judgement.policies.map(({ policy, mode, verdict }) => [policy.name, mode, verdict.outcome]),
      [
        ['team', 'Enforce', 'verified'],
        ['strangers', 'Enforce', 'rejected'],
        ['audit', 'Audit', 'verified'],
      ],
    );
    assert.equal(source.count, 1);
  });

  it('reads anew for a policy whose signatures lie elsewhere, and does not mix them up', async () => {
    const input = inputOf({
      team: {},
      mirror: { registry: { signatureRepository: 'registry.example/signatures' } },
      again: {},
    });
    const judging = judge.judge(input, never());
    assert.deepEqual(
      source.collections.map((c) => c.options.registry.signatureRepository),
      [undefined, 'registry.example/signatures'],
    );
    source.collections[0]?.answer(signed);
    source.collections[1]?.answer(unsigned);
    const expected = [
      ['team', 'Enforce', 'verified'],
      ['mirror', 'Enforce', 'rejected', 'NO_SIGNATURE'],
      ['again', 'Enforce', 'verified'],
    ];
    assert.deepEqual(summary(await judging), expected);
    assert.deepEqual(summary(judge.judgeCached(input)), expected);
  });

  it('reads attestations and the index for the policies that need them, and does not mix them up', async () => {
    const compiled = snapshotOf({ team: {}, attested: {}, indexed: {}, again: {} });
    const [team, attested, indexed, again] = compiled.policies;
    assert.ok(team && attested && indexed && again);
    const snapshot = new PolicySnapshot(1, 'Deny', [
      team,
      { ...attested, needsAttestations: true },
      { ...indexed, acceptsIndex: true },
      again,
    ]);
    const input = inputOf({}, { snapshot });
    const judging = judge.judge(input, never());
    assert.deepEqual(
      source.collections.map(({ options }) => [options.attestations, options.index]),
      [
        [false, false],
        [true, false],
        [false, true],
      ],
    );
    for (const [i, answer] of [signed, unsigned, unsigned].entries())
      source.collections[i]?.answer(answer);
    const outcomes = (judgement: ImageJudgement | undefined): unknown =>
      judgement?.policies.map(({ verdict }) => verdict.outcome);
    const expected = ['verified', 'rejected', 'rejected', 'verified'];
    assert.deepEqual(outcomes(await judging), expected);
    assert.deepEqual(outcomes(judge.judgeCached(input)), expected);
  });

  it('tells the mode of the namespace', async () => {
    const policies: Policies = {
      team: {
        modeOverrides: [{ namespaceSelector: { matchLabels: { env: 'test' } }, mode: 'Audit' }],
      },
    };
    const { use } = inputOf(policies);
    const modes = [{ env: 'test' }, {}, undefined].map((namespaceLabels) =>
      judged(inputOf(policies, { use: { ...use, namespaceLabels } })),
    );
    assert.deepEqual(
      (await Promise.all(modes)).map((judgement) => judgement.policies[0]?.mode),
      ['Audit', 'Enforce', 'Enforce'],
    );
  });

  it('judges without the registry where the policy asks for nothing that only it knows', async () => {
    const input = inputOf({ team: { requirements: LISTED } });
    assert.deepEqual(summary(judge.judgeCached(input)), [['team', 'Enforce', 'verified']]);
    assert.deepEqual(summary(await judge.judge(input, AbortSignal.abort())), [
      ['team', 'Enforce', 'verified'],
    ]);
    await judge.refresh(input, never());
    assert.equal(source.count, 0);
  });

  it('judges from what is known, and says where something must be read first', async () => {
    const input = inputOf({ listed: { requirements: LISTED }, team: {} });
    assert.equal(judge.judgeCached(input), undefined);
    assert.equal(source.count, 0);
    const read = await judged(input);
    assert.deepEqual(judge.judgeCached(input), read);
    assert.equal(judge.judgeCached({ ...input, keychain: keychainOf('other') }), undefined);
    await judge.judge(input, AbortSignal.abort());
    assert.equal(source.count, 1);
  });

  it('cannot tell where the registry fails, and never rejects the promise', async () => {
    for (const code of ['REGISTRY_UNAVAILABLE', 'REGISTRY_UNAUTHORIZED'] as const) {
      const judging = judge.judge(inputOf({ listed: { requirements: LISTED }, team: {} }), never());
      source.last.fail(new VerificationError(code, 'no'));
      assert.deepEqual(summary(await judging), [
        ['listed', 'Enforce', 'verified'],
        ['team', 'Enforce', 'inconclusive', code],
      ]);
    }
    assert.deepEqual(
      summary(await judged(inputOf({ team: {} }), evidenceOf(manifest, [], [UNREAD]))),
      [['team', 'Enforce', 'inconclusive', 'REGISTRY_UNAVAILABLE']],
    );
  });

  it('cannot tell at its deadline, and can once the collection has ended', async () => {
    const patience = new AbortController();
    const input = inputOf({ team: {} });
    const judging = judge.judge(input, patience.signal);
    patience.abort();
    assert.deepEqual(summary(await judging), [
      ['team', 'Enforce', 'inconclusive', 'DEADLINE_EXCEEDED'],
    ]);
    source.last.answer(signed);
    await clock.advance(0);
    assert.deepEqual(summary(judge.judgeCached(input)), [['team', 'Enforce', 'verified']]);
    assert.equal(source.count, 1);
  });

  it('reads evidence again where it is told to, once for policies that read alike', async () => {
    const input = inputOf({ team: {}, twin: {}, listed: { requirements: LISTED } });
    await judged(input);
    const refreshing = judge.refresh(input, never());
    assert.equal(source.count, 2);
    source.last.answer(unsigned);
    await refreshing;
    assert.deepEqual(summary(judge.judgeCached(input)), [
      ['team', 'Enforce', 'rejected', 'NO_SIGNATURE'],
      ['twin', 'Enforce', 'rejected', 'NO_SIGNATURE'],
      ['listed', 'Enforce', 'verified'],
    ]);
  });
});

describe('the judge, where there is an exception', () => {
  let source: HeldSource;
  let clock: FixedClock;
  let judge: Judge;

  beforeEach(() => {
    source = new HeldSource();
    clock = fixedClock(NOW);
    const evidence = new EvidenceCache({
      source,
      clock,
      freshMs: 8 * HOUR,
      negativeMs: 5_000,
      collectionMs: 20_000,
      maxBytes: 1024 * 1024,
    });
    judge = new Judge({ evidence, facts: new FactCache(), clock });
  });

  it('reads no evidence', async () => {
    const input = inputOf({ team: {} }, { exceptions: excepting() });
    assert.deepEqual(summary(judge.judgeCached(input)), [['team', 'Enforce', 'exempt']]);
    assert.deepEqual(summary(await judge.judge(input, AbortSignal.abort())), [
      ['team', 'Enforce', 'exempt'],
    ]);
    assert.equal(source.count, 0);
  });

  it('reads it for the policies that it does not name', async () => {
    const judging = judge.judge(
      inputOf({ team: {}, other: {} }, { exceptions: excepting() }),
      never(),
    );
    assert.equal(source.count, 1);
    source.last.answer(unsigned);
    assert.deepEqual(summary(await judging), [
      ['team', 'Enforce', 'exempt'],
      ['other', 'Enforce', 'rejected', 'NO_SIGNATURE'],
    ]);
  });

  it('reads it where the policy allows no exceptions', () => {
    const input = inputOf(
      { team: { exceptions: { allowed: false } } },
      { exceptions: excepting() },
    );
    assert.equal(judge.judgeCached(input), undefined);
  });

  it('reads it where the exception is not for this use', () => {
    const input = inputOf({ team: {} }, { exceptions: excepting({ serviceAccounts: ['other'] }) });
    assert.equal(judge.judgeCached(input), undefined);
    void judge.judge(input, never());
    assert.equal(source.count, 1);
  });

  it('exempts to the last instant, and no longer', () => {
    const input = inputOf({ team: {} }, { exceptions: excepting({ expiresAt: NOW }) });
    assert.equal(judge.judgeCached(input), undefined);
    const soon = inputOf(
      { team: {} },
      { exceptions: excepting({ expiresAt: '2026-11-21T00:00:00.001Z' }) },
    );
    assert.deepEqual(summary(judge.judgeCached(soon)), [['team', 'Enforce', 'exempt']]);
  });

  it('X25: does not exempt by one that ends while evidence is read, and reads what is needed then', async () => {
    const exceptions = excepting({ expiresAt: '2026-11-21T00:00:10Z' });
    const input = inputOf(
      { team: {}, other: { registry: { signatureRepository: 'registry.example/signatures' } } },
      { exceptions },
    );
    const judging = judge.judge(input, never());
    assert.equal(source.count, 1);
    await clock.advance(10_000);
    source.last.answer(signed);
    await clock.advance(0);
    assert.equal(source.count, 2);
    assert.equal(source.last.options.registry.signatureRepository, undefined);
    source.last.answer(unsigned);
    assert.deepEqual(
      (await judging).policies.map(({ verdict }) => verdict.outcome),
      ['rejected', 'verified'],
    );
  });

  it('exempts by one that begins while evidence is read: the instant of the verdict counts', async () => {
    const exceptions = excepting({ notBefore: '2026-11-21T00:00:10Z' });
    const judging = judge.judge(inputOf({ team: {} }, { exceptions }), never());
    assert.equal(source.count, 1);
    await clock.advance(10_000);
    source.last.answer(unsigned);
    assert.deepEqual(summary(await judging), [['team', 'Enforce', 'exempt']]);
  });
});

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'mocha';
import {
  compileException,
  compilePolicy,
  ExceptionIndex,
  FactCache,
  type CompiledPolicy,
  type Verdict,
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
import { fixedClock } from '../clock-testing.ts';
import { PolicySnapshot } from '../program/index.ts';
import type { EvidenceNote, VerifiedEvidence } from '../verified-evidence/index.ts';
import { HeldSource, keychainOf } from './__fixtures__/source.ts';
import { EvidenceCache } from './evidence-cache.ts';
import { Judge, type JudgeInput } from './judge.ts';

const manifest = testManifest('image');
const [issuer, other] = [new KeyIssuer(), new KeyIssuer()];
const signed = evidenceOf(manifest, [simpleSigningEvidence(issuer.simpleSigning(manifest.digest))]);
const team = compilePolicy(
  'team',
  testPolicy([issuer], { exceptions: { allowed: true, approval: 'NotRequired' } }),
);
const { signal } = new AbortController();

describe('evidence that is given', () => {
  let source: HeldSource;
  let judge: Judge;
  let notes: EvidenceNote[];
  const inputOf = (policy: CompiledPolicy, exceptions = new ExceptionIndex()): JudgeInput => {
    const { image, namespace, serviceAccount } = testSubject(manifest.digest);
    return {
      snapshot: new PolicySnapshot(1, 'Deny', [policy]),
      use: {
        image: { ...image, digest: manifest.digest },
        namespace,
        serviceAccount,
        namespaceLabels: {},
      },
      exceptions,
      keychain: keychainOf('k'),
      asKept: true,
    };
  };
  const said = async (
    policy: CompiledPolicy,
    options: { readonly at?: Date; readonly exceptions?: ExceptionIndex } = {},
  ): Promise<string> => {
    const { exceptions, ...at } = options;
    const given = { policy, evidence: signed, ...at };
    const verdict = await judge.judgeBy(given, inputOf(policy, exceptions), signal);
    return brief(verdict);
  };

  beforeEach(() => {
    source = new HeldSource();
    notes = [];
    const clock = fixedClock('2026-11-21T00:00:00Z');
    const evidence = new EvidenceCache({
      source,
      clock,
      freshMs: 60_000,
      negativeMs: 60_000,
      collectionMs: 20_000,
      maxBytes: 1 << 20,
    });
    const store: VerifiedEvidence = {
      note: (note) => notes.push(note),
      find: () => Promise.resolve(undefined),
    };
    const lastVerified = { store, keep: () => true };
    judge = new Judge({ evidence, facts: new FactCache(), clock, lastVerified });
  });

  it('is judged by the policy of today, without a registry and without being noted', async () => {
    assert.equal(await said(team), 'verified');
    assert.equal(
      await said(compilePolicy('team', testPolicy([other]))),
      'rejected SIGNATURE_INVALID',
    );
    assert.deepEqual([source.count, notes], [0, []]);
  });

  it('is judged without exceptions', async () => {
    const strict = testPolicy([other], { exceptions: { allowed: true, approval: 'NotRequired' } });
    const exceptions = new ExceptionIndex([compileException(testException([manifest.digest]))]);
    const verdict = await said(compilePolicy('team', strict), { exceptions });
    assert.equal(verdict, 'rejected SIGNATURE_INVALID');
  });

  it('is judged as of an instant', async () => {
    const spec = testPolicy([issuer]);
    const authorities = (spec.authorities ?? []).map((authority) => ({
      ...authority,
      key: { ...authority.key, validUntil: '2026-11-20T00:00:00Z' },
    }));
    const ended = compilePolicy('team', { ...spec, authorities });
    assert.equal(await said(ended), 'rejected KEY_EXPIRED');
    assert.equal(await said(ended, { at: new Date('2026-11-19T00:00:00Z') }), 'verified');
  });

  it('is noted with the requirements that it satisfied when it was read', async () => {
    const judging = judge.judge(inputOf(team), signal);
    source.last.answer(signed);
    await judging;
    assert.deepEqual(
      notes.map(({ verified, satisfied }) => [verified, satisfied]),
      [[true, ['signed']]],
    );
  });

  it('was read as a whole where nothing of it is missing, or nothing is asked for', async () => {
    assert.equal(judge.isReadWhole(team, inputOf(team)), false);
    for (const [code, whole] of [
      [undefined, true],
      ['LIMIT_EXCEEDED', false],
    ] as const) {
      const gaps = code === undefined ? [] : [{ code, what: 'referrers', detail: 'too many' }];
      const reading = judge.refresh(inputOf(team), signal);
      source.last.answer({ ...signed, gaps });
      assert.equal(await reading, true);
      assert.equal(judge.isReadWhole(team, inputOf(team)), whole);
    }
    const list = [{ name: 'listed', allowedDigests: [manifest.digest] }];
    const plain = compilePolicy('team', testPolicy([issuer], { requirements: list }));
    assert.equal(judge.isReadWhole(plain, inputOf(plain)), true);
  });
});

function brief(verdict: Verdict | undefined): string {
  return verdict?.outcome === 'rejected'
    ? `rejected ${verdict.first.code}`
    : (verdict?.outcome ?? 'nothing');
}

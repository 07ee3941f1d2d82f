// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { afterEach, beforeEach, describe, it } from 'mocha';
import {
  compilePolicy,
  ExceptionIndex,
  type CompiledPolicy,
  type Evidence,
} from '../../verification/index.ts';
import {
  evidenceOf,
  simpleSigningEvidence,
  testPolicy,
  testSubject,
} from '../../verification/testing/index.ts';
import { systemClock } from '../clock.ts';
import { EvidenceCache, Judge, type ImageJudgement, type JudgeInput } from '../judge/index.ts';
import { PolicySnapshot } from '../program/index.ts';
import {
  attested,
  COSTLY,
  evidenceWith,
  issuer,
  manifest,
  NO_LOG4J,
  sbom,
  sbomPolicy,
} from './__fixtures__/sbom.ts';
import { openFacts, type OpenedFacts } from './open.ts';
import type { JobOutcome } from './pool.ts';

const MINUTES = 60_000;
/** Generous; the bench measures. */
const MAX_BLOCK_MS = 100;

const never = (): AbortSignal => new AbortController().signal;

function inputOf(...policies: readonly CompiledPolicy[]): JudgeInput {
  const { image, namespace, serviceAccount } = testSubject(manifest.digest);
  return {
    snapshot: new PolicySnapshot(1, 'Deny', policies),
    use: {
      image: { ...image, digest: manifest.digest },
      namespace,
      serviceAccount,
      namespaceLabels: {},
    },
    exceptions: new ExceptionIndex(),
    keychain: { identity: 'k', credentialFor: () => undefined },
  };
}

function summary(judgement: ImageJudgement | undefined): readonly string[] | undefined {
  return judgement?.policies.map(({ verdict }) =>
    'first' in verdict && 'code' in verdict.first ? verdict.first.code : verdict.outcome,
  );
}

describe('judging by facts from threads', () => {
  let opened: OpenedFacts;
  let outcomes: JobOutcome[];
  let collected: Evidence;
  let judge: Judge;
  beforeEach(() => {
    outcomes = [];
    opened = openFacts({ clock: systemClock, onJob: (outcome) => outcomes.push(outcome) });
    const evidence = new EvidenceCache({
      source: {
        collect: () => Promise.resolve(collected),
        resolveTag: () => Promise.resolve(manifest.digest),
      },
      clock: systemClock,
      freshMs: 10 * MINUTES,
      negativeMs: 10 * MINUTES,
      collectionMs: MINUTES,
      maxBytes: 256 * 1024 * 1024,
    });
    const { facts, establisher } = opened;
    judge = new Judge({ evidence, facts, establisher, clock: systemClock });
  });
  afterEach(() => opened.stop());

  /**
   * The longest time for which the event loop did not turn while this was judged; at most the time that
   * its thread worked, since other processes take the processor as well.
   */
  const blockedMs = async (input: JudgeInput): Promise<number> => {
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    await systemClock.sleep(20);
    delay.reset();
    const before = process.threadCpuUsage();
    assert.deepEqual(summary(await judge.judge(input, never())), ['verified']);
    await systemClock.sleep(5);
    delay.disable();
    const { user, system } = process.threadCpuUsage(before);
    return Math.min(delay.max / 1e6, (user + system) / 1e3);
  };

  it('does not block the event loop by an attestation of 5 MB', async () => {
    collected = evidenceWith(attested(sbom(100, { padding: 40_000 })));
    assert.ok((collected.signatures[0]?.bytes.byteLength ?? 0) > 5_000_000);
    const blocked = await blockedMs(inputOf(sbomPolicy('predicate.spdxVersion == "SPDX-2.3"')));
    assert.ok(blocked < MAX_BLOCK_MS, `${blocked.toString()} ms`);
  });

  it('does not block the event loop by a condition over a list of 10,000 packages', async () => {
    collected = evidenceWith(attested(sbom(10_000)));
    const blocked = await blockedMs(inputOf(sbomPolicy(NO_LOG4J)));
    assert.ok(blocked < MAX_BLOCK_MS, `${blocked.toString()} ms`);
  });

  it('answers from what is known once it was established, and not before', async () => {
    collected = evidenceWith(attested(sbom(2)), attested(sbom(2, { first: 'log4j' })));
    const input = inputOf(sbomPolicy(NO_LOG4J), sbomPolicy('!(' + NO_LOG4J + ')'));
    assert.equal(judge.judgeCached(input), undefined);
    const answers = await Promise.all([judge.judge(input, never()), judge.judge(input, never())]);
    assert.deepEqual(answers.map(summary), [
      ['verified', 'verified'],
      ['verified', 'verified'],
    ]);
    assert.deepEqual(summary(judge.judgeCached(input)), ['verified', 'verified']);
    assert.deepEqual(outcomes, Array(4).fill('answered'));
  });

  it('needs no thread for what is small and goes over no list, nor for what decides anyway', async () => {
    const small = attested(sbom(1));
    collected = evidenceWith(small, attested(sbom(300, { padding: 500 })));
    const policy = sbomPolicy('predicate.spdxVersion == "SPDX-2.3"');
    assert.deepEqual(summary(await judge.judge(inputOf(policy), never())), ['verified']);
    assert.deepEqual(outcomes, []);
  });

  it('counts a large signature of the index that lists the image', async () => {
    const entry = { mediaType: manifest.mediaType, digest: manifest.digest, size: 1 };
    const mediaType = 'application/vnd.oci.image.index.v1+json';
    const platform = { architecture: 'amd64', os: 'linux' };
    const bytes = Buffer.from(
      JSON.stringify({ schemaVersion: 2, mediaType, manifests: [{ ...entry, platform }] }),
    );
    const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}` as const;
    const annotations = { padding: 'x'.repeat(100_000) };
    const signature = simpleSigningEvidence(issuer.simpleSigning(digest, { annotations }));
    const index = evidenceOf({ bytes, digest, mediaType }, [signature]);
    collected = { ...evidenceWith(), index };
    const policy = compilePolicy(
      'team',
      testPolicy([issuer], { platforms: 'AllowIndexSignature' }),
    );
    assert.deepEqual(summary(await judge.judge(inputOf(policy), never())), ['verified']);
    assert.deepEqual(outcomes, ['answered']);
  });

  it('is bounded by its signal; what is under way goes on and is known later', async () => {
    collected = evidenceWith(attested(sbom(300)));
    const input = inputOf(sbomPolicy(COSTLY));
    const waiting = new AbortController();
    const judging = judge.judge(input, waiting.signal);
    await systemClock.sleep(20);
    waiting.abort();
    assert.deepEqual(summary(await judging), ['DEADLINE_EXCEEDED']);
    assert.deepEqual(outcomes, []);
    assert.deepEqual(summary(await judge.judge(input, never())), ['verified']);
    assert.deepEqual(outcomes, ['answered']);
  });
});

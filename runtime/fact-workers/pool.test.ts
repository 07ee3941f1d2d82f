// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'mocha';
import { establishFact, type CompiledPolicy, type RawSignature } from '../../verification/index.ts';
import { KeyIssuer, simpleSigningEvidence } from '../../verification/testing/index.ts';
import { systemClock, type Clock } from '../clock.ts';
import {
  attested,
  COSTLY,
  evidenceWith,
  HUNGRY,
  issuer,
  jobOf,
  manifest,
  NO_LOG4J,
  questionOf,
  sbom,
  sbomPolicy,
} from './__fixtures__/sbom.ts';
import { FactWorkers, type Answered, type FactWorkersOptions, type JobOutcome } from './pool.ts';

const small = attested(sbom(3));
const policy = sbomPolicy(NO_LOG4J);

/** Outcomes of the facts, or their codes where they are refusals. */
function told({ facts }: Answered): readonly string[] {
  return facts.map((fact) => (fact.outcome === 'refused' ? fact.code : fact.outcome));
}

describe('threads for facts', () => {
  let workers: FactWorkers;
  let outcomes: JobOutcome[];
  const open = (options: Partial<FactWorkersOptions> = {}): void => {
    outcomes = [];
    workers = new FactWorkers({
      clock: systemClock,
      onJob: (outcome) => outcomes.push(outcome),
      ...options,
    });
  };
  afterEach(() => workers.stop());

  it('answer as the same functions do in place, for good and for bad attestations', async () => {
    open();
    const stranger = new KeyIssuer();
    const cases: readonly (readonly [CompiledPolicy, RawSignature, string])[] = [
      [policy, small, 'attested'],
      [policy, attested(sbom(200, { padding: 500 })), 'attested'],
      [policy, attested(sbom(2, { first: 'log4j' })), 'PREDICATE_REJECTED'],
      [policy, attested(sbom(1), { by: stranger }), 'KEY_UNTRUSTED'],
      [policy, attested(sbom(1), { digest: `sha256:${'0'.repeat(64)}` }), 'SUBJECT_MISMATCH'],
      [policy, { ...small, bytes: small.bytes.subarray(0, -3) }, 'BUNDLE_MALFORMED'],
      [sbomPolicy('predicate.absent.all(p, true)'), small, 'PREDICATE_REJECTED'],
      [
        sbomPolicy('image.digest.startsWith("sha256:") && now < timestamp("2000-01-01T00:00:00Z")'),
        small,
        'attested',
      ],
    ];
    for (const [by, signature, expected] of cases) {
      const answered = await workers.answer(jobOf(by, signature));
      assert.deepEqual(told(answered), [expected]);
      assert.deepEqual(answered.facts, [establishFact(questionOf(by, signature))]);
    }
    assert.deepEqual(
      outcomes,
      cases.map(() => 'answered'),
    );
  });

  it('answer several questions about one signature, and leave its bytes where they are', async () => {
    open();
    const layer = simpleSigningEvidence(
      issuer.simpleSigning(manifest.digest, { annotations: { build: '7' } }),
    );
    const job = jobOf(policy, layer);
    const [question] = job.questions;
    assert.ok(question);
    const signed = { kind: 'signature', authority: 'key-0' } as const;
    const answered = await workers.answer({ ...job, questions: [signed, question] });
    const { authority } = questionOf(policy, layer);
    const about = { signature: layer, evidence: evidenceWith(layer), authority };
    assert.deepEqual(answered.facts[0], establishFact({ kind: 'signature', ...about }));
    assert.deepEqual(told(answered), ['signed', 'of-another-type']);
    assert.ok(layer.bytes.byteLength > 0 && manifest.bytes.byteLength > 0);
  });

  it('tell of what the policy does not ask, or cannot be compiled, that it is a fault', async () => {
    open();
    const job = jobOf(policy, small);
    const strange = { ...job, questions: [{ kind: 'signature', authority: 'nobody' } as const] };
    assert.deepEqual(told(await workers.answer(strange)), ['INTERNAL']);
    const broken = { ...job.policy, key: 'broken', spec: { ...job.policy.spec, authorities: [] } };
    assert.deepEqual(told(await workers.answer({ ...job, policy: broken })), ['INTERNAL']);
    assert.deepEqual(told(await workers.answer(job)), ['attested']);
  });

  it('are ended at the deadline of a job, and others take their places', async () => {
    const deadlines: AbortController[] = [];
    const clock: Clock = {
      ...systemClock,
      deadline: () => {
        const controller = new AbortController();
        deadlines.push(controller);
        return controller.signal;
      },
    };
    open({ clock, threads: 1 });
    assert.deepEqual(told(await workers.answer(jobOf(policy, small))), ['attested']);
    const long = workers.answer(jobOf(sbomPolicy(COSTLY, COSTLY, COSTLY), attested(sbom(990))));
    const after = workers.answer(jobOf(policy, small));
    await systemClock.sleep(100);
    assert.deepEqual(outcomes, ['answered']);
    deadlines[1]?.abort();
    assert.deepEqual(told(await long), ['DEADLINE_EXCEEDED']);
    assert.deepEqual(told(await after), ['attested']);
    assert.deepEqual(outcomes, ['answered', 'timed-out', 'answered']);
  });

  it('are ended where they take too much memory, and the process lives', async () => {
    open({ heapMib: 24, threads: 1 });
    const answered = await workers.answer(jobOf(sbomPolicy(HUNGRY), attested(sbom(990))));
    assert.deepEqual([told(answered), answered.outcome], [['LIMIT_EXCEEDED'], 'out-of-memory']);
    assert.deepEqual(told(await workers.answer(jobOf(policy, small))), ['attested']);
  });

  it('take only so many jobs at a time', async () => {
    open({ threads: 1, maxWaiting: 2 });
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => workers.answer(jobOf(policy, small))),
    );
    assert.deepEqual(
      answers.map(({ outcome }) => outcome),
      ['answered', 'answered', 'answered', 'not-taken', 'not-taken'],
    );
    assert.deepEqual(answers.flatMap(told).slice(3), ['DEADLINE_EXCEEDED', 'DEADLINE_EXCEEDED']);
  });

  it('take one large attestation at a time, and others meanwhile', async () => {
    open();
    const large = attested(sbom(4_000, { padding: 2_000 }));
    const order: string[] = [];
    const note = (name: string) => (answered: Answered) =>
      order.push([name, ...told(answered)].join(' '));
    await Promise.all([
      workers.answer(jobOf(policy, large)).then(note('large')),
      workers.answer(jobOf(policy, large)).then(note('large')),
      workers.answer(jobOf(policy, small)).then(note('small')),
    ]);
    assert.ok(large.bytes.byteLength > 8 * 1024 * 1024);
    assert.ok(order.slice(0, 2).includes('small attested'), order.join());
    assert.equal(order.at(-1), 'large attested');
  });

  it('answer what is under way and what comes later with refusals once they are stopped', async () => {
    open({ threads: 1 });
    const jobs = [1, 2].map(() => workers.answer(jobOf(policy, small)));
    await workers.stop();
    jobs.push(workers.answer(jobOf(policy, small)));
    for (const answered of await Promise.all(jobs))
      assert.deepEqual(told(answered), ['DEADLINE_EXCEEDED']);
  });
});

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'mocha';
import { FactCache } from '../../verification/index.ts';
import { fixedClock, type FixedClock } from '../clock-testing.ts';
import { attested, NO_LOG4J, questionOf, sbom, sbomPolicy } from './__fixtures__/sbom.ts';
import { FactEstablisher } from './establisher.ts';
import { JobAnswerer, refused, type Job } from './job.ts';
import type { Answered } from './pool.ts';

const policy = sbomPolicy(NO_LOG4J);
const first = attested(sbom(1));
const second = attested(sbom(2));

/** Threads whose jobs a test ends. */
class HeldWorkers {
  readonly jobs: { readonly job: Job; readonly settle: (answered: Answered) => void }[] = [];

  answer(job: Job): Promise<Answered> {
    const { promise, resolve } = Promise.withResolvers<Answered>();
    this.jobs.push({ job, settle: resolve });
    return promise;
  }

  /** Answers all jobs as threads do. */
  answerAll(): void {
    for (const { job, settle } of this.jobs)
      settle({ facts: new JobAnswerer(4).answer(job), outcome: 'answered' });
  }

  /** Answers all jobs as where nothing could be told. */
  refuseAll(outcome: 'timed-out' | 'not-taken'): void {
    for (const { job, settle } of this.jobs)
      settle({ facts: job.questions.map(() => refused('DEADLINE_EXCEEDED', 'late')), outcome });
  }
}

describe('the establishing of facts', () => {
  let workers: HeldWorkers;
  let facts: FactCache;
  let clock: FixedClock;
  let establisher: FactEstablisher;
  beforeEach(() => {
    workers = new HeldWorkers();
    facts = new FactCache({ heavyBytes: 1 });
    clock = fixedClock();
    establisher = new FactEstablisher({ workers, facts, clock });
  });
  const asked = [first, second].map((signature) => ({
    policy,
    question: questionOf(policy, signature),
  }));
  const known = (): readonly unknown[] =>
    asked.map(({ question }) =>
      question.kind === 'attestation' ? facts.attestation(question)?.outcome : undefined,
    );

  it('is one job a piece of evidence, and teaches the cache', async () => {
    assert.deepEqual(known(), [undefined, undefined]);
    const establishing = establisher.establish(asked);
    assert.deepEqual(
      workers.jobs.map(({ job }) => [job.signature, job.questions.length]),
      [
        [first, 1],
        [second, 1],
      ],
    );
    workers.answerAll();
    const answers = await establishing;
    assert.deepEqual(
      asked.map(({ question }) => answers.get(facts.keyOf(question))?.outcome),
      ['attested', 'attested'],
    );
    assert.deepEqual(known(), ['attested', 'attested']);
  });

  it('is shared by all who ask the same, also by policies that ask it in the same words', async () => {
    const other = sbomPolicy(NO_LOG4J);
    const again = { policy: other, question: questionOf(other, first) };
    const waiters = [
      establisher.establish([...asked, again]),
      establisher.establish([again]),
      establisher.establish(asked),
    ];
    assert.equal(workers.jobs.length, 2);
    workers.answerAll();
    const sizes = (await Promise.all(waiters)).map(({ size }) => size);
    assert.deepEqual(sizes, [2, 1, 2]);
  });

  it('is not tried again for a minute where it took too long', async () => {
    const establishing = establisher.establish(asked);
    workers.refuseAll('timed-out');
    await establishing;
    const answers = await establisher.establish(asked);
    assert.deepEqual(
      [...answers.values()].map((fact) => fact.outcome === 'refused' && fact.code),
      ['DEADLINE_EXCEEDED', 'DEADLINE_EXCEEDED'],
    );
    assert.deepEqual([workers.jobs.length, known()], [2, [undefined, undefined]]);
    await clock.advance(60_000);
    void establisher.establish(asked);
    assert.equal(workers.jobs.length, 4);
  });

  it('is tried again at once where it was not even begun', async () => {
    const establishing = establisher.establish(asked);
    workers.refuseAll('not-taken');
    await establishing;
    void establisher.establish(asked);
    assert.equal(workers.jobs.length, 4);
  });
});

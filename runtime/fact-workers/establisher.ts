// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { LRUCache } from 'lru-cache';
import type {
  Answers,
  CompiledPolicy,
  Evidence,
  FactCache,
  FactQuestion,
  RawSignature,
} from '../../verification/index.ts';
import type { Clock } from '../clock.ts';
import { refused, type Fact, type JobQuestion } from './job.ts';
import type { FactWorkers, JobOutcome } from './pool.ts';

/** How long what took too long is not tried again, in milliseconds. */
const PAUSE_MS = 60_000;
const MAX_PAUSED = 1024;

/** A question and the policy that asks it. */
export interface AskedQuestion {
  readonly policy: CompiledPolicy;
  readonly question: FactQuestion;
}

/** What an establisher works with. */
export interface FactEstablisherOptions {
  readonly workers: Pick<FactWorkers, 'answer'>;
  /** Where facts go. */
  readonly facts: FactCache;
  readonly clock: Clock;
}

interface Paused {
  readonly fact: Fact;
  /** By the monotonic clock. */
  readonly until: number;
}

/**
 * Has facts established by worker threads, and teaches them to the cache of facts. Equal questions share
 * one job whatever the number of waiters, and a job goes on when nobody waits for it any more. What took
 * too long once is answered so for a minute, lest each judgement pay for it again.
 */
export class FactEstablisher {
  readonly #options: FactEstablisherOptions;
  readonly #flights = new Map<string, Promise<Fact>>();
  readonly #paused = new LRUCache<string, Paused>({ max: MAX_PAUSED });
  /** Names of policies as compiled now: another policy may have the same name later. */
  readonly #policyKeys = new WeakMap<CompiledPolicy, string>();
  #policies = 0;

  constructor(options: FactEstablisherOptions) {
    this.#options = options;
  }

  /** An answer to each question, by `FactCache.keyOf`. Never rejects; takes as long as the jobs take. */
  async establish(asked: readonly AskedQuestion[]): Promise<Answers> {
    const answers = new Map<string, Fact | Promise<Fact>>();
    const groups: Group[] = [];
    const grouped = new Set<string>();
    for (const one of asked) {
      const key = this.#options.facts.keyOf(one.question);
      const known = this.#flights.get(key) ?? this.#pausedAnswer(key);
      if (known !== undefined) answers.set(key, known);
      else if (!grouped.has(key)) groupFor(groups, one).questions.set(key, one.question);
      grouped.add(key);
    }
    for (const group of groups)
      for (const [key, flight] of this.#start(group)) answers.set(key, flight);
    const settled = [...answers].map(async ([key, fact]) => [key, await fact] as const);
    return new Map(await Promise.all(settled));
  }

  #pausedAnswer(key: string): Fact | undefined {
    const paused = this.#paused.get(key);
    return paused !== undefined && this.#options.clock.monotonic() < paused.until
      ? paused.fact
      : undefined;
  }

  #start(group: Group): ReadonlyMap<string, Promise<Fact>> {
    const asked = [...group.questions];
    const { signature, evidence, policy } = group;
    const answered = this.#options.workers.answer({
      policy: { key: this.#policyKey(policy), name: policy.name, spec: policy.spec },
      signature,
      digest: evidence.digest,
      manifest: evidence.manifest,
      questions: asked.map(([, question]) => jobQuestion(question)),
    });
    const flights = asked.map(([key, question], at): readonly [string, Promise<Fact>] => {
      const flight = answered.then(({ facts, outcome }) => {
        const fact = facts[at] ?? refused('INTERNAL', 'a question was left without an answer');
        this.#take(key, question, { fact, outcome });
        return fact;
      });
      this.#flights.set(key, flight);
      return [key, flight];
    });
    return new Map(flights);
  }

  #take(
    key: string,
    question: FactQuestion,
    { fact, outcome }: { readonly fact: Fact; readonly outcome: JobOutcome },
  ): void {
    const { facts, clock } = this.#options;
    this.#flights.delete(key);
    // What was not even begun costs nothing to try again.
    if (!facts.learn(question, fact) && outcome !== 'not-taken')
      this.#paused.set(key, { fact, until: clock.monotonic() + PAUSE_MS });
  }

  #policyKey(policy: CompiledPolicy): string {
    const known = this.#policyKeys.get(policy);
    if (known !== undefined) return known;
    this.#policies += 1;
    const key = this.#policies.toString();
    this.#policyKeys.set(policy, key);
    return key;
  }
}

/** What one policy asks about one piece of evidence: one job. */
interface Group {
  readonly policy: CompiledPolicy;
  readonly signature: RawSignature;
  readonly evidence: Evidence;
  readonly questions: Map<string, FactQuestion>;
}

function groupFor(groups: Group[], { policy, question }: AskedQuestion): Group {
  const { signature, evidence } = question;
  const known = groups.find(
    (g) => g.signature === signature && g.evidence === evidence && g.policy === policy,
  );
  if (known !== undefined) return known;
  const group: Group = { policy, signature, evidence, questions: new Map() };
  groups.push(group);
  return group;
}

function jobQuestion(question: FactQuestion): JobQuestion {
  const authority = question.authority.name;
  if (question.kind === 'signature') return { kind: 'signature', authority };
  const { requirement, image, now } = question;
  return { kind: 'attestation', requirement: requirement.name, authority, image, now };
}

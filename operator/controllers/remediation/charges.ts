// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Judge, JudgeInput, PolicyJudgement } from '../../../runtime/judge/index.ts';
import type { CompiledPolicy } from '../../../verification/index.ts';
import { causeOf, standingOf, type Cause, type KeptStanding } from './cause.ts';
import { asksForAction, type Suspects } from './suspects.ts';

/** A requirement that an image does not satisfy, and why that may be acted on. */
export interface Charge {
  readonly policy: CompiledPolicy;
  readonly requirement: string;
  readonly cause: Cause;
}

/** What finding charges needs. */
export interface ChargesOptions {
  readonly judge: Pick<Judge, 'judgeCached' | 'judge' | 'judgeBy' | 'lastVerified' | 'isReadWhole'>;
  readonly suspects: Pick<Suspects, 'wasExempt'>;
}

/** Finds what an image may be acted on for, from the evidence that is known: a registry is read only where that is none. */
export class Charges {
  readonly #options: ChargesOptions;

  constructor(options: ChargesOptions) {
    this.#options = options;
  }

  /** The charges against an image of a workload; `undefined` where nothing can be told now. */
  async of(
    key: string,
    input: JudgeInput,
    signal: AbortSignal,
  ): Promise<readonly Charge[] | undefined> {
    const rejected = await this.rejected(input, signal);
    if (rejected === undefined) return undefined;
    const charges = await Promise.all(
      rejected.map((judgement) => this.#against(key, judgement, input, signal)),
    );
    return charges.flat();
  }

  /** What rejects an image now and asks for action; `undefined` where nothing can be told now. */
  async rejected(
    input: JudgeInput,
    signal: AbortSignal,
  ): Promise<readonly PolicyJudgement[] | undefined> {
    const { judge } = this.#options;
    // What takes long to establish is known again only by waiting for it.
    const { policies } = judge.judgeCached(input) ?? (await judge.judge(input, signal));
    const asking = policies.filter(
      ({ policy, mode }) => mode === 'Enforce' && asksForAction(policy),
    );
    const rejected = asking.filter(({ verdict }) => verdict.outcome === 'rejected');
    const isOpen = asking.some(({ verdict }) => verdict.outcome === 'inconclusive');
    return rejected.length === 0 && isOpen ? undefined : rejected;
  }

  async #against(
    key: string,
    { policy, verdict }: PolicyJudgement,
    input: JudgeInput,
    signal: AbortSignal,
  ): Promise<readonly Charge[]> {
    const { judge, suspects } = this.#options;
    const standings = await this.#standings(policy, input, signal);
    const readWhole = judge.isReadWhole(policy, input);
    const { digest } = input.use.image;
    return verdict.results.flatMap((result) => {
      if (result.outcome !== 'rejected') return [];
      const { requirement } = result;
      const kept = standings(requirement);
      const wasExempt = suspects.wasExempt(key, { digest, policy: policy.name, requirement });
      const cause = causeOf({ result, kept, wasExempt, readWhole });
      return cause === undefined ? [] : [{ policy, requirement, cause }];
    });
  }

  /** How the kept evidence of an image stands for each requirement. */
  async #standings(
    policy: CompiledPolicy,
    input: JudgeInput,
    signal: AbortSignal,
  ): Promise<(requirement: string) => KeptStanding> {
    const { judge } = this.#options;
    const kept = await judge.lastVerified(policy, input);
    if (kept === undefined) return () => 'none';
    const { evidence, collectedAt, satisfied = [] } = kept;
    const [now, then] = await Promise.all([
      judge.judgeBy({ policy, evidence }, input, signal),
      judge.judgeBy({ policy, evidence, at: new Date(collectedAt) }, input, signal),
    ]);
    return (requirement) =>
      satisfied.includes(requirement) ? standingOf(requirement, now, then) : 'none';
  }
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { CompiledAuthority } from '../authority/index.ts';
import type { AttestationFact, SignatureFact } from '../cosign/index.ts';
import type { Evidence, RawSignature } from '../ports.ts';
import { Allowance } from './allowance.ts';
import type { AttestationQuestion, FactQuestion, Facts } from './fact-question.ts';
import type { FactCache } from './facts.ts';
import type { Remembered } from './remember.ts';

const NONE: readonly FactQuestion[] = [];

/** Answers to questions by `FactCache.keyOf`, good for one judgement. */
export type Answers = ReadonlyMap<string, SignatureFact | AttestationFact>;

/**
 * The facts of a cache, with answers for some of those that it has not; takes note of what neither could
 * tell. For one judgement: its policies, one after the other, share an allowance.
 */
export class OpenQuestions implements Facts {
  readonly verified: Remembered;
  readonly #cache: FactCache;
  readonly #answers: Answers;
  readonly #allowance = new Allowance();
  #open: FactQuestion[] = [];

  constructor(cache: FactCache, answers: Answers) {
    this.verified = cache.verified;
    this.#cache = cache;
    this.#answers = answers;
  }

  /** What could not be told since this was last asked. */
  takeOpen(): readonly FactQuestion[] {
    if (this.#open.length === 0) return NONE;
    const open = this.#open;
    this.#open = [];
    return open;
  }

  signature(
    signature: RawSignature,
    evidence: Evidence,
    authority: CompiledAuthority,
  ): SignatureFact | undefined {
    const fact = this.#cache.signature(signature, evidence, authority, this.#allowance);
    if (fact !== undefined) return fact;
    return this.#ask({ kind: 'signature', signature, evidence, authority }) as
      SignatureFact | undefined;
  }

  attestation(question: AttestationQuestion): AttestationFact | undefined {
    const fact = this.#cache.attestation(question, this.#allowance);
    if (fact !== undefined) return fact;
    return this.#ask({ kind: 'attestation', ...question }) as AttestationFact | undefined;
  }

  #ask(question: FactQuestion): SignatureFact | AttestationFact | undefined {
    const answer = this.#answers.get(this.#cache.keyOf(question));
    if (answer === undefined) this.#open.push(question);
    return answer;
  }
}

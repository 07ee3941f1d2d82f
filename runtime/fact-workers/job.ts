// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import {
  compilePolicy,
  establishFact,
  toVerificationError,
  type AttestationFact,
  type CompiledPolicy,
  type Evidence,
  type FactQuestion,
  type ImageReference,
  type RawSignature,
  type SignatureFact,
} from '../../verification/index.ts';

/** What is known of one piece of evidence. */
export type Fact = SignatureFact | AttestationFact;

/** A question by the names of what it is about in the policy of the job. */
export type JobQuestion =
  | { readonly kind: 'signature'; readonly authority: string }
  | {
      readonly kind: 'attestation';
      readonly requirement: string;
      readonly authority: string;
      readonly image: ImageReference;
      /** Milliseconds since the epoch. */
      readonly now: number;
    };

/** All questions of one policy about one piece of evidence: plain data, good for a message. */
export interface Job {
  readonly policy: {
    /** Equal for equal policies, and for those only. */
    readonly key: string;
    readonly name: string;
    /** With its material inline. */
    readonly spec: CompiledPolicy['spec'];
  };
  readonly signature: RawSignature;
  readonly digest: Evidence['digest'];
  readonly manifest: Evidence['manifest'];
  readonly questions: readonly JobQuestion[];
}

/** Answers to jobs by the functions that answer elsewhere, too. Compiles each policy once. */
export class JobAnswerer {
  readonly #policies = new Map<string, CompiledPolicy>();
  readonly #maxPolicies: number;

  constructor(maxPolicies: number) {
    this.#maxPolicies = maxPolicies;
  }

  /** One fact for each question, in their order. Whatever is thrown is a refusal that tells nothing. */
  answer({ policy: source, signature, digest, manifest, questions }: Job): readonly Fact[] {
    const evidence: Evidence = { digest, manifest, signatures: [signature], gaps: [] };
    return questions.map((question) => {
      try {
        const policy = this.#compiled(source);
        return establishFact(questionOf(question, policy, { signature, evidence }));
      } catch (thrown) {
        return refused('INTERNAL', toVerificationError(thrown).message);
      }
    });
  }

  #compiled({ key, name, spec }: Job['policy']): CompiledPolicy {
    const policy = this.#policies.get(key) ?? compilePolicy(name, spec);
    // The least recently used one comes first.
    this.#policies.delete(key);
    this.#policies.set(key, policy);
    const [oldest] = this.#policies.keys();
    if (this.#policies.size > this.#maxPolicies && oldest !== undefined)
      this.#policies.delete(oldest);
    return policy;
  }
}

/** Evidence that something kept from being told. */
export function refused(
  code: 'DEADLINE_EXCEEDED' | 'LIMIT_EXCEEDED' | 'INTERNAL',
  detail: string,
): Fact {
  return { outcome: 'refused', code, detail, checks: [] };
}

function questionOf(
  question: JobQuestion,
  { requirements }: CompiledPolicy,
  about: { readonly signature: RawSignature; readonly evidence: Evidence },
): FactQuestion {
  for (const requirement of requirements) {
    if (requirement.kind !== 'signature' && requirement.kind !== 'attestation') continue;
    const authority = requirement.authorities.find(({ name }) => name === question.authority);
    if (authority === undefined) continue;
    if (question.kind === 'signature') return { kind: 'signature', ...about, authority };
    if (requirement.kind !== 'attestation' || requirement.name !== question.requirement) continue;
    const { image, now } = question;
    return { kind: 'attestation', ...about, authority, requirement, image, now };
  }
  throw new Error('the policy does not ask this');
}

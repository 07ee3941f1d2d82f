// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { CompiledAuthority } from '../authority/index.ts';
import {
  canBeSignature,
  checkSignature,
  type AttestationFact,
  type SignatureFact,
} from '../cosign/index.ts';
import { canonicalJson } from '../encoding/index.ts';
import type { Evidence, RawSignature } from '../ports.ts';
import { isInconclusive } from '../reasons.ts';
import type { Allowance } from './allowance.ts';
import { establishAttestation, questionKey } from './attestation.ts';
import type { AttestationQuestion, FactQuestion, Facts } from './fact-question.ts';
import type { Remembered } from './remember.ts';

/** Does the cryptography that a question asks for. Total; may take long. */
export function establishFact(question: FactQuestion): SignatureFact | AttestationFact {
  if (question.kind === 'attestation') return establishAttestation(question);
  return checkSignature(question.signature, question.evidence, question.authority);
}

/** Cryptography every time: what the memo is measured against. */
export const unmemoisedFacts: Facts = {
  signature: (signature, evidence, authority) => checkSignature(signature, evidence, authority),
  attestation: (question) => establishAttestation(question),
};

/** Bounds of a memo of facts. */
export interface FactCacheOptions {
  /** Estimated bytes of what is kept. */
  readonly maxBytes?: number;
  /**
   * Bytes of evidence from which on facts are not established here but must be learned from elsewhere,
   * as those that rest on conditions over lists: they would keep other work waiting. Everything is
   * established here where it is absent.
   */
  readonly heavyBytes?: number;
}

/**
 * Facts kept by (blob, annotations, image digest, authority), and for attestations by what is asked of
 * them. They do not age: the key holds all that they depend on. A check that broke down is no fact and
 * is not kept. Evicted by bytes, least recently used first.
 */
export class FactCache implements Facts {
  readonly verified: Remembered = new WeakMap();
  readonly #heavyBytes: number;
  readonly #facts: LRUCache<string, SignatureFact | AttestationFact>;
  /** The same facts by the objects themselves: no key is put together while they live. */
  readonly #near = new WeakMap<RawSignature, WeakMap<CompiledAuthority, NearFact>>();
  /** Names of signatures: their annotations have no digest of their own. */
  readonly #names = new WeakMap<RawSignature, string>();

  constructor({ maxBytes = 16 * 1024 * 1024, heavyBytes = Infinity }: FactCacheOptions = {}) {
    this.#heavyBytes = heavyBytes;
    this.#facts = new LRUCache({ maxSize: maxBytes, sizeCalculation: sizeOf });
  }

  /** Without `allowance`, whatever is not heavy is established. */
  signature(
    signature: RawSignature,
    evidence: Evidence,
    authority: CompiledAuthority,
    allowance?: Allowance,
  ): SignatureFact | undefined {
    const near = this.#near.get(signature)?.get(authority);
    if (near?.evidence === evidence) return near.fact;
    const key = this.#signatureKey(signature, evidence, authority);
    const known = this.#facts.get(key) as SignatureFact | undefined;
    if (known === undefined && this.#isTooMuch(signature, allowance)) return undefined;
    const fact = known ?? checkSignature(signature, evidence, authority);
    if (!isFact(fact)) return fact;
    if (known === undefined) this.#facts.set(key, fact);
    const facts = this.#near.get(signature) ?? new WeakMap<CompiledAuthority, NearFact>();
    facts.set(authority, { evidence, fact });
    this.#near.set(signature, facts);
    return fact;
  }

  /** Without `allowance`, whatever is not heavy is established. */
  attestation(question: AttestationQuestion, allowance?: Allowance): AttestationFact | undefined {
    const key = this.#attestationKey(question);
    const known = this.#facts.get(key) as AttestationFact | undefined;
    if (known !== undefined) return known;
    if (this.#isTooMuchToAsk(question, allowance)) return undefined;
    const fact = establishAttestation(question);
    if (isFact(fact)) this.#facts.set(key, fact);
    return fact;
  }

  /** The key of what is asked: equal for questions that have the same answer. */
  keyOf(question: FactQuestion): string {
    if (question.kind === 'attestation') return this.#attestationKey(question);
    return this.#signatureKey(question.signature, question.evidence, question.authority);
  }

  /** Takes over a fact that was established elsewhere. False for what is no fact: it is not kept. */
  learn(question: FactQuestion, fact: SignatureFact | AttestationFact): boolean {
    if (!isFact(fact)) return false;
    this.#facts.set(this.keyOf(question), fact);
    return true;
  }

  /** What cannot be a signature is told at a glance. */
  #isTooMuch(signature: RawSignature, allowance: Allowance | undefined): boolean {
    if (this.#heavyBytes === Infinity || !canBeSignature(signature)) return false;
    const bytes = weightOf(signature);
    return bytes >= this.#heavyBytes || allowance?.take(bytes) === false;
  }

  #isTooMuchToAsk(
    { signature, requirement }: AttestationQuestion,
    allowance: Allowance | undefined,
  ): boolean {
    if (this.#heavyBytes === Infinity || signature.format === 'simple-signing') return false;
    if (requirement.conditions.some((c) => c.hasComprehension)) return true;
    const bytes = weightOf(signature);
    return bytes >= this.#heavyBytes || allowance?.take(bytes) === false;
  }

  #signatureKey(signature: RawSignature, evidence: Evidence, authority: CompiledAuthority): string {
    return `${authority.hash} ${authority.name} ${evidence.digest} ${this.#nameOf(signature)}`;
  }

  #attestationKey(question: AttestationQuestion): string {
    const { signature, evidence } = question;
    return `${questionKey(question)} ${evidence.digest} ${this.#nameOf(signature)}`;
  }

  #nameOf(signature: RawSignature): string {
    const known = this.#names.get(signature);
    if (known !== undefined) return known;
    const annotations = createHash('sha256')
      .update(canonicalJson(signature.annotations))
      .digest('hex');
    const name = `${signature.format} ${signature.digest} ${annotations}`;
    this.#names.set(signature, name);
    return name;
  }
}

/** A fact about a signature as part of one collected evidence. */
interface NearFact {
  readonly evidence: Evidence;
  readonly fact: SignatureFact;
}

/** Bytes that are read of a signature: certificates and log entries of a layer are in its annotations. */
function weightOf({ bytes, annotations }: RawSignature): number {
  return Object.values(annotations).reduce((sum, text) => sum + text.length, bytes.byteLength);
}

/** A check that broke down established nothing. */
function isFact(fact: SignatureFact | AttestationFact): boolean {
  return fact.outcome !== 'refused' || !isInconclusive(fact.code);
}

/** Estimated bytes of a fact with its key; annotations, claims and details are what an author can make long. */
function sizeOf(fact: SignatureFact | AttestationFact, key: string): number {
  const details = fact.checks.reduce((sum, check) => sum + 128 + 2 * check.detail.length, 0);
  const annotations = fact.outcome === 'signed' ? [...fact.annotations] : [];
  const claims = 'signer' in fact ? [...fact.signer.claims] : [];
  return [...annotations, ...claims].reduce(
    (sum, [name, value]) => sum + 64 + 2 * (name.length + value.length),
    512 + key.length + details,
  );
}

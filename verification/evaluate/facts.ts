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
import { establishAttestation, questionKey, type AttestationQuestion } from './attestation.ts';
import type { Remembered } from './remember.ts';

/** What is asked of one piece of evidence. */
export type FactQuestion =
  | {
      readonly kind: 'signature';
      readonly signature: RawSignature;
      readonly evidence: Evidence;
      readonly authority: CompiledAuthority;
    }
  | ({ readonly kind: 'attestation' } & AttestationQuestion);

/** Does the cryptography that a question asks for. Total; may take long. */
export function establishFact(question: FactQuestion): SignatureFact | AttestationFact {
  if (question.kind === 'attestation') return establishAttestation(question);
  return checkSignature(question.signature, question.evidence, question.authority);
}

/** Establishes what one piece of evidence is worth. `undefined`: it takes long, and was not done yet. */
export interface Facts {
  /**
   * Results that hold for a requirement and evidence whatever else is asked: place has no part in them,
   * and of time it is known. Absent where nothing is to be remembered.
   */
  readonly verified?: Remembered;
  signature(
    signature: RawSignature,
    evidence: Evidence,
    authority: CompiledAuthority,
  ): SignatureFact | undefined;
  attestation(question: AttestationQuestion): AttestationFact | undefined;
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

  signature(
    signature: RawSignature,
    evidence: Evidence,
    authority: CompiledAuthority,
  ): SignatureFact | undefined {
    const near = this.#near.get(signature)?.get(authority);
    if (near?.evidence === evidence) return near.fact;
    const key = this.#signatureKey(signature, evidence, authority);
    const known = this.#facts.get(key) as SignatureFact | undefined;
    const fact = known ?? this.#establish(signature, evidence, authority);
    if (fact === undefined || !isFact(fact)) return fact;
    if (known === undefined) this.#facts.set(key, fact);
    const facts = this.#near.get(signature) ?? new WeakMap<CompiledAuthority, NearFact>();
    facts.set(authority, { evidence, fact });
    this.#near.set(signature, facts);
    return fact;
  }

  attestation(question: AttestationQuestion): AttestationFact | undefined {
    const key = this.#attestationKey(question);
    const known = this.#facts.get(key) as AttestationFact | undefined;
    if (known !== undefined) return known;
    if (this.#isHeavyQuestion(question)) return undefined;
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

  #establish(
    signature: RawSignature,
    evidence: Evidence,
    authority: CompiledAuthority,
  ): SignatureFact | undefined {
    const isHeavy = canBeSignature(signature) && this.#isHeavy(signature);
    return isHeavy ? undefined : checkSignature(signature, evidence, authority);
  }

  #isHeavyQuestion({ signature, requirement }: AttestationQuestion): boolean {
    if (signature.format === 'simple-signing' || this.#heavyBytes === Infinity) return false;
    return requirement.conditions.some((c) => c.hasComprehension) || this.#isHeavy(signature);
  }

  /** Certificates and log entries of a layer are in its annotations. */
  #isHeavy({ bytes, annotations }: RawSignature): boolean {
    return (
      bytes.byteLength >= this.#heavyBytes ||
      Object.values(annotations).reduce((sum, text) => sum + text.length, bytes.byteLength) >=
        this.#heavyBytes
    );
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

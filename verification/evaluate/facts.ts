// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { checkSignature, type SignatureFact } from '../cosign/index.ts';
import { canonicalJson } from '../encoding/index.ts';
import type { CompiledAuthority, CompiledRequirement } from '../policy/index.ts';
import type { Evidence, RawSignature } from '../ports.ts';
import { isInconclusive } from '../reasons.ts';
import type { VerifiedResult } from '../result.ts';

/** Establishes what one signature is worth for one authority. */
export interface Facts {
  /**
   * Results that hold for a requirement and evidence whatever else is asked: neither time nor place has a
   * part in them. Absent where nothing is to be remembered.
   */
  readonly verified?: WeakMap<CompiledRequirement, WeakMap<Evidence, VerifiedResult>>;
  signature(
    signature: RawSignature,
    evidence: Evidence,
    authority: CompiledAuthority,
  ): SignatureFact;
}

/** Cryptography every time: what the memo is measured against. */
export const unmemoisedFacts: Facts = {
  signature: (signature, evidence, authority) => checkSignature(signature, evidence, authority),
};

/**
 * Facts kept by (blob, annotations, image digest, authority). They do not age: the key holds all that
 * they depend on. A check that broke down is no fact and is not kept. Evicted by bytes, least recently
 * used first.
 */
export class FactCache implements Facts {
  readonly verified = new WeakMap<CompiledRequirement, WeakMap<Evidence, VerifiedResult>>();
  readonly #facts: LRUCache<string, SignatureFact>;
  /** The same facts by the objects themselves: no key is put together while they live. */
  readonly #near = new WeakMap<RawSignature, WeakMap<CompiledAuthority, NearFact>>();
  /** Names of signatures: their annotations have no digest of their own. */
  readonly #names = new WeakMap<RawSignature, string>();

  /** `maxBytes` bounds the estimated size of what is kept. */
  constructor(maxBytes = 16 * 1024 * 1024) {
    this.#facts = new LRUCache({ maxSize: maxBytes, sizeCalculation: sizeOf });
  }

  signature(
    signature: RawSignature,
    evidence: Evidence,
    authority: CompiledAuthority,
  ): SignatureFact {
    const near = this.#near.get(signature)?.get(authority);
    if (near?.evidence === evidence) return near.fact;
    const fact = this.#far(signature, evidence, authority);
    const facts = this.#near.get(signature) ?? new WeakMap<CompiledAuthority, NearFact>();
    if (isFact(fact)) facts.set(authority, { evidence, fact });
    this.#near.set(signature, facts);
    return fact;
  }

  #far(signature: RawSignature, evidence: Evidence, authority: CompiledAuthority): SignatureFact {
    const key = `${authority.hash} ${authority.name} ${evidence.digest} ${this.#nameOf(signature)}`;
    const known = this.#facts.get(key);
    if (known !== undefined) return known;
    const fact = checkSignature(signature, evidence, authority);
    if (isFact(fact)) this.#facts.set(key, fact);
    return fact;
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
function isFact(fact: SignatureFact): boolean {
  return fact.outcome !== 'refused' || !isInconclusive(fact.code);
}

/** Estimated bytes of a fact with its key; annotations and details are what an author can make long. */
function sizeOf(fact: SignatureFact, key: string): number {
  const details = fact.checks.reduce((sum, check) => sum + 128 + 2 * check.detail.length, 0);
  const annotations = fact.outcome === 'signed' ? [...fact.annotations] : [];
  return annotations.reduce(
    (sum, [name, value]) => sum + 64 + 2 * (name.length + value.length),
    512 + key.length + details,
  );
}

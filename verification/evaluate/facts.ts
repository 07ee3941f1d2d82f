// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { LRUCache } from 'lru-cache';
import { checkSignature, type SignatureFact } from '../cosign/index.ts';
import type { CompiledAuthority } from '../policy/index.ts';
import type { Evidence, RawSignature } from '../ports.ts';

/** Establishes what one signature is worth for one authority. */
export interface Facts {
  signature(signature: RawSignature, evidence: Evidence, authority: CompiledAuthority): SignatureFact;
}

/** Cryptography every time: what the memo is measured against. */
export const unmemoisedFacts: Facts = {
  signature: (signature, evidence, authority) => checkSignature(signature, evidence, authority),
};

/**
 * Facts kept by (blob, annotations, image digest, authority). They do not age: the key holds all that
 * they depend on. Evicted by bytes, least recently used first.
 */
export class FactCache implements Facts {
  readonly #facts: LRUCache<string, SignatureFact>;
  /** Keys of annotation maps, which have no digest of their own. */
  readonly #suffixes = new WeakMap<RawSignature, string>();

  /** `maxBytes` bounds the estimated size of what is kept. */
  constructor(maxBytes = 16 * 1024 * 1024) {
    this.#facts = new LRUCache({ maxSize: maxBytes, sizeCalculation: (_fact, key) => 512 + key.length });
  }

  signature(signature: RawSignature, evidence: Evidence, authority: CompiledAuthority): SignatureFact {
    const key = `${authority.hash}${authority.name}${evidence.digest}${this.#suffixOf(signature)}`;
    const known = this.#facts.get(key);
    if (known !== undefined) return known;
    const fact = checkSignature(signature, evidence, authority);
    this.#facts.set(key, fact);
    return fact;
  }

  #suffixOf(signature: RawSignature): string {
    const known = this.#suffixes.get(signature);
    if (known !== undefined) return known;
    const suffix = `${signature.format}${signature.digest}${JSON.stringify(Object.entries(signature.annotations).sort())}`;
    this.#suffixes.set(signature, suffix);
    return suffix;
  }
}

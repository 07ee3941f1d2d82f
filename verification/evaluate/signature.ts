// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { CompiledAuthority } from '../authority/index.ts';
import { signerWindow, untimelySigner } from '../cosign/index.ts';
import { indexLists, matchesDigest, type Digest } from '../image/index.ts';
import type { SignatureRequirement } from '../policy/index.ts';
import type { Evidence, RawSignature } from '../ports.ts';
import type { RequirementResult } from '../result.ts';
import type { Facts } from './fact-question.ts';
import { remember, remembered } from './remember.ts';
import { evaluateSignedBy, type Weighed } from './signed-by.ts';

/** What a signature requirement is judged from. */
export interface SignatureCase {
  readonly evidence: Evidence;
  readonly facts: Facts;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Whether the index that lists the image may speak for it. */
  readonly acceptsIndex: boolean;
}

/**
 * A signature requirement holds once `threshold` distinct authorities of `anyOf` each have one
 * signature that is genuine, names this digest and carries the annotations: identity and annotations
 * of one and the same signature. A refused signature never hides a good one.
 *
 * Where the policy accepts it, a signature of the index that lists the image is as good (X3).
 */
export function evaluateSignature(
  requirement: SignatureRequirement,
  question: SignatureCase,
): RequirementResult {
  const own = evaluateOf(requirement, question);
  const index = question.evidence.index;
  if (own.outcome === 'verified' || !question.acceptsIndex || index === undefined) return own;
  if (!speaksFor(index, question.evidence.digest)) return own;
  const listed = evaluateOf(requirement, { ...question, evidence: index });
  if (listed.outcome === 'verified')
    return { ...listed, message: `${listed.message}, as part of the index ${index.digest}` };
  return own.outcome === 'rejected' && listed.outcome === 'inconclusive' ? listed : own;
}

const bound = new WeakMap<Evidence, boolean>();

/** What is signed is the digest of the index: the manifest that lists the image has to be the one of it. */
function speaksFor(index: Evidence, child: Digest): boolean {
  const { digest, manifest } = index;
  if (!indexLists(manifest, child)) return false;
  const known = bound.get(index) ?? matchesDigest(digest, manifest.bytes);
  bound.set(index, known);
  return known;
}

function evaluateOf(requirement: SignatureRequirement, question: SignatureCase): RequirementResult {
  const { evidence, facts, now } = question;
  const known = remembered(facts, { requirement, evidence, now });
  if (known !== undefined) return known;
  const { result, window } = evaluateSignedBy({
    requirement,
    category: 'Image Signature',
    evidence,
    gaps: evidence.gaps.filter((gap) => !gap.what.startsWith('attestation')),
    weigh: (signature, authority) => weigh(signature, authority, { requirement, ...question }),
    missing: 'NO_SIGNATURE',
    noun: 'signature',
  });
  if (result.outcome === 'verified') remember(facts, { requirement, evidence, result, window });
  return result;
}

function weigh(
  signature: RawSignature,
  authority: CompiledAuthority,
  context: SignatureCase & { readonly requirement: SignatureRequirement },
): Weighed {
  const fact = context.facts.signature(signature, context.evidence, authority);
  if (fact === undefined) {
    const detail = `${signature.digest} is still being verified`;
    return { worth: 'refused', code: 'DEADLINE_EXCEEDED', detail, checks: [] };
  }
  const { checks } = fact;
  switch (fact.outcome) {
    case 'not-a-signature':
      return { worth: 'refused', code: 'NO_SIGNATURE', detail: 'only attestations', checks };
    case 'refused':
      return { worth: 'refused', code: fact.code, detail: fact.detail, checks };
    case 'signed': {
      const untimely = untimelySigner(fact.signer, context.now);
      if (untimely !== undefined) return { worth: 'refused', ...untimely, checks };
      const { annotations } = context.requirement;
      const missing = annotations.find(([key, value]) => fact.annotations.get(key) !== value);
      if (missing === undefined)
        return { worth: 'proof', signer: fact.signer, window: signerWindow(fact.signer), checks };
      const detail = `signature by ${authority.name} lacks the annotation ${missing[0]}=${missing[1]}`;
      return { worth: 'refused', code: 'ANNOTATION_MISMATCH', detail, checks };
    }
  }
}

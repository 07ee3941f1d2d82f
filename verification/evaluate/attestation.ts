// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { bindConditions } from '../attestation/index.ts';
import {
  checkAttestation,
  freshUntil,
  signerWindow,
  untimelySigner,
  type AttestationFact,
  type CheckList,
  type VerifiedAttestation,
} from '../cosign/index.ts';
import { repositoryName, type ImageReference } from '../image/index.ts';
import type { AttestationRequirement } from '../policy/index.ts';
import type { Evidence } from '../ports.ts';
import type { RequirementResult } from '../result.ts';
import type { AttestationQuestion, Facts } from './fact-question.ts';
import { remember, remembered } from './remember.ts';
import { evaluateSignedBy, type Weighed } from './signed-by.ts';

/** Conditions see the time in steps of this: so what they say can be kept for as long. */
const STEP_MS = 60_000;

/** What an attestation requirement is judged from. */
export interface AttestationCase {
  readonly evidence: Evidence;
  readonly facts: Facts;
  readonly image: ImageReference;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/**
 * An attestation requirement holds once `threshold` distinct authorities of `anyOf` each have one
 * attestation of exactly that predicate type that is genuine, names this digest, satisfies all
 * conditions and is young enough. A refused attestation never hides a good one.
 */
export function evaluateAttestation(
  requirement: AttestationRequirement,
  { evidence, facts, image, now }: AttestationCase,
): RequirementResult {
  const known = remembered(facts, { requirement, evidence, now });
  if (known !== undefined) return known;
  const { result, window } = evaluateSignedBy({
    requirement,
    category: 'Image Attestation',
    evidence,
    gaps: evidence.gaps.filter((gap) => !gap.what.startsWith('signature tag')),
    weigh: (signature, authority) =>
      weigh({ signature, evidence, authority, requirement, image, now }, facts),
    missing: 'ATTESTATION_MISSING',
    noun: `attestation of ${requirement.predicateType}`,
  });
  const isTimeless = !uses(requirement, 'image') && !uses(requirement, 'now');
  if (result.outcome === 'verified' && isTimeless)
    remember(facts, { requirement, evidence, result, window });
  return result;
}

/** Does the cryptography, and evaluates the conditions where that holds. Total; may take long. */
export function establishAttestation(question: AttestationQuestion): AttestationFact {
  const { signature, evidence, authority, requirement } = question;
  const { predicateType } = requirement;
  const accept = (attestation: VerifiedAttestation, list: CheckList): void => {
    checkConditions(attestation, question, list);
  };
  return checkAttestation(signature, evidence, { authority, predicateType, accept });
}

/** All that the fact of a question depends on, besides the evidence. */
export function questionKey({ authority, requirement, image, now }: AttestationQuestion): string {
  return JSON.stringify([
    authority.name,
    authority.hash,
    requirement.hash,
    uses(requirement, 'image') ? repositoryName(image) : '',
    uses(requirement, 'now') ? stepOf(now) : 0,
  ]);
}

function checkConditions(
  { statement, signer }: VerifiedAttestation,
  { requirement, image, now, evidence }: AttestationQuestion,
  list: CheckList,
): void {
  const { conditions } = requirement;
  if (conditions.length === 0) return;
  const { proof, claims } = signer;
  const bindings = bindConditions({
    statement: statement.json,
    predicate: statement.predicate,
    image: {
      registry: image.host,
      repository: image.repository,
      digest: evidence.digest,
      reference: `${repositoryName(image)}@${evidence.digest}`,
    },
    signer: { ...proof, claims },
    now: new Date(stepOf(now)),
  });
  for (const condition of conditions) {
    list.run(`condition ${condition.name}`, 'holds', () => {
      condition.evaluate(bindings);
    });
  }
}

function weigh(question: AttestationQuestion, facts: Facts): Weighed {
  const { requirement, now, signature } = question;
  const fact = facts.attestation(question);
  if (fact === undefined) {
    const detail = `${signature.digest} is still being verified`;
    return { worth: 'refused', code: 'DEADLINE_EXCEEDED', detail, checks: [] };
  }
  const { checks } = fact;
  switch (fact.outcome) {
    case 'of-another-type': {
      const { predicateType } = fact;
      if (predicateType === undefined)
        return { worth: 'refused', code: 'ATTESTATION_MISSING', detail: 'only signatures', checks };
      const detail = `there is one of ${predicateType}`;
      return { worth: 'refused', code: 'PREDICATE_TYPE_MISMATCH', detail, checks };
    }
    case 'refused':
      return { worth: 'refused', code: fact.code, detail: fact.detail, checks };
    case 'attested': {
      const { signer } = fact;
      const untimely = untimelySigner(signer, now);
      if (untimely !== undefined) return { worth: 'refused', ...untimely, checks };
      const fresh = freshUntil(signer, requirement.maxAgeMs);
      if (now > fresh) return { worth: 'refused', ...stale(fresh), checks };
      const { from, until } = signerWindow(signer);
      return { worth: 'proof', signer, window: { from, until: Math.min(until, fresh) }, checks };
    }
  }
}

function stale(fresh: number): { readonly code: 'ATTESTATION_STALE'; readonly detail: string } {
  const detail =
    fresh === -Infinity
      ? 'nobody vouches for the time at which it was made'
      : `it was young enough until ${new Date(fresh).toISOString()}`;
  return { code: 'ATTESTATION_STALE', detail };
}

function uses({ conditions }: AttestationRequirement, variable: 'image' | 'now'): boolean {
  return conditions.some((condition) => condition.uses.has(variable));
}

function stepOf(now: number): number {
  return Math.floor(now / STEP_MS) * STEP_MS;
}

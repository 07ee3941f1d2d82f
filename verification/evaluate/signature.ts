// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { SignatureFact } from '../cosign/index.ts';
import type { CompiledAuthority, CompiledRequirement } from '../policy/index.ts';
import type { Evidence, EvidenceGap, RawSignature } from '../ports.ts';
import {
  isInconclusive,
  type InconclusiveReason,
  type ReasonCode,
  type RejectedReason,
} from '../reasons.ts';
import type { EvidenceTrail, RequirementResult, SignerProof, VerifiedResult } from '../result.ts';
import type { Facts } from './facts.ts';

type SignatureRequirement = Extract<CompiledRequirement, { kind: 'signature' }>;

/** How far a signature came before it was refused: the furthest one gives the code. */
const PROGRESS: readonly ReasonCode[] = [
  'NO_SIGNATURE',
  'BUNDLE_MALFORMED',
  'KEY_UNTRUSTED',
  'SIGNATURE_INVALID',
  'LIMIT_EXCEEDED',
  'PAYLOAD_MALFORMED',
  'SUBJECT_MISMATCH',
  'ANNOTATION_MISMATCH',
];

interface Refusal {
  readonly code: ReasonCode;
  readonly detail: string;
}

interface AuthorityOutcome {
  readonly signer?: SignerProof;
  readonly refusals: readonly Refusal[];
  readonly trail: readonly EvidenceTrail[];
}

/**
 * A signature requirement holds once `threshold` distinct authorities of `anyOf` each have one
 * signature that is genuine, names this digest and carries the annotations: identity and annotations
 * of one and the same signature. A refused signature never hides a good one.
 */
export function evaluateSignature(
  requirement: SignatureRequirement,
  evidence: Evidence,
  facts: Facts,
): RequirementResult {
  const known = facts.verified?.get(requirement)?.get(evidence);
  if (known !== undefined) return known;
  const result = evaluateAll(requirement, evidence, facts);
  if (result.outcome === 'verified') remember(result, { requirement, evidence, facts });
  return result;
}

function remember(
  result: VerifiedResult,
  { requirement, evidence, facts: { verified } }: Context,
): void {
  const results = verified?.get(requirement) ?? new WeakMap<Evidence, VerifiedResult>();
  results.set(evidence, result);
  verified?.set(requirement, results);
}

function evaluateAll(
  requirement: SignatureRequirement,
  evidence: Evidence,
  facts: Facts,
): RequirementResult {
  const outcomes = requirement.authorities.map((authority) =>
    judgeAuthority(authority, { requirement, evidence, facts }),
  );
  const base = {
    requirement: requirement.name,
    category: 'Image Signature' as const,
    trail: outcomes.flatMap((o) => o.trail),
  };
  const signers = outcomes.flatMap((o) => (o.signer === undefined ? [] : [o.signer]));
  if (signers.length >= requirement.threshold) {
    const message = `signed by ${signers.map((s) => s.authority).join(', ')}`;
    return { ...base, outcome: 'verified', message, signers };
  }
  const open = openQuestion(outcomes, evidence.gaps);
  if (open !== undefined) return { ...base, outcome: 'inconclusive', ...open };
  return { ...base, outcome: 'rejected', ...rejection(requirement, outcomes, evidence.gaps) };
}

/** What could not be told and might have made the difference: a part not read, a check that broke down. */
function openQuestion(
  outcomes: readonly AuthorityOutcome[],
  gaps: readonly EvidenceGap[],
): { readonly code: InconclusiveReason; readonly message: string } | undefined {
  for (const gap of gaps) {
    if (isInconclusive(gap.code)) return { code: gap.code, message: gapMessage(gap) };
  }
  for (const { code, detail } of outcomes.flatMap((o) => o.refusals)) {
    if (isInconclusive(code)) return { code, message: detail };
  }
  return undefined;
}

interface Context {
  readonly requirement: SignatureRequirement;
  readonly evidence: Evidence;
  readonly facts: Facts;
}

function judgeAuthority(authority: CompiledAuthority, context: Context): AuthorityOutcome {
  const refusals: Refusal[] = [];
  const trail: EvidenceTrail[] = [];
  for (const signature of context.evidence.signatures) {
    const fact = context.facts.signature(signature, context.evidence, authority);
    trail.push({ origin: originOf(signature), authority: authority.name, checks: fact.checks });
    const refusal = refusalOf(fact, context.requirement.annotations);
    if (refusal === undefined && fact.outcome === 'signed')
      return { signer: fact.signer, refusals, trail };
    if (refusal !== undefined) refusals.push(refusal);
  }
  return { refusals, trail };
}

function refusalOf(
  fact: SignatureFact,
  annotations: SignatureRequirement['annotations'],
): Refusal | undefined {
  switch (fact.outcome) {
    case 'not-a-signature':
      return { code: 'NO_SIGNATURE', detail: 'only attestations' };
    case 'refused':
      return { code: fact.code, detail: fact.detail };
    case 'signed': {
      const missing = annotations.find(([key, value]) => fact.annotations.get(key) !== value);
      if (missing === undefined) return undefined;
      return {
        code: 'ANNOTATION_MISMATCH',
        detail: `signature by ${fact.signer.authority} lacks the annotation ${missing[0]}=${missing[1]}`,
      };
    }
  }
}

function rejection(
  requirement: SignatureRequirement,
  outcomes: readonly AuthorityOutcome[],
  gaps: readonly EvidenceGap[],
): { readonly code: RejectedReason; readonly message: string } {
  const names = requirement.authorities.map((a) => a.name).join(' or ');
  // What a limit kept from being read may hold the signature that is missing: junk must not say otherwise.
  const cut = gaps.find((gap) => gap.code === 'LIMIT_EXCEEDED');
  if (cut !== undefined)
    return {
      code: 'LIMIT_EXCEEDED',
      message: `no signature by ${names} in what was read (${gapMessage(cut)})`,
    };
  const signers = outcomes.flatMap((o) => (o.signer === undefined ? [] : [o.signer.authority]));
  if (signers.length > 0) {
    const count = `${signers.length.toString()} of ${requirement.threshold.toString()}`;
    return {
      code: 'THRESHOLD_NOT_MET',
      message: `signed by ${signers.join(', ')}, ${count} needed authorities`,
    };
  }
  const [furthest] = outcomes
    .flatMap((o) => o.refusals)
    .sort((a, b) => rank(b.code) - rank(a.code));
  const detail = furthest === undefined ? '' : ` (${furthest.detail})`;
  if (
    furthest !== undefined &&
    furthest.code !== 'NO_SIGNATURE' &&
    !isInconclusive(furthest.code)
  ) {
    return { code: furthest.code, message: `no signature by ${names}${detail}` };
  }
  for (const gap of gaps) {
    if (!isInconclusive(gap.code)) return { code: gap.code, message: gapMessage(gap) };
  }
  return { code: 'NO_SIGNATURE', message: `no signature by ${names}${detail}` };
}

/** A code that the table does not know comes from beyond all checks in it. */
function rank(code: ReasonCode): number {
  const at = PROGRESS.indexOf(code);
  return at < 0 ? PROGRESS.length : at;
}

function gapMessage(gap: EvidenceGap): string {
  return `${gap.what}: ${gap.detail}`;
}

function originOf(signature: RawSignature): string {
  return `${signature.format} ${signature.digest} (${signature.origin})`;
}

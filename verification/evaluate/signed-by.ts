// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { VerifiedSigner } from '../cosign/index.ts';
import type { CompiledAuthority } from '../authority/index.ts';
import type { Evidence, EvidenceGap, RawSignature } from '../ports.ts';
import {
  isInconclusive,
  type InconclusiveReason,
  type ReasonCode,
  type RejectedReason,
} from '../reasons.ts';
import type { CheckResult, EvidenceTrail, RequirementResult, SignerProof } from '../result.ts';
import type { Validity } from '../trust/index.ts';
import { assign } from './assign.ts';

/** How far a piece of evidence came before it was refused: the furthest one gives the code. */
const PROGRESS: readonly ReasonCode[] = [
  'NO_SIGNATURE',
  'ATTESTATION_MISSING',
  'PREDICATE_TYPE_MISMATCH',
  'BUNDLE_MALFORMED',
  'KEY_UNTRUSTED',
  'CERT_MALFORMED',
  'SIGNATURE_INVALID',
  'LIMIT_EXCEEDED',
  'TIMESTAMP_MISSING',
  'TLOG_MISSING',
  'TIMESTAMP_UNTRUSTED',
  'TLOG_KEY_UNTRUSTED',
  'TLOG_ENTRY_MISMATCH',
  'TLOG_PROOF_INVALID',
  'CERT_CHAIN_INVALID',
  'CERT_USAGE',
  'CERT_EXPIRED_AT_SIGNING',
  'SCT_MISSING',
  'SCT_INVALID',
  'THRESHOLD_NOT_MET',
  'KEY_EXPIRED',
  'IDENTITY_MISMATCH',
  'PAYLOAD_MALFORMED',
  'SUBJECT_MISMATCH',
  'ANNOTATION_MISMATCH',
  'PREDICATE_REJECTED',
  'ATTESTATION_STALE',
];

/** What one piece of evidence is worth for one authority at present. */
export type Worth =
  | { readonly worth: 'proof'; readonly signer: VerifiedSigner; readonly window: Validity }
  | { readonly worth: 'refused'; readonly code: ReasonCode; readonly detail: string };

/** A worth with the checks that it rests on. */
export type Weighed = Worth & { readonly checks: readonly CheckResult[] };

/** What is asked, of which evidence, in which words. */
export interface SignedByQuestion {
  readonly requirement: {
    readonly name: string;
    readonly authorities: readonly CompiledAuthority[];
    readonly threshold: number;
  };
  readonly category: 'Image Signature' | 'Image Attestation';
  readonly evidence: Evidence;
  /** The gaps that may hide what is asked for. */
  readonly gaps: readonly EvidenceGap[];
  readonly weigh: (signature: RawSignature, authority: CompiledAuthority) => Weighed;
  /** What is missing where nothing was found. */
  readonly missing: 'NO_SIGNATURE' | 'ATTESTATION_MISSING';
  /** What is looked for, e.g. `signature`. */
  readonly noun: string;
}

/** A result, and the time during which it holds where it is `verified`. */
export interface SignedByAnswer {
  readonly result: RequirementResult;
  readonly window: Validity;
}

interface Refusal {
  readonly code: ReasonCode;
  readonly detail: string;
}

interface Proof {
  readonly proof: SignerProof;
  readonly window: Validity;
}

interface AuthorityOutcome {
  readonly proofs: readonly Proof[];
  readonly refusals: readonly Refusal[];
  readonly trail: readonly EvidenceTrail[];
}

const NEVER: Validity = { from: Infinity, until: -Infinity };

/**
 * Holds once `threshold` distinct authorities, by distinct identities, each have one piece of evidence
 * that proves all that is asked. A refused piece never hides a good one.
 */
export function evaluateSignedBy(question: SignedByQuestion): SignedByAnswer {
  const { requirement, category, noun } = question;
  const outcomes = requirement.authorities.map((authority) => judgeAuthority(authority, question));
  const base = {
    requirement: requirement.name,
    category,
    trail: outcomes.flatMap((o) => o.trail),
  };
  const assigned = assign(
    outcomes.map((o) => o.proofs),
    ({ proof }) => JSON.stringify([proof.identity, proof.issuer]),
  );
  if (assigned.length >= requirement.threshold) {
    const signers = assigned.map(({ proof }) => proof);
    const verb = noun === 'signature' ? 'signed' : 'attested';
    const message = `${verb} by ${signers.map((s) => s.authority).join(', ')}`;
    const window = {
      from: Math.max(...assigned.map((a) => a.window.from)),
      until: Math.min(...assigned.map((a) => a.window.until)),
    };
    const holds = window.until === Infinity ? {} : { holdsUntil: window.until };
    return { result: { ...base, outcome: 'verified', message, signers, ...holds }, window };
  }
  const open = openQuestion(outcomes, question.gaps);
  const result: RequirementResult =
    open === undefined
      ? { ...base, outcome: 'rejected', ...rejection(question, outcomes, assigned) }
      : { ...base, outcome: 'inconclusive', ...open };
  return { result, window: NEVER };
}

function judgeAuthority(
  authority: CompiledAuthority,
  { requirement, evidence, weigh }: SignedByQuestion,
): AuthorityOutcome {
  const proofs: Proof[] = [];
  const refusals: Refusal[] = [];
  const trail: EvidenceTrail[] = [];
  for (const signature of evidence.signatures) {
    const weighed = weigh(signature, authority);
    trail.push({ origin: originOf(signature), authority: authority.name, checks: weighed.checks });
    if (weighed.worth === 'proof') {
      proofs.push({ proof: weighed.signer.proof, window: weighed.window });
      // Others can only matter where several identities are needed.
      if (requirement.threshold === 1) break;
    } else refusals.push(weighed);
  }
  return { proofs, refusals, trail };
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

interface Rejection {
  readonly code: RejectedReason;
  readonly message: string;
}

function rejection(
  { requirement, gaps, missing, noun }: SignedByQuestion,
  outcomes: readonly AuthorityOutcome[],
  assigned: readonly Proof[],
): Rejection {
  const nothing = `no ${noun} by ${requirement.authorities.map((a) => a.name).join(' or ')}`;
  // What a limit kept from being read may hold what is missing: junk must not say otherwise.
  const cut = gaps.find((gap) => gap.code === 'LIMIT_EXCEEDED');
  if (cut !== undefined)
    return { code: 'LIMIT_EXCEEDED', message: `${nothing} in what was read (${gapMessage(cut)})` };
  if (assigned.length > 0) {
    const names = assigned.map(({ proof }) => proof.authority).join(', ');
    const count = `${assigned.length.toString()} of ${requirement.threshold.toString()}`;
    return {
      code: 'THRESHOLD_NOT_MET',
      message: `${noun} by ${names}, ${count} needed authorities`,
    };
  }
  const furthest = furthestOf(outcomes.flatMap((o) => o.refusals));
  const detail = furthest === undefined ? '' : ` (${furthest.detail})`;
  const code = furthest?.code ?? missing;
  if (code !== missing && !isInconclusive(code)) return { code, message: `${nothing}${detail}` };
  for (const gap of gaps) {
    if (!isInconclusive(gap.code)) return { code: gap.code, message: gapMessage(gap) };
  }
  return { code: missing, message: `${nothing}${detail}` };
}

function furthestOf(refusals: readonly Refusal[]): Refusal | undefined {
  return [...refusals].sort((a, b) => rank(b.code) - rank(a.code))[0];
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

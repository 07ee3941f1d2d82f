// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { toVerificationError, type VerificationError } from '../error.ts';
import type { ExceptionIndex } from '../exception/index.ts';
import { repositoryName, type Digest, type ImageReference } from '../image/index.ts';
import {
  asksForEvidence,
  type AttestationRequirement,
  type CompiledPolicy,
  type CompiledRequirement,
  type SignatureRequirement,
} from '../policy/index.ts';
import type { Evidence } from '../ports.ts';
import { isInconclusive } from '../reasons.ts';
import {
  verdictOf,
  type NonEmpty,
  type RejectedResult,
  type RequirementResult,
  type Verdict,
} from '../result.ts';
import { evaluateAttestation } from './attestation.ts';
import { coverageOf, ExceptionCase, isFor, type Coverage } from './exception.ts';
import type { Facts } from './fact-question.ts';
import { evaluateSignature } from './signature.ts';

/** What is judged: one image by digest, used by one service account in one namespace. */
export interface Subject {
  readonly image: ImageReference;
  readonly digest: Digest;
  readonly namespace: string;
  readonly serviceAccount: string;
}

/** Evidence as far as it could be had. `not-needed` is good only for policies that need none. */
export type EvidenceState =
  | { readonly state: 'collected'; readonly evidence: Evidence }
  | { readonly state: 'failed'; readonly error: VerificationError }
  | { readonly state: 'not-needed' };

/** All that a verdict depends on. */
export interface Case {
  readonly policy: CompiledPolicy;
  readonly subject: Subject;
  readonly evidence: EvidenceState;
  readonly exceptions: ExceptionIndex;
  readonly now: Date;
  readonly facts: Facts;
  /** Name of the cluster or fleet: signed approvals of exceptions are for one. */
  readonly cluster?: string | undefined;
}

/**
 * The one verdict (design §1): admission, re-verification, reports and CI all call this function.
 * Total, synchronous, deterministic. A requirement that a live exception covers is exempt without a
 * look at the evidence; whatever is thrown inside becomes INTERNAL for that requirement, never a pass.
 */
export function evaluate(question: Case): Verdict {
  let found: { readonly among: ExceptionCase | undefined } | undefined;
  const among = (): ExceptionCase | undefined => (found ??= { among: casesOf(question) }).among;
  const [first, ...rest] = question.policy.requirements;
  const results: NonEmpty<RequirementResult> = [
    judge(first, question, among),
    ...rest.map((r) => judge(r, question, among)),
  ];
  return verdictOf(question.policy.name, results);
}

/**
 * Whether the verdict depends on evidence at this instant: false where no requirement asks for any,
 * or where live exceptions cover all that do. So an exception applies without registry contact.
 */
export function evidenceNeeded(question: Omit<Case, 'evidence' | 'facts'>): boolean {
  const { policy, subject } = question;
  if (!policy.needsEvidence) return false;
  const among = casesOf(question);
  if (among === undefined) return true;
  const { serviceAccount } = subject;
  return policy.requirements.some((requirement) => {
    if (!asksForEvidence(requirement)) return false;
    const use = { requirement: requirement.name, serviceAccount };
    return !among.siblings.some((e) => isFor(e, use) && coverageOf(e, use, among).state === 'live');
  });
}

/** The exceptions that may help; `undefined` where there are none, as there mostly are. */
function casesOf(question: Omit<Case, 'evidence' | 'facts'>): ExceptionCase | undefined {
  const { policy, subject, now, cluster, exceptions } = question;
  const siblings = exceptions.candidates(policy.name, subject.namespace, subject.digest);
  if (siblings.length === 0) return undefined;
  return new ExceptionCase({ policy, now: now.getTime(), cluster, siblings });
}

function judge(
  requirement: CompiledRequirement,
  question: Case,
  exceptions: () => ExceptionCase | undefined,
): RequirementResult {
  try {
    const among = exceptions();
    return among === undefined
      ? judgeEvidence(requirement, question)
      : judgeWithExceptions(requirement, question, among);
  } catch (thrown) {
    return {
      ...baseOf(requirement),
      outcome: 'inconclusive',
      code: 'INTERNAL',
      message: toVerificationError(thrown).message,
    };
  }
}

function judgeWithExceptions(
  requirement: CompiledRequirement,
  question: Case,
  among: ExceptionCase,
): RequirementResult {
  const { serviceAccount } = question.subject;
  const use = { requirement: requirement.name, serviceAccount };
  const fitting = among.siblings.filter((exception) => isFor(exception, use));
  const coverages = fitting.map((exception) => coverageOf(exception, use, among));
  const [live] = coverages.filter((c) => c.state === 'live').sort(latestFirst);
  if (live !== undefined) return exempt(requirement, live);
  const result = judgeEvidence(requirement, question);
  // Most images that others may have exceptions for are verified: why those do not help is then not asked.
  if (result.outcome !== 'rejected') return result;
  const others = among.siblings.filter((exception) => !isFor(exception, use));
  return withVoidException(result, [
    ...coverages,
    ...others.map((exception) => coverageOf(exception, use, among)),
  ]);
}

function exempt(requirement: CompiledRequirement, { exception }: Coverage): RequirementResult {
  const { use } = exception;
  return {
    outcome: 'exempt',
    requirement: requirement.name,
    category: 'Signing Exception',
    message: `covered by the exception ${use.namespace}/${use.name} until ${use.expiresAt}`,
    trail: [],
    exception: use,
  };
}

/** Which of several exceptions is named must not depend on the order in which a watch saw them. */
function latestFirst({ exception: a }: Coverage, { exception: b }: Coverage): number {
  return b.expiresAt - a.expiresAt || (a.name < b.name ? -1 : 1);
}

/** The most telling of several exceptions that do not help: one that ended, then one that is void. */
const TELLING = [
  'EXCEPTION_EXPIRED',
  'EXCEPTION_UNAPPROVED',
  'EXCEPTION_INVALID',
  'EXCEPTION_OUT_OF_SCOPE',
];

function withVoidException(
  result: RejectedResult,
  coverages: readonly Coverage[],
): RequirementResult {
  const [told] = coverages
    .filter((c) => c.state === 'void')
    .sort((a, b) => TELLING.indexOf(a.code) - TELLING.indexOf(b.code) || latestFirst(a, b));
  if (told === undefined) return result;
  return {
    ...result,
    code: told.code,
    underlying: result.code,
    message: `${result.message}; ${told.detail}`,
    exception: told.exception.use,
  };
}

function judgeEvidence(requirement: CompiledRequirement, question: Case): RequirementResult {
  switch (requirement.kind) {
    case 'allowedDigests':
      return judgeDigest(requirement, question.subject);
    case 'allowedRepositories':
      return judgeRepository(requirement, question.subject);
    case 'signature':
    case 'attestation':
      return judgeCollected(requirement, question);
  }
}

function judgeDigest(
  requirement: Extract<CompiledRequirement, { kind: 'allowedDigests' }>,
  subject: Subject,
): RequirementResult {
  const base = baseOf(requirement);
  if (requirement.digests.has(subject.digest)) {
    return { ...base, outcome: 'verified', message: 'the digest is on the list', signers: [] };
  }
  return {
    ...base,
    outcome: 'rejected',
    code: 'DIGEST_NOT_ALLOWED',
    message: 'the digest is not on the list of allowed digests',
  };
}

function judgeRepository(
  requirement: Extract<CompiledRequirement, { kind: 'allowedRepositories' }>,
  subject: Subject,
): RequirementResult {
  const base = baseOf(requirement);
  const name = repositoryName(subject.image);
  if (requirement.allows(subject.image)) {
    return { ...base, outcome: 'verified', message: `${name} is on the list`, signers: [] };
  }
  const message = `${name} is not on the list of allowed repositories`;
  return { ...base, outcome: 'rejected', code: 'REPOSITORY_NOT_ALLOWED', message };
}

function judgeCollected(
  requirement: SignatureRequirement | AttestationRequirement,
  { evidence, subject, facts, now, policy }: Case,
): RequirementResult {
  switch (evidence.state) {
    case 'collected': {
      if (evidence.evidence.digest !== subject.digest)
        throw new Error('evidence is of another digest');
      const question = {
        evidence: evidence.evidence,
        facts,
        image: subject.image,
        now: now.getTime(),
        acceptsIndex: policy.acceptsIndex,
      };
      return requirement.kind === 'signature'
        ? evaluateSignature(requirement, question)
        : evaluateAttestation(requirement, question);
    }
    case 'failed': {
      const base = baseOf(requirement);
      const { code, message } = evidence.error;
      return isInconclusive(code)
        ? { ...base, outcome: 'inconclusive', code, message }
        : { ...base, outcome: 'rejected', code, message };
    }
    case 'not-needed':
      throw new Error('evidence is needed but was not collected');
  }
}

function baseOf({ name, kind }: CompiledRequirement): {
  readonly requirement: string;
  readonly category: 'Image Signature' | 'Image Attestation';
  readonly trail: readonly [];
} {
  const category = kind === 'attestation' ? 'Image Attestation' : 'Image Signature';
  return { requirement: name, category, trail: [] };
}

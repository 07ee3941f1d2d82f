// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { ImageJudgement } from '../../runtime/judge/index.ts';
import {
  failureLine,
  isInconclusive,
  printable,
  type ReasonCode,
  type SignerProof,
} from '../../verification/index.ts';
import {
  allowed,
  denied,
  type AdmissionResponse,
  type AuditAnnotations,
  type Cause,
} from '../admission/respond.ts';
import { warningLine } from '../admission/warning.ts';
import type { Finding, Ground } from './finding.ts';
import type { Target } from './target.ts';

/** What an answer rests on. */
export interface Basis extends Ground {
  readonly target: Target;
  /** By index of the changed field. */
  readonly findings: readonly (readonly Finding[])[];
  readonly judgements: readonly ImageJudgement[];
}

/** An answer, and the code that decided it where it is a denial. */
export interface Folded {
  readonly response: AdmissionResponse;
  readonly code?: ReasonCode;
  /** For the audit record, only where that is kept. */
  readonly basis?: Basis;
}

const MAX_LINES = 10;
const MAX_FINDING = 1024;

/**
 * Makes the one answer: any rejected image denies, then any inconclusive one, each with its own code;
 * what only warns goes along as warnings. A mirror pod is never denied: nobody could keep it from
 * running. A derived template adds no warnings to those that its author had.
 */
export function fold(
  uid: string,
  target: Target,
  findings: readonly Finding[],
  judgements: readonly ImageJudgement[],
): Folded {
  if (findings.length === 0 && judgements.length === 0) return { response: allowed(uid) };
  const audit = auditOf(findings, judgements);
  const denials = target.mirror ? [] : ordered(findings.filter((f) => f.effect === 'deny'));
  const spoken = target.derived ? [] : findings.filter((f) => target.mirror || f.effect === 'warn');
  const warnings = spoken.length === 0 ? [] : unique(spoken.map(warningOf));
  const [first] = denials;
  if (first === undefined) return { response: allowed(uid, { warnings, audit }) };
  return {
    response: denied(uid, messageOf(denials), denials.map(causeOf), { warnings, audit }),
    code: first.code,
  };
}

/** Rejected before inconclusive; otherwise in the order of the object. */
function ordered(findings: readonly Finding[]): readonly Finding[] {
  const open = findings.filter((f) => isInconclusive(f.code));
  return open.length === 0
    ? findings
    : [...findings.filter((f) => !isInconclusive(f.code)), ...open];
}

function messageOf(denials: readonly Finding[]): string {
  const lines = unique(denials.map(lineOf));
  if (lines.length <= MAX_LINES) return lines.join('\n');
  return [...lines.slice(0, MAX_LINES), `and ${(lines.length - MAX_LINES).toString()} more`].join(
    '\n',
  );
}

function lineOf({ field, message, rule, code, digest }: Finding): string {
  const extras = {
    ...(rule === undefined ? {} : { rule }),
    ...(digest === undefined ? {} : { digest }),
  };
  return failureLine({
    image: imageOf(field.image),
    message: message.slice(0, MAX_FINDING),
    code,
    ...extras,
  });
}

function warningOf({ field, message, rule, code }: Finding): string {
  return warningLine({
    image: imageOf(field.image),
    message,
    code,
    ...(rule === undefined ? {} : { rule }),
  });
}

function causeOf(finding: Finding): Cause {
  return {
    reason: finding.code,
    message: printable(finding.message.slice(0, MAX_FINDING)),
    field: finding.field.path,
  };
}

function imageOf(written: string): string {
  return written === '' ? '(no image)' : written.slice(0, 512);
}

function auditOf(
  findings: readonly Finding[],
  judgements: readonly ImageJudgement[],
): AuditAnnotations {
  const sets: AuditSets = {
    policy: new Set(),
    digest: new Set(),
    identity: new Set(),
    exception: new Set(),
  };
  let verdict = rankOfFindings(findings);
  for (const { use, policies } of judgements) {
    sets.digest.add(use.image.digest);
    for (const judgement of policies)
      verdict = Math.max(verdict, addVerdict(sets, judgement.verdict));
  }
  for (const { rule } of findings)
    if (rule !== undefined) sets.policy.add(rule.split('/', 1)[0] ?? rule);
  return {
    verdict: VERDICTS[verdict] ?? 'unmatched',
    ...listed('policy', sets.policy),
    ...listed('digest', sets.digest),
    ...listed('identity', sets.identity),
    ...listed('exception', sets.exception),
    ...listed('reason', new Set(findings.map((f) => f.code))),
    ...listed('evidenceFrom', new Set(findings.flatMap((f) => f.evidenceFrom ?? []))),
  };
}

interface AuditSets {
  readonly policy: Set<string>;
  readonly digest: Set<string>;
  readonly identity: Set<string>;
  readonly exception: Set<string>;
}

/** In the order of severity: the worst one is the verdict of the request. */
const VERDICTS = ['unmatched', 'verified', 'exempt', 'inconclusive', 'rejected'] as const;

function rankOfFindings(findings: readonly Finding[]): number {
  return findings.reduce((rank, { code, evidenceFrom }) => {
    if (evidenceFrom !== undefined) return rank;
    return Math.max(rank, VERDICTS.indexOf(isInconclusive(code) ? 'inconclusive' : 'rejected'));
  }, 0);
}

function addVerdict(
  sets: AuditSets,
  verdict: ImageJudgement['policies'][number]['verdict'],
): number {
  sets.policy.add(verdict.policy);
  for (const result of verdict.results) {
    if (result.outcome === 'verified')
      for (const signer of result.signers) sets.identity.add(identityOf(signer));
    if (result.outcome === 'exempt')
      sets.exception.add(`${result.exception.namespace}/${result.exception.name}`);
  }
  return VERDICTS.indexOf(verdict.outcome);
}

/** Proofs are shared by all answers that rest on them, and so is their name. */
const identities = new WeakMap<SignerProof, string>();

function identityOf(signer: SignerProof): string {
  const known = identities.get(signer);
  if (known !== undefined) return known;
  const identity = `${signer.authority}=${signer.identity}`;
  identities.set(signer, identity);
  return identity;
}

function listed(
  key: keyof AuditSets | 'reason' | 'evidenceFrom',
  values: ReadonlySet<string>,
): AuditAnnotations {
  return values.size === 0 ? {} : { [key]: [...values].join(',') };
}

function unique(lines: readonly string[]): readonly string[] {
  return [...new Set(lines)];
}

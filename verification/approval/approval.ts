// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { signerWindow, untimelySigner } from '../cosign/index.ts';
import type { CompiledException } from '../exception/index.ts';
import type { CompiledPolicy } from '../policy/index.ts';
import type { CheckResult } from '../result.ts';
import { ApprovalAllowance } from './allowance.ts';
import { isSamePerson } from './person.ts';
import { checkApproval, type SignedApproval } from './signed.ts';

/** When and where an approval is asked for. */
export interface ApprovalMoment {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Name of the cluster or fleet; without one no signed approval counts. */
  readonly cluster: string | undefined;
  /** What may be verified for it that was not verified before; without one, all. */
  readonly allowance?: ApprovalAllowance | undefined;
}

/** Whether somebody approved an exception as it is. */
export type Approval =
  | { readonly state: 'not-required' }
  | { readonly state: 'approved'; readonly by: string }
  /** `detail`: why each approval there is does not count. */
  | { readonly state: 'unapproved'; readonly detail: string };

/**
 * Whether an exception from a policy is approved at an instant: by an approval in the cluster, which
 * the API server lets in from nobody else than the approver, or by a signature of one of the policy's
 * approvers over exactly this exception. Nobody approves what he asked for.
 */
export function approvalOf(
  exception: CompiledException,
  policy: CompiledPolicy,
  moment: ApprovalMoment,
): Approval {
  return approvalBy(exception, policy, { ...moment, lapse: refusalOfTime });
}

/**
 * Whether somebody approved an exception as it is, at whatever time: an approval that has expired since
 * still tells that somebody answers for it.
 */
export function everApproved(
  exception: CompiledException,
  policy: CompiledPolicy,
  moment: ApprovalMoment,
): Approval {
  return approvalBy(exception, policy, { ...moment, lapse: () => undefined });
}

interface Weighing extends ApprovalMoment {
  /** Why an approval does not count any more; `undefined` where it does. */
  readonly lapse: (terms: Terms, now: number) => string | undefined;
}

function approvalBy(
  exception: CompiledException,
  policy: CompiledPolicy,
  weighing: Weighing,
): Approval {
  if (policy.spec.exceptions.approval === 'NotRequired') return { state: 'not-required' };
  const { now, lapse, allowance } = weighing;
  const refusals: string[] = [];
  for (const { approver, ...terms } of exception.approvals) {
    const refusal = refusalOfTerms(approver, terms, exception) ?? lapse(terms, now);
    if (refusal === undefined) return { state: 'approved', by: approver };
    refusals.push(`that of ${approver} ${refusal}`);
  }
  const signed = signedApprovals(exception, policy, allowance);
  for (const approval of signed ?? NONE) {
    const { by, refusal } = weigh(approval, exception, weighing);
    if (refusal === undefined) return { state: 'approved', by };
    refusals.push(`one for ${by} ${refusal}`);
  }
  if (signed === undefined)
    refusals.push('its signed approvals are not verified yet: there are many');
  return { state: 'unapproved', detail: [...refusals, ...inVain(exception, policy)].join('; ') };
}

function inVain({ bundles }: CompiledException, policy: CompiledPolicy): readonly string[] {
  if (bundles.length === 0 || policy.approvers.length > 0) return [];
  return [`the policy ${policy.name} names no approvers whose signature counts`];
}

/** What one signed approval is worth for one approver of the policy, at an instant. */
export interface WeighedApproval {
  /** Which of the bundles of the exception, from 0. */
  readonly bundle: number;
  /** The approver it was held against. */
  readonly authority: string;
  /** The approver, with the identity that signed where a signature of him verifies. */
  readonly by: string;
  /** Why it does not count; `undefined` where it does. */
  readonly refusal: string | undefined;
  readonly checks: readonly CheckResult[];
}

/** Each signed approval against each approver, as {@link approvalOf} weighs them: for people. */
export function weighSigned(
  exception: CompiledException,
  policy: CompiledPolicy,
  moment: ApprovalMoment,
): readonly WeighedApproval[] {
  const signed = signedApprovals(exception, policy) ?? NONE;
  return signed.map((approval, index) => ({
    bundle: Math.floor(index / policy.approvers.length),
    authority: policy.approvers[index % policy.approvers.length]?.name ?? '',
    ...weigh(approval, exception, { ...moment, lapse: refusalOfTime }),
    checks: approval.checks,
  }));
}

/**
 * Milliseconds since the epoch at which an approval begins or ceases to count by itself. Signed ones that
 * the allowance does not suffice for are left out: see {@link hasUnverifiedApprovals}.
 */
export function approvalBoundaries(
  exception: CompiledException,
  policy: CompiledPolicy,
  allowance?: ApprovalAllowance,
): readonly number[] {
  if (policy.spec.exceptions.approval === 'NotRequired') return [];
  const inCluster = exception.approvals.map(({ expiresAt }) => expiresAt);
  const signed = (signedApprovals(exception, policy, allowance) ?? NONE).flatMap((approval) => {
    if (approval.outcome === 'refused') return [];
    const { from, until } = signerWindow(approval.signer);
    return [from, until + 1, Date.parse(approval.approval.expiresAt)];
  });
  return [...inCluster, ...signed].filter(Number.isFinite);
}

/** Whether an exception has signed approvals that nobody could verify yet. */
export function hasUnverifiedApprovals(
  exception: CompiledException,
  policy: CompiledPolicy,
): boolean {
  if (policy.spec.exceptions.approval === 'NotRequired') return false;
  return signedApprovals(exception, policy, NOTHING) === undefined;
}

/** What an approval of either kind is for. */
interface Terms {
  readonly specHash?: string;
  /** Milliseconds since the epoch. */
  readonly latestExpiresAt: number;
  readonly expiresAt: number;
}

function refusalOfTerms(
  approver: string,
  terms: Terms,
  exception: CompiledException,
): string | undefined {
  if (isSamePerson(approver, exception.requestedBy))
    return 'does not count: it is of who asked for it';
  if (terms.specHash !== undefined && terms.specHash !== exception.specHash)
    return 'is of another spec than this';
  // Whatever does not compare (NaN) is not approved.
  if (!(exception.expiresAt <= terms.latestExpiresAt))
    return 'is for an earlier end: expiresAt was put off since';
  return Number.isNaN(terms.expiresAt) ? 'has expired' : undefined;
}

function refusalOfTime({ expiresAt }: Terms, now: number): string | undefined {
  return now < expiresAt ? undefined : 'has expired';
}

function weigh(
  signed: SignedApproval,
  exception: CompiledException,
  weighing: Weighing,
): { readonly by: string; readonly refusal: string | undefined } {
  if (signed.outcome === 'refused')
    return { by: signed.authority, refusal: `does not count: ${signed.detail}` };
  const { authority, identity } = signed.signer.proof;
  const refusal =
    refusalOf(signed, exception, weighing) ?? weighing.lapse(termsOf(signed), weighing.now);
  return { by: `${authority} (${identity})`, refusal };
}

/** Why a signature that verifies approves nothing, apart from the end of the approval. */
function refusalOf(
  signed: SignedByApprover,
  exception: CompiledException,
  moment: ApprovalMoment,
): string | undefined {
  const { authority, identity } = signed.signer.proof;
  const isOwn = isSamePerson(authority, exception.requestedBy);
  return (
    placeRefusal(signed.approval, exception, moment) ??
    (isOwn ? 'does not count: it is of who asked for it' : undefined) ??
    refusalOfTerms(identity, termsOf(signed), exception) ??
    untimelySigner(signed.signer, moment.now)?.detail
  );
}

type SignedByApprover = Extract<SignedApproval, { outcome: 'signed' }>;

function termsOf({ approval }: SignedByApprover): Terms {
  return {
    latestExpiresAt: Date.parse(approval.latestExpiresAt),
    expiresAt: Date.parse(approval.expiresAt),
  };
}

function placeRefusal(
  { cluster, namespace, name }: { cluster: string; namespace: string; name: string },
  exception: CompiledException,
  moment: ApprovalMoment,
): string | undefined {
  if (moment.cluster === undefined) return 'does not count: this cluster has no name';
  if (cluster !== moment.cluster) return `is for the cluster ${JSON.stringify(cluster)}`;
  if (namespace === exception.namespace && name === exception.name) return undefined;
  return `is for the exception ${JSON.stringify(`${namespace}/${name}`)}`;
}

/** Verified once for an exception and a policy as they are: both are immutable. */
const verified = new WeakMap<
  CompiledException,
  WeakMap<CompiledPolicy, readonly SignedApproval[]>
>();

/** `undefined` where verifying them is more than what is left of the allowance. */
function signedApprovals(
  exception: CompiledException,
  policy: CompiledPolicy,
  allowance?: ApprovalAllowance,
): readonly SignedApproval[] | undefined {
  const { bundles, specHash } = exception;
  const checks = bundles.length * policy.approvers.length;
  if (checks === 0) return NONE;
  const byPolicy =
    verified.get(exception) ?? new WeakMap<CompiledPolicy, readonly SignedApproval[]>();
  const known = byPolicy.get(policy);
  const open = known === undefined ? checks : known.filter(isOpen).length;
  if (known !== undefined && open === 0) return known;
  if (allowance?.take(open) === false) return known;
  const approvals = bundles.flatMap((bundle, i) =>
    policy.approvers.map((authority, j) => {
      const before = known?.[i * policy.approvers.length + j];
      const isSettled = before !== undefined && !isOpen(before);
      return isSettled ? before : checkApproval(bundle, specHash, authority);
    }),
  );
  verified.set(exception, byPolicy.set(policy, approvals));
  return approvals;
}

/** Whether a check broke down, and is made again. */
function isOpen(approval: SignedApproval): boolean {
  return approval.outcome === 'refused' && approval.isOpen;
}

const NONE: readonly SignedApproval[] = [];
/** Only what is known already. */
const NOTHING = new ApprovalAllowance(0);

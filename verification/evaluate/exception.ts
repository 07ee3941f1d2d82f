// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import {
  ApprovalAllowance,
  approvalOf,
  everApproved,
  type Approval,
  type ApprovalMoment,
} from '../approval/index.ts';
import type { CompiledException } from '../exception/index.ts';
import type { CompiledPolicy } from '../policy/index.ts';
import type { RejectedReason } from '../reasons.ts';

/** Whether an exception covers one requirement for one service account at one instant. */
export type Coverage =
  | { readonly state: 'live'; readonly exception: CompiledException }
  | {
      readonly state: 'void';
      readonly exception: CompiledException;
      readonly code: RejectedReason;
      readonly detail: string;
    };

/** When, where and among which others an exception is judged. */
export interface ExceptionMoment {
  readonly policy: CompiledPolicy;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Name of the cluster or fleet, for signed approvals. */
  readonly cluster: string | undefined;
  /** All exceptions from the policy in the namespace for the digest, those that are judged among them. */
  readonly siblings: readonly CompiledException[];
}

/** Who is to be exempt from what. */
export interface Use {
  readonly requirement: string;
  readonly serviceAccount: string;
}

/** What the exceptions for one digest have in common while they are judged; good for one instant. */
export class ExceptionCase {
  readonly policy: CompiledPolicy;
  readonly now: number;
  readonly siblings: readonly CompiledException[];
  readonly #cluster: string | undefined;
  readonly #allowance = new ApprovalAllowance();
  #open: { readonly first: CompiledException | undefined } | undefined;

  constructor({ policy, now, cluster, siblings }: ExceptionMoment) {
    this.policy = policy;
    this.now = now;
    this.siblings = siblings;
    this.#cluster = cluster;
  }

  /** Whether somebody approved it, as it is and now. */
  approvalOf(exception: CompiledException): Approval {
    return approvalOf(exception, this.policy, this.#moment);
  }

  /**
   * The exception of the class Incident that was there before this one, for the same policy, namespace and
   * digest, and that nobody ever approved as it is: as long as there is one, no second one has effect
   * without approval. That it ended or was revoked changes nothing: approving it afterwards, or an
   * administrator who deletes it, does.
   */
  earlierIncident(exception: CompiledException): CompiledException | undefined {
    this.#open ??= { first: this.#firstOpen() };
    const { first } = this.#open;
    return first !== undefined && isBefore(first, exception) ? first : undefined;
  }

  get #moment(): ApprovalMoment {
    return { now: this.now, cluster: this.#cluster, allowance: this.#allowance };
  }

  /** The first of all that nobody approved: looked for once, however many there are. */
  #firstOpen(): CompiledException | undefined {
    let first: CompiledException | undefined;
    for (const other of this.siblings) {
      if (other.class !== 'Incident' || policyFault(other, this.policy) !== undefined) continue;
      if (first !== undefined && !isBefore(other, first)) continue;
      const { state } = everApproved(other, this.policy, this.#moment);
      if (state === 'unapproved') first = other;
    }
    return first;
  }
}

/**
 * Judges one exception that names the policy, namespace and digest. Every comparison is made at use;
 * whatever does not compare (NaN) counts as ended. Exceptions never combine: each is judged alone, and
 * others can only stand in its way.
 */
export function coverageOf(exception: CompiledException, use: Use, among: ExceptionCase): Coverage {
  const fault =
    scopeFault(exception, use) ??
    policyFault(exception, among.policy) ??
    timeFault(exception, among.now) ??
    approvalFault(exception, among);
  return fault === undefined
    ? { state: 'live', exception }
    : { state: 'void', exception, ...fault };
}

/** Why an exception does not help, as results say it. */
export interface Fault {
  readonly code: RejectedReason;
  readonly detail: string;
}

/** Whether an exception names the requirement and the service account. */
export function isFor(exception: CompiledException, use: Use): boolean {
  return namesAccount(exception, use) && waives(exception, use);
}

function namesAccount({ serviceAccounts }: CompiledException, { serviceAccount }: Use): boolean {
  return serviceAccounts.has(serviceAccount);
}

function waives({ requirements }: CompiledException, { requirement }: Use): boolean {
  return requirements === 'all' || requirements.has(requirement);
}

function scopeFault(exception: CompiledException, use: Use): Fault | undefined {
  if (!namesAccount(exception, use)) {
    const account = JSON.stringify(use.serviceAccount);
    const detail = `${nameOf(exception)} is not for the service account ${account}`;
    return { code: 'EXCEPTION_OUT_OF_SCOPE', detail };
  }
  if (waives(exception, use)) return undefined;
  const detail = `${nameOf(exception)} does not waive ${use.requirement}`;
  return { code: 'EXCEPTION_OUT_OF_SCOPE', detail };
}

/** Why a policy takes no exception like this one; `undefined` where it does. */
export function policyFault(
  exception: CompiledException,
  policy: CompiledPolicy,
): Fault | undefined {
  const invalid = (detail: string): Fault => ({
    code: 'EXCEPTION_INVALID',
    detail: `${nameOf(exception)}${detail}`,
  });
  const { allowed, maxDuration, incident } = policy.spec.exceptions;
  if (!allowed) return invalid(': the policy allows no exceptions');
  const isIncident = exception.class === 'Incident';
  if (isIncident && !incident.allowed)
    return invalid(': the policy allows no exceptions of the class Incident');
  const [maxMs, max] = isIncident
    ? [policy.maxIncidentMs, incident.maxDuration]
    : [policy.maxExceptionMs, maxDuration];
  if (exception.expiresAt - exception.notBefore <= maxMs) return undefined;
  return invalid(` is longer than the ${max} that the policy allows`);
}

/** Why an exception has no effect at an instant; `undefined` where it has. */
export function timeFault(exception: CompiledException, now: number): Fault | undefined {
  const id = nameOf(exception);
  const { revoked } = exception;
  if (revoked !== undefined) {
    return {
      code: 'EXCEPTION_EXPIRED',
      detail: `${id} was revoked at ${revoked.at} by ${revoked.by}: ${revoked.reason}`,
    };
  }
  if (exception.deletedAt !== undefined)
    return { code: 'EXCEPTION_EXPIRED', detail: `${id} was deleted at ${exception.deletedAt}` };
  if (!(now < exception.expiresAt) || Number.isNaN(exception.notBefore))
    return { code: 'EXCEPTION_EXPIRED', detail: `${id} ended at ${exception.use.expiresAt}` };
  if (!(now >= exception.notBefore)) {
    return {
      code: 'EXCEPTION_OUT_OF_SCOPE',
      detail: `${id} begins at ${new Date(exception.notBefore).toISOString()}`,
    };
  }
  return undefined;
}

function approvalFault(exception: CompiledException, among: ExceptionCase): Fault | undefined {
  const approval = among.approvalOf(exception);
  if (approval.state !== 'unapproved') return undefined;
  const code = 'EXCEPTION_UNAPPROVED';
  const id = nameOf(exception);
  const why = approval.detail === '' ? '' : `: ${approval.detail}`;
  if (exception.class !== 'Incident') return { code, detail: `${id} is not approved${why}` };
  const earlier = among.earlierIncident(exception);
  if (earlier === undefined) return undefined;
  return { code, detail: `${id} is not approved, nor is the earlier ${nameOf(earlier)}${why}` };
}

/** Which was there first; by name where that is not known, or both came in one second. */
function isBefore(a: CompiledException, b: CompiledException): boolean {
  return a.createdAt === b.createdAt ? a.name < b.name : a.createdAt < b.createdAt;
}

function nameOf(exception: CompiledException): string {
  return `exception ${exception.namespace}/${exception.name}`;
}

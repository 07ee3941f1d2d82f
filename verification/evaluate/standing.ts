// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { ExceptionReason } from '../../crds/index.ts';
import { approvalBoundaries, approvalOf, everApproved, type Approval } from '../approval/index.ts';
import type { CompiledException, ExceptionIndex } from '../exception/index.ts';
import type { CompiledPolicy } from '../policy/index.ts';
import { ExceptionCase, policyFault, timeFault } from './exception.ts';

/** When and where the standing of an exception is asked for. */
export interface StandingCase {
  /** The policy that it names, as it is in force; `undefined` where none of that name is. */
  readonly policy: CompiledPolicy | undefined;
  /** Whether a policy of that name exists, in force or not. */
  readonly policyExists: boolean;
  /** All exceptions there are. */
  readonly exceptions: ExceptionIndex;
  readonly now: Date;
  /** Name of the cluster or fleet, for signed approvals. */
  readonly cluster: string | undefined;
}

/** Why an exception has no effect, or a part of it has none. */
export interface Hindrance {
  readonly reason: (typeof ExceptionReason)[keyof typeof ExceptionReason];
  readonly message: string;
}

/** Something that is wrong with an exception as it is written. */
export interface ExceptionFault extends Hindrance {
  /** Whether it has no effect at all; otherwise only a part of it has none. */
  readonly whole: boolean;
  /** Whether it passes by itself: nobody has to act. */
  readonly passing: boolean;
}

/** How an exception stands at an instant, for people: what decides is `coverageOf`, by the same comparisons. */
export interface Standing {
  /** Why it has no effect now; `undefined` where it has. */
  readonly hindrance: Hindrance | undefined;
  /** Why it has no effect for some of its images, while it has for others. */
  readonly partial: Hindrance | undefined;
  /** What is wrong with it; nothing once it has ended. */
  readonly fault: ExceptionFault | undefined;
  /** `undefined` where its policy is not known, or allows nothing of the kind. */
  readonly approval: Approval | undefined;
  /** Instants at which the standing may change by itself, milliseconds since the epoch, in order. */
  readonly boundaries: readonly number[];
}

/** How an exception stands: total, and of the same mind as `evaluate`. */
export function standingOf(exception: CompiledException, asked: StandingCase): Standing {
  const now = asked.now.getTime();
  const ended = endOf(exception, now);
  const fault = ended === undefined ? faultOf(exception, asked) : undefined;
  const { policy } = asked;
  const approval = approvalAt(exception, asked, ended !== undefined);
  const blocked = blockage(exception, asked, approval);
  const hindrance =
    ended ??
    wholly(fault) ??
    (now < exception.notBefore ? notYet(exception) : undefined) ??
    wholly(blocked);
  const partial = hindrance === undefined ? blocked : undefined;
  return { hindrance, partial, fault, approval, boundaries: boundariesOf(exception, policy) };
}

/** What is in the way of every image and requirement. */
function wholly<T extends { readonly whole: boolean }>(found: T | undefined): T | undefined {
  return found?.whole === true ? found : undefined;
}

/** Of one that is over, an approval that has expired since still tells that somebody answers for it. */
function approvalAt(
  exception: CompiledException,
  { policy, cluster, now }: StandingCase,
  isOver: boolean,
): Approval | undefined {
  if (policy === undefined || policyFault(exception, policy) !== undefined) return undefined;
  const moment = { now: now.getTime(), cluster };
  return isOver ? everApproved(exception, policy, moment) : approvalOf(exception, policy, moment);
}

function boundariesOf(
  exception: CompiledException,
  policy: CompiledPolicy | undefined,
): readonly number[] {
  const approvals = policy === undefined ? [] : approvalBoundaries(exception, policy);
  return [exception.notBefore, exception.expiresAt, ...approvals].sort((a, b) => a - b);
}

function endOf(exception: CompiledException, now: number): Hindrance | undefined {
  const { revoked, deletedAt, use } = exception;
  if (revoked !== undefined) {
    const message = `revoked by ${revoked.by}: ${revoked.reason}`;
    return { reason: ExceptionReason.Revoked, message };
  }
  if (deletedAt !== undefined)
    return { reason: ExceptionReason.Revoked, message: `deleted at ${deletedAt}` };
  if (timeFault(exception, now)?.code !== 'EXCEPTION_EXPIRED') return undefined;
  return { reason: ExceptionReason.Expired, message: `ended at ${use.expiresAt}` };
}

function notYet({ notBefore }: CompiledException): Hindrance {
  const message = `begins at ${new Date(notBefore).toISOString()}`;
  return { reason: ExceptionReason.NotYetActive, message };
}

function faultOf(
  exception: CompiledException,
  { policy, policyExists }: StandingCase,
): ExceptionFault | undefined {
  const whole = (
    reason: Hindrance['reason'],
    message: string,
    passing = false,
  ): ExceptionFault => ({
    reason,
    message,
    whole: true,
    passing,
  });
  if (policy === undefined) {
    const { policy: name } = exception;
    return policyExists
      ? whole(ExceptionReason.AwaitingPolicy, `the policy ${name} is not in force yet`, true)
      : whole(ExceptionReason.PolicyNotFound, `there is no policy ${JSON.stringify(name)}`);
  }
  const { name, spec } = policy;
  if (!spec.exceptions.allowed)
    return whole(ExceptionReason.NotAllowedByPolicy, `the policy ${name} allows no exceptions`);
  const isIncident = exception.class === 'Incident';
  if (isIncident && !spec.exceptions.incident.allowed) {
    const message = `the policy ${name} allows no exceptions of the class Incident`;
    return whole(ExceptionReason.IncidentNotAllowed, message);
  }
  if (policyFault(exception, policy) !== undefined) {
    const { maxDuration, incident } = spec.exceptions;
    const most = isIncident ? incident.maxDuration : maxDuration;
    const message = `longer than the ${most} that the policy ${name} allows`;
    return whole(ExceptionReason.TooLong, message);
  }
  return unknownRequirement(exception, policy);
}

function unknownRequirement(
  { requirements }: CompiledException,
  policy: CompiledPolicy,
): ExceptionFault | undefined {
  if (requirements === 'all') return undefined;
  const known = new Set(policy.requirements.map((requirement) => requirement.name));
  const unknown = [...requirements].filter((name) => !known.has(name));
  if (unknown.length === 0) return undefined;
  return {
    reason: ExceptionReason.UnknownRequirement,
    message: `the policy ${policy.name} has no requirement ${unknown.join(', ')}`,
    whole: unknown.length === requirements.size,
    passing: false,
  };
}

/** Why it has no effect without approval; `whole` where that is so for every image. */
function blockage(
  exception: CompiledException,
  asked: StandingCase,
  approval: Approval | undefined,
): (Hindrance & { readonly whole: boolean }) | undefined {
  const { policy } = asked;
  if (policy === undefined || approval?.state !== 'unapproved') return undefined;
  if (exception.class !== 'Incident') {
    const message = approval.detail === '' ? 'nobody approved it yet' : approval.detail;
    return { reason: ExceptionReason.AwaitingApproval, message, whole: true };
  }
  const blocking = earlierIncidents(exception, policy, asked);
  const [earlier] = blocking.values();
  if (earlier === undefined) return undefined;
  const { size } = exception.digests;
  const whole = blocking.size === size;
  const where = whole ? '' : ` for ${blocking.size.toString()} of its ${size.toString()} digests`;
  const message = `the earlier incident ${earlier.name} is not approved yet${where}`;
  return { reason: ExceptionReason.EarlierIncident, message, whole };
}

/** The incident that stands in the way, by the digests for which one does. */
function earlierIncidents(
  exception: CompiledException,
  policy: CompiledPolicy,
  { exceptions, now, cluster }: StandingCase,
): ReadonlyMap<string, CompiledException> {
  const blocking = new Map<string, CompiledException>();
  for (const digest of exception.digests) {
    const siblings = exceptions.candidates(policy.name, exception.namespace, digest);
    const among = new ExceptionCase({ policy, now: now.getTime(), cluster, siblings });
    const earlier = among.earlierIncident(exception);
    if (earlier !== undefined) blocking.set(digest, earlier);
  }
  return blocking;
}

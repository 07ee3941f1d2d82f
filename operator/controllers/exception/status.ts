// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import {
  ConditionType,
  ExceptionReason,
  type SigningException,
  type SigningExceptionStatus,
} from '../../../crds/index.ts';
import {
  compileException,
  exceptionSpecHash,
  toVerificationError,
  type CompiledException,
  type CompiledPolicy,
} from '../../../verification/index.ts';
import { conditionsFrom, type WantedCondition } from '../../status/conditions.ts';

/** All that the status of an exception tells of. */
export interface ExceptionStatusInput {
  readonly exception: SigningException;
  /** The policy that it names, as it is in force; `undefined` where none of that name is. */
  readonly policy: CompiledPolicy | undefined;
  /** Whether a policy of that name exists, in force or not. */
  readonly policyExists: boolean;
  readonly now: Date;
}

/** The status, and the instant (milliseconds since the epoch) at which it changes by itself. */
export interface ExceptionOutcome {
  readonly status: SigningExceptionStatus;
  readonly boundary: number | undefined;
}

type Reason = (typeof ExceptionReason)[keyof typeof ExceptionReason];

/** Why an exception cannot be used as it is written. */
interface Fault {
  readonly reason: Reason;
  readonly message: string;
  /** Whether it has no effect at all; otherwise only a part of it has none. */
  readonly whole: boolean;
  /** Whether it passes by itself: nobody has to act. */
  readonly passing?: boolean;
}

/**
 * The status of an exception. Nothing here decides anything: admission and re-verification compare the
 * instants themselves. One that has ended is Ready whatever became of its policy, so that what waits
 * for it (GitOps) goes on.
 */
export function exceptionStatus(input: ExceptionStatusInput): ExceptionOutcome {
  const { exception, now } = input;
  const { generation = 0 } = exception.metadata;
  const read = readException(exception);
  if ('reason' in read) return invalidOutcome(exception, read, now);
  const ended = endOf(read, now.getTime());
  const fault = ended === undefined ? faultOf(read, input) : undefined;
  const wanted = [
    ...acceptance(fault),
    activity(read, ended ?? (fault?.whole === true ? fault : undefined), now.getTime()),
  ];
  return {
    status: {
      observedGeneration: generation,
      conditions: conditionsFrom(exception.status?.conditions, wanted, { generation, now }),
      specHash: exceptionSpecHash(exception.spec),
    },
    boundary: [read.notBefore, read.expiresAt].find((instant) => instant > now.getTime()),
  };
}

function readException(exception: SigningException): CompiledException | Fault {
  try {
    return compileException(exception);
  } catch (thrown) {
    const { message } = toVerificationError(thrown);
    return { reason: ExceptionReason.Invalid, message, whole: true };
  }
}

function invalidOutcome(exception: SigningException, fault: Fault, now: Date): ExceptionOutcome {
  const { generation = 0 } = exception.metadata;
  const { reason, message } = fault;
  const active = { type: ConditionType.Active, status: 'False', reason, message } as const;
  const conditions = conditionsFrom(exception.status?.conditions, [...acceptance(fault), active], {
    generation,
    now,
  });
  return { status: { observedGeneration: generation, conditions }, boundary: undefined };
}

function endOf(exception: CompiledException, now: number): Fault | undefined {
  const { revoked, deletedAt, use } = exception;
  if (revoked !== undefined) {
    const message = `revoked by ${revoked.by}: ${revoked.reason}`;
    return { reason: ExceptionReason.Revoked, message, whole: true };
  }
  if (deletedAt !== undefined) {
    return { reason: ExceptionReason.Revoked, message: `deleted at ${deletedAt}`, whole: true };
  }
  if (now < exception.expiresAt) return undefined;
  return { reason: ExceptionReason.Expired, message: `ended at ${use.expiresAt}`, whole: true };
}

function faultOf(
  exception: CompiledException,
  { policy, policyExists }: ExceptionStatusInput,
): Fault | undefined {
  if (policy === undefined && policyExists) {
    const message = `the policy ${exception.policy} is not in force yet`;
    return { reason: ExceptionReason.AwaitingPolicy, message, whole: true, passing: true };
  }
  if (policy === undefined) {
    const message = `there is no policy ${JSON.stringify(exception.policy)}`;
    return { reason: ExceptionReason.PolicyNotFound, message, whole: true };
  }
  const { allowed, maxDuration } = policy.spec.exceptions;
  if (!allowed) {
    const message = `the policy ${policy.name} allows no exceptions`;
    return { reason: ExceptionReason.NotAllowedByPolicy, message, whole: true };
  }
  if (exception.expiresAt - exception.notBefore > policy.maxExceptionMs) {
    const message = `longer than the ${maxDuration} that the policy ${policy.name} allows`;
    return { reason: ExceptionReason.TooLong, message, whole: true };
  }
  return unknownRequirement(exception, policy);
}

function unknownRequirement(
  { requirements }: CompiledException,
  policy: CompiledPolicy,
): Fault | undefined {
  if (requirements === 'all') return undefined;
  const known = new Set(policy.requirements.map((requirement) => requirement.name));
  const unknown = [...requirements].filter((name) => !known.has(name));
  if (unknown.length === 0) return undefined;
  return {
    reason: ExceptionReason.UnknownRequirement,
    message: `the policy ${policy.name} has no requirement ${unknown.join(', ')}`,
    whole: unknown.length === requirements.size,
  };
}

function acceptance(fault: Fault | undefined): readonly WantedCondition[] {
  if (fault === undefined) {
    const message = 'valid under its policy';
    return [
      { type: ConditionType.Ready, status: 'True', reason: ExceptionReason.Accepted, message },
    ];
  }
  const { reason, message, passing = false } = fault;
  const progress = passing ? ConditionType.Reconciling : ConditionType.Stalled;
  return [
    { type: ConditionType.Ready, status: 'False', reason, message },
    { type: progress, status: 'True', reason, message },
  ];
}

function activity(
  { notBefore, use }: CompiledException,
  hindrance: Fault | undefined,
  now: number,
): WantedCondition {
  const type = ConditionType.Active;
  if (hindrance !== undefined) {
    return { type, status: 'False', reason: hindrance.reason, message: hindrance.message };
  }
  if (now < notBefore) {
    const message = `begins at ${new Date(notBefore).toISOString()}`;
    return { type, status: 'False', reason: ExceptionReason.NotYetActive, message };
  }
  const message = `ends at ${use.expiresAt}`;
  return { type, status: 'True', reason: ExceptionReason.InEffect, message };
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import {
  ConditionType,
  ExceptionReason,
  type ExceptionUsage,
  type SigningException,
  type SigningExceptionStatus,
} from '../../../crds/index.ts';
import {
  compileException,
  renewalsOf,
  standingOf,
  toVerificationError,
  type CompiledException,
  type ExceptionFault,
  type Standing,
  type StandingCase,
} from '../../../verification/index.ts';
import type { SeenUse } from '../../state/exception-usage.ts';
import { conditionsFrom, type WantedCondition } from '../../status/conditions.ts';
import { attentionConditions, attentionTo } from './attention.ts';
import { nextDay, usageFrom } from './usage.ts';

/** All that the status of an exception tells of. */
export interface ExceptionStatusInput extends StandingCase {
  readonly exception: SigningException;
  /** What was seen of its use since the start; `undefined` as long as not every workload was judged. */
  readonly seen: SeenUse | undefined;
  /** Milliseconds; how often an exception is to be reviewed. */
  readonly reviewMs: number;
}

/** The status, and the instant (milliseconds since the epoch) at which it changes by itself. */
export interface ExceptionOutcome {
  readonly status: SigningExceptionStatus;
  readonly boundary: number | undefined;
}

/**
 * The status of an exception. Nothing here decides anything: admission and re-verification compare the
 * instants themselves. One that has ended is Ready whatever became of its policy, and one that waits for
 * approval is Ready too, so that what waits for it (GitOps) goes on.
 */
export function exceptionStatus(input: ExceptionStatusInput): ExceptionOutcome {
  const { exception, now } = input;
  const { generation = 0 } = exception.metadata;
  const read = readException(exception);
  if ('reason' in read) return invalidOutcome(exception, read, now);
  const standing = standingOf(read, input);
  const before = exception.status;
  const usage = usageFrom(before?.usage, input.seen, now);
  const asked = { ...input, usage };
  const attention = attentionTo(read, standing, asked);
  const wanted = [
    ...acceptance(standing.fault),
    activity(read, standing),
    ...approvedness(read, standing, now),
    ...attentionConditions(attention, asked),
  ];
  return {
    status: {
      ...before,
      observedGeneration: generation,
      conditions: conditionsFrom(before?.conditions, wanted, { generation, now }),
      specHash: read.specHash,
      ...(usage === undefined ? {} : { usage }),
      ...renewalsIn(before, renewalsOf(read, input.exceptions).length),
    },
    boundary: next(
      [...standing.boundaries, ...attention.boundaries, ...days(read, usage, now)],
      now,
    ),
  };
}

/** None is not worth a word, but that there is none any more is. */
function renewalsIn(
  before: SigningExceptionStatus | undefined,
  renewals: number,
): Pick<SigningExceptionStatus, 'renewals'> {
  return renewals === 0 && before?.renewals === undefined ? {} : { renewals };
}

/** When the day of the last use moves. */
function days(
  { namespace, name }: CompiledException,
  usage: ExceptionUsage | undefined,
  now: Date,
): readonly number[] {
  const isUsed = usage !== undefined && usage.workloads > 0;
  return isUsed ? [nextDay(`${namespace}/${name}`, now)] : [];
}

function next(boundaries: readonly number[], now: Date): number | undefined {
  const later = boundaries.filter((instant) => instant > now.getTime());
  return later.length === 0 ? undefined : Math.min(...later);
}

function readException(exception: SigningException): CompiledException | ExceptionFault {
  try {
    return compileException(exception);
  } catch (thrown) {
    const { message } = toVerificationError(thrown);
    return { reason: ExceptionReason.Invalid, message, whole: true, passing: false };
  }
}

function invalidOutcome(
  exception: SigningException,
  fault: ExceptionFault,
  now: Date,
): ExceptionOutcome {
  const { generation = 0 } = exception.metadata;
  const { reason, message } = fault;
  const active = { type: ConditionType.Active, status: 'False', reason, message } as const;
  const conditions = conditionsFrom(exception.status?.conditions, [...acceptance(fault), active], {
    generation,
    now,
  });
  const status = { ...exception.status, observedGeneration: generation, conditions };
  // What cannot be read permits nothing that an approval could name.
  delete status.specHash;
  return { status, boundary: undefined };
}

function acceptance(fault: ExceptionFault | undefined): readonly WantedCondition[] {
  if (fault === undefined) {
    const message = 'valid under its policy';
    return [
      { type: ConditionType.Ready, status: 'True', reason: ExceptionReason.Accepted, message },
    ];
  }
  const { reason, message, passing } = fault;
  const progress = passing ? ConditionType.Reconciling : ConditionType.Stalled;
  return [
    { type: ConditionType.Ready, status: 'False', reason, message },
    { type: progress, status: 'True', reason, message },
  ];
}

function activity({ use }: CompiledException, { hindrance, partial }: Standing): WantedCondition {
  const type = ConditionType.Active;
  if (hindrance !== undefined) {
    return { type, status: 'False', reason: hindrance.reason, message: hindrance.message };
  }
  const limits = partial === undefined ? '' : `; ${partial.message}`;
  const message = `ends at ${use.expiresAt}${limits}`;
  return { type, status: 'True', reason: ExceptionReason.InEffect, message };
}

function approvedness(
  { class: kind, expiresAt }: CompiledException,
  { approval }: Standing,
  now: Date,
): readonly WantedCondition[] {
  if (approval === undefined) return [];
  const type = ConditionType.Approved;
  switch (approval.state) {
    case 'not-required': {
      const message = 'the policy asks for no approval';
      return [{ type, status: 'True', reason: ExceptionReason.NotRequired, message }];
    }
    case 'approved': {
      const message = `approved by ${approval.by}`;
      return [{ type, status: 'True', reason: ExceptionReason.Approved, message }];
    }
    case 'unapproved': {
      const isOverdue = kind === 'Incident' && now.getTime() >= expiresAt;
      const reason = isOverdue ? ExceptionReason.ApprovalOverdue : ExceptionReason.AwaitingApproval;
      const message = approval.detail === '' ? 'nobody approved it yet' : approval.detail;
      return [{ type, status: 'False', reason, message }];
    }
  }
}

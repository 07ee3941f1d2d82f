// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import {
  ConditionType,
  ExceptionReason,
  type ImageTrustPolicy,
  type Mode,
  type SigningException,
  type SigningExceptionSpec,
} from '../../crds/index.ts';
import {
  EXCEPTION_STATES,
  type EXCEPTION_CONCERNS,
  type EXCEPTION_USES,
} from '../../runtime/metrics/index.ts';
import { findCondition } from '../status/conditions.ts';
import type { ExceptionUsageBoard } from './exception-usage.ts';

/** How policies stand: those of the program, or not told yet. */
export type PolicyStanding = 'compiled' | 'keptLast' | 'notEnforced' | 'pending';

/** A policy as metrics tell of it. */
export interface PolicyState {
  readonly policy: string;
  readonly mode: Mode;
  readonly state: PolicyStanding;
}

type ExceptionConcern = (typeof EXCEPTION_CONCERNS)[number];

/** An exception as metrics tell of it. */
export interface ExceptionState {
  readonly namespace: string;
  readonly name: string;
  readonly policy: string;
  readonly class: SigningExceptionSpec['class'];
  /** Reason of the condition Active, `Pending` before there is one. */
  readonly state: string;
  /** Why somebody should look at it. */
  readonly concerns: readonly ExceptionConcern[];
  /** Workloads that run by it. */
  readonly workloads: Readonly<Record<(typeof EXCEPTION_USES)[number], number>>;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

const PENDING = 'Pending';
/** Conditions that are there while somebody should look. */
const CONCERNS: readonly (readonly [string, ExceptionConcern])[] = [
  [ConditionType.ExpiringSoon, 'expiring_soon'],
  [ConditionType.Unused, 'unused'],
  [ConditionType.ReviewOverdue, 'review_overdue'],
];
/** Whoever would approve it now changes nothing. */
const OVER: ReadonlySet<string> = new Set([ExceptionReason.Expired, ExceptionReason.Revoked]);

/** What metrics tell of policies, by name. */
export function policyStates(
  policies: readonly ImageTrustPolicy[],
  standingOf: (policy: string) => PolicyStanding,
): readonly PolicyState[] {
  return policies
    .map(({ metadata: { name }, spec }) => ({
      policy: name,
      mode: spec.mode,
      state: standingOf(name),
    }))
    .sort((one, other) => (one.policy < other.policy ? -1 : 1));
}

/** What metrics tell of exceptions, of their use what was seen of it. One whose end cannot be read has ended. */
export function exceptionStates(
  exceptions: readonly SigningException[],
  usage: Pick<ExceptionUsageBoard, 'usageOf'>,
): readonly ExceptionState[] {
  return exceptions.map((exception) => {
    const { metadata, spec, status } = exception;
    const { namespace = '', name } = metadata;
    const active = findCondition(status?.conditions, ConditionType.Active)?.reason ?? PENDING;
    const state = EXCEPTION_STATES.includes(active) ? active : PENDING;
    const concerns = concernsOf(exception, state);
    const seen = usage.usageOf(`${namespace}/${name}`);
    const expiresAt = Date.parse(spec.expiresAt);
    // An incident covers what runs by it before it is approved.
    const isOpen = concerns.includes('unapproved');
    return {
      namespace,
      name,
      policy: spec.policyRef.name,
      class: spec.class,
      state,
      concerns,
      workloads: {
        in_effect: isOpen ? 0 : seen.workloads,
        unapproved: seen.unapproved + (isOpen ? seen.workloads : 0),
        expired: seen.ended,
      },
      expiresAt: Number.isNaN(expiresAt) ? 0 : expiresAt,
    };
  });
}

function concernsOf({ status }: SigningException, state: string): readonly ExceptionConcern[] {
  const present = CONCERNS.flatMap(([type, concern]) =>
    findCondition(status?.conditions, type) === undefined ? [] : [concern],
  );
  const approved = findCondition(status?.conditions, ConditionType.Approved);
  if (approved?.reason === ExceptionReason.ApprovalOverdue) return [...present, 'approval_overdue'];
  const isOpen = approved?.status === 'False' && !OVER.has(state);
  return isOpen ? [...present, 'unapproved'] : present;
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import {
  ConditionType,
  ExceptionReason,
  type Condition,
  type SigningException,
} from '../../../crds/index.ts';
import { NotificationEvent, type Occasion } from '../../../runtime/notification/index.ts';
import { findCondition } from '../../status/conditions.ts';

/** An exception as it stands, as far as notifications speak of it. */
interface Stand {
  readonly active: Condition | undefined;
  readonly approved: Condition | undefined;
  readonly isIncident: boolean;
}

/** Tells of one thing, where it is so now and was not before. */
type Rule = (now: Stand, before: Stand, exception: SigningException) => Occasion | undefined;

/**
 * What there is to tell of a change of an exception, from its status before and after. Of a new object
 * `previous` is `undefined`, of one that is gone `current` is. Nothing here depends on who looks, or when.
 */
export function occasionsOf(
  current: SigningException | undefined,
  previous: SigningException | undefined,
): readonly Occasion[] {
  if (current === undefined) return previous === undefined ? [] : deletion(previous);
  const isSame = previous?.metadata.uid === current.metadata.uid;
  const before = standOf(isSame ? previous : undefined);
  const told = RULES.flatMap((rule) => rule(standOf(current), before, current) ?? []);
  return [...told, ...firstUse(current, isSame ? previous : undefined)];
}

const RULES: readonly Rule[] = [
  ({ active }, before) =>
    isActive(active) && !isActive(before.active)
      ? {
          event: NotificationEvent.Activated,
          instant: active.lastTransitionTime,
          message: `has effect: ${active.message}`,
        }
      : undefined,
  (now, before) =>
    isUnapprovedIncident(now) && !isUnapprovedIncident(before)
      ? {
          event: NotificationEvent.IncidentUnapproved,
          instant: [now.active, now.approved].map((c) => c?.lastTransitionTime ?? '').join(' '),
          message: `has effect, and nobody approved it: ${now.approved?.message ?? ''}`,
        }
      : undefined,
  // The same approval counts again where its policy was away: that is no other occasion.
  ({ approved }, before, { spec, status }) =>
    isApproved(approved) && !isApproved(before.approved)
      ? {
          event: NotificationEvent.Approved,
          instant: [status?.specHash ?? '', spec.expiresAt, approved.message].join(' '),
          message: approved.message,
        }
      : undefined,
  ({ active }, before, { spec }) =>
    begins(ExceptionReason.Expired, active, before.active)
      ? { event: NotificationEvent.Expired, instant: spec.expiresAt, message: active.message }
      : undefined,
  ({ approved }, before, { spec }) =>
    begins(ExceptionReason.ApprovalOverdue, approved, before.approved)
      ? {
          event: NotificationEvent.ApprovalOverdue,
          instant: spec.expiresAt,
          message: `ended, and nobody approved it: ${approved.message}`,
        }
      : undefined,
  // Revoking is final: there is one instant at most.
  ({ active }, before) =>
    begins(ExceptionReason.Revoked, active, before.active)
      ? { event: NotificationEvent.Revoked, instant: '', message: active.message }
      : undefined,
];

function standOf(exception: SigningException | undefined): Stand {
  const conditions = exception?.status?.conditions;
  return {
    active: findCondition(conditions, ConditionType.Active),
    approved: findCondition(conditions, ConditionType.Approved),
    isIncident: exception?.spec.class === 'Incident',
  };
}

function deletion(previous: SigningException): readonly Occasion[] {
  if (!isActive(standOf(previous).active)) return [];
  const message = 'deleted while it had effect';
  return [{ event: NotificationEvent.Revoked, instant: '', message }];
}

function firstUse(
  { status }: SigningException,
  previous: SigningException | undefined,
): readonly Occasion[] {
  const usage = status?.usage;
  if (usage === undefined || previous?.status?.usage !== undefined) return [];
  const message = `first used; workloads that run by it: ${usage.workloads.toString()}`;
  return [{ event: NotificationEvent.FirstUsed, instant: usage.firstSeen, message }];
}

function isActive(condition: Condition | undefined): condition is Condition {
  return condition?.status === 'True';
}

/** Approved by somebody, rather than not in need of it. */
function isApproved(condition: Condition | undefined): condition is Condition {
  return condition?.status === 'True' && condition.reason === ExceptionReason.Approved;
}

function isUnapprovedIncident({ active, approved, isIncident }: Stand): boolean {
  return isIncident && isActive(active) && approved?.status === 'False';
}

function begins(
  reason: string,
  now: Condition | undefined,
  before: Condition | undefined,
): now is Condition {
  return now?.reason === reason && before?.reason !== reason;
}

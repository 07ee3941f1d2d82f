// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import {
  ConditionType,
  ExceptionEvent,
  ExceptionReason,
  type Condition,
  type SigningException,
  type SigningExceptionStatus,
} from '../../../crds/index.ts';
import { findCondition } from '../../status/conditions.ts';
import type { ObjectEvent } from '../../status/events.ts';

/** The conditions that are there while somebody should look, and how loud they begin. */
const ATTENTION: readonly (readonly [string, ObjectEvent['type']])[] = [
  [ConditionType.ExpiringSoon, 'Warning'],
  [ConditionType.Unused, 'Normal'],
  [ConditionType.ReviewOverdue, 'Warning'],
];

/** What a new status tells by events: each transition once. */
export function statusEvents(
  exception: SigningException,
  next: SigningExceptionStatus,
): readonly ObjectEvent[] {
  const before = exception.status;
  const change: Change = {
    was: (type) => findCondition(before?.conditions, type),
    is: (type) => findCondition(next.conditions, type),
    isIncident: exception.spec.class === 'Incident',
  };
  const usage = before?.usage === undefined ? next.usage : undefined;
  return [
    ...activeEvents(change),
    ...approvedEvents(change),
    ...incidentEvents(change),
    ...(usage === undefined ? [] : [firstUse(usage.firstSeen, change)]),
    ...attentionEvents(change),
  ];
}

interface Change {
  readonly was: (type: string) => Condition | undefined;
  readonly is: (type: string) => Condition | undefined;
  readonly isIncident: boolean;
}

function activeEvents({ was, is }: Change): readonly ObjectEvent[] {
  const active = is(ConditionType.Active);
  if (active === undefined || active.reason === was(ConditionType.Active)?.reason) return [];
  const type = is(ConditionType.Stalled) === undefined ? 'Normal' : 'Warning';
  return [{ type, reason: active.reason, message: active.message }];
}

/** That it waits for an approval is told with Active, or where it is an incident that does not wait. */
function approvedEvents({ was, is }: Change): readonly ObjectEvent[] {
  const approved = is(ConditionType.Approved);
  if (approved === undefined || approved.reason === was(ConditionType.Approved)?.reason) return [];
  const { reason, message } = approved;
  switch (reason) {
    case ExceptionReason.Approved:
      return [{ type: 'Normal', reason, message }];
    case ExceptionReason.ApprovalOverdue:
      return [{ type: 'Warning', reason, message }];
    default:
      return [];
  }
}

function incidentEvents({ was, is, isIncident }: Change): readonly ObjectEvent[] {
  const isOpen = (of: Change['is']): boolean =>
    of(ConditionType.Active)?.status === 'True' && of(ConditionType.Approved)?.status === 'False';
  if (!isIncident || !isOpen(is) || isOpen(was)) return [];
  const message = `an incident is in effect that nobody approved: ${is(ConditionType.Active)?.message ?? ''}`;
  return [{ type: 'Warning', reason: ExceptionEvent.UnapprovedIncident, message }];
}

function firstUse(day: string, { isIncident }: Change): ObjectEvent {
  const type = isIncident ? 'Warning' : 'Normal';
  const message = `a workload runs by it for the first time, on ${day}`;
  return { type, reason: ExceptionEvent.FirstUsed, message };
}

function attentionEvents({ was, is }: Change): readonly ObjectEvent[] {
  return ATTENTION.flatMap(([condition, type]) => {
    const begun = was(condition) === undefined ? is(condition) : undefined;
    return begun === undefined ? [] : [{ type, reason: condition, message: begun.message }];
  });
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import {
  ConditionType,
  ExceptionReason,
  type ExceptionUsage,
  type SigningException,
} from '../../../crds/index.ts';
import {
  attentionOf,
  type Attention,
  type CompiledException,
  type Standing,
} from '../../../verification/index.ts';
import type { SeenUse } from '../../state/exception-usage.ts';
import { findCondition, timestamp, type WantedCondition } from '../../status/conditions.ts';

/** What decides whether somebody should look at an exception, and what was told of that before. */
export interface AttentionInput {
  readonly exception: SigningException;
  /** As it is told from now on. */
  readonly usage: ExceptionUsage | undefined;
  /** `undefined` as long as not every workload was judged. */
  readonly seen: SeenUse | undefined;
  /** Milliseconds; how often an exception is to be reviewed. */
  readonly reviewMs: number;
  readonly now: Date;
}

const NOTHING: Attention = {
  expiringSoon: false,
  unused: undefined,
  unreviewedSince: undefined,
  boundaries: [],
};

/** Why somebody should look at the exception; nothing is asked about what has no effect. */
export function attentionTo(
  read: CompiledException,
  { hindrance }: Standing,
  { exception, usage, reviewMs, now }: AttentionInput,
): Attention {
  if (hindrance !== undefined) return NOTHING;
  const status = { reviews: exception.status?.reviews, usage };
  return attentionOf({ exception: read, status, now: now.getTime(), reviewMs });
}

/** The conditions that are there while somebody should look at the exception. */
export function attentionConditions(
  { expiringSoon, unused, unreviewedSince }: Attention,
  { exception, usage, seen }: AttentionInput,
): readonly WantedCondition[] {
  const wanted: WantedCondition[] = [];
  const add = (type: WantedCondition['type'], reason: string, message: string): void => {
    wanted.push({ type, status: 'True', reason, message });
  };
  if (expiringSoon) {
    const message = `ends at ${exception.spec.expiresAt}`;
    add(ConditionType.ExpiringSoon, ExceptionReason.EndsWithinDays, message);
  }
  const wasUnused = findCondition(exception.status?.conditions, ConditionType.Unused) !== undefined;
  // As long as not all workloads are known, nothing new is told of use.
  if (unused !== undefined && (seen !== undefined || wasUnused)) {
    const since = usage === undefined ? instantOf(unused.since) : usage.lastSeen;
    const message = `no workload was seen that runs by it since ${since}`;
    add(ConditionType.Unused, unused.reason, message);
  }
  if (unreviewedSince !== undefined) {
    const message = `nobody has reviewed it since ${instantOf(unreviewedSince)}`;
    add(ConditionType.ReviewOverdue, ExceptionReason.NotReviewed, message);
  }
  return wanted;
}

function instantOf(instant: number): string {
  return timestamp(new Date(instant));
}

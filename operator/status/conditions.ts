// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Condition } from '../../crds/index.ts';

/** What a condition is to say now. */
export interface WantedCondition {
  readonly type: string;
  readonly status: Condition['status'];
  readonly reason: string;
  readonly message: string;
}

/** For which generation, and when. */
export interface ConditionStamp {
  readonly generation: number;
  readonly now: Date;
}

/** Longest message that is kept; the schema allows more. */
const MAX_MESSAGE = 4096;

/**
 * The conditions to be written: exactly the wanted ones, in their order. The time of transition is
 * that of the existing condition as long as its status stays the same.
 */
export function conditionsFrom(
  existing: readonly Condition[] | undefined,
  wanted: readonly WantedCondition[],
  { generation, now }: ConditionStamp,
): Condition[] {
  return wanted.map(({ type, status, reason, message }) => {
    const before = findCondition(existing, type);
    const kept = before?.status === status ? before.lastTransitionTime : timestamp(now);
    return {
      type,
      status,
      observedGeneration: generation,
      lastTransitionTime: kept,
      reason,
      message: message.slice(0, MAX_MESSAGE),
    };
  });
}

/** The condition of a type. */
export function findCondition(
  conditions: readonly Condition[] | undefined,
  type: string,
): Condition | undefined {
  return conditions?.find((condition) => condition.type === type);
}

/** RFC 3339 in whole seconds, as Kubernetes writes it. */
export function timestamp(instant: Date): string {
  return instant.toISOString().replace(/\.\d{3}Z$/, 'Z');
}

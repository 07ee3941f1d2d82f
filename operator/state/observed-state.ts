// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import {
  ConditionType,
  ExceptionReason,
  type ImageTrustPolicy,
  type Mode,
  type SigningException,
} from '../../crds/index.ts';
import { findCondition } from '../status/conditions.ts';

/** How policies stand: those of the program, or not told yet. */
export type PolicyStanding = 'compiled' | 'keptLast' | 'notEnforced' | 'pending';

/** A policy as metrics tell of it. */
export interface PolicyState {
  readonly policy: string;
  readonly mode: Mode;
  readonly state: PolicyStanding;
}

/** An exception as metrics tell of it. */
export interface ExceptionState {
  readonly namespace: string;
  readonly name: string;
  readonly policy: string;
  /** Reason of the condition Active, `Pending` before there is one. */
  readonly state: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

const PENDING = 'Pending';
/** Every state of an exception: what the condition Active may give as its reason. */
export const EXCEPTION_STATES: readonly string[] = [
  ...Object.values(ExceptionReason).filter((reason) => reason !== ExceptionReason.Accepted),
  PENDING,
];

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

/** What metrics tell of exceptions. One whose end cannot be read has ended. */
export function exceptionStates(
  exceptions: readonly SigningException[],
): readonly ExceptionState[] {
  return exceptions.map(({ metadata, spec, status }) => {
    const reason = findCondition(status?.conditions, ConditionType.Active)?.reason ?? PENDING;
    const expiresAt = Date.parse(spec.expiresAt);
    return {
      namespace: metadata.namespace ?? '',
      name: metadata.name,
      policy: spec.policyRef.name,
      state: EXCEPTION_STATES.includes(reason) ? reason : PENDING,
      expiresAt: Number.isNaN(expiresAt) ? 0 : expiresAt,
    };
  });
}

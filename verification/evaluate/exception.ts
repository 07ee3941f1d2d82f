// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { CompiledException, CompiledPolicy } from '../policy/index.ts';
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

/** What is asked: one requirement of one policy for one service account. */
export interface CoverageQuestion {
  readonly policy: CompiledPolicy;
  readonly requirement: string;
  readonly serviceAccount: string;
  readonly now: number;
}

/**
 * Judges one exception that names the policy, namespace and digest. Every comparison is made at use;
 * whatever does not compare (NaN) counts as ended. Exceptions never combine: each is judged alone.
 */
export function coverageOf(exception: CompiledException, question: CoverageQuestion): Coverage {
  const fault =
    scopeFault(exception, question) ??
    policyFault(exception, question.policy) ??
    timeFault(exception, question.now);
  return fault === undefined
    ? { state: 'live', exception }
    : { state: 'void', exception, ...fault };
}

interface Fault {
  readonly code: RejectedReason;
  readonly detail: string;
}

function scopeFault(exception: CompiledException, question: CoverageQuestion): Fault | undefined {
  const id = nameOf(exception);
  if (!exception.serviceAccounts.has(question.serviceAccount)) {
    return {
      code: 'EXCEPTION_OUT_OF_SCOPE',
      detail: `${id} is not for the service account ${JSON.stringify(question.serviceAccount)}`,
    };
  }
  if (exception.requirements !== 'all' && !exception.requirements.has(question.requirement)) {
    return {
      code: 'EXCEPTION_OUT_OF_SCOPE',
      detail: `${id} does not waive ${question.requirement}`,
    };
  }
  return undefined;
}

function policyFault(exception: CompiledException, policy: CompiledPolicy): Fault | undefined {
  const id = nameOf(exception);
  if (!policy.spec.exceptions.allowed)
    return { code: 'EXCEPTION_INVALID', detail: `${id}: the policy allows no exceptions` };
  if (exception.expiresAt - exception.notBefore <= policy.maxExceptionMs) return undefined;
  return {
    code: 'EXCEPTION_INVALID',
    detail: `${id} is longer than the ${policy.spec.exceptions.maxDuration} that the policy allows`,
  };
}

function timeFault(exception: CompiledException, now: number): Fault | undefined {
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
  if (!(now < exception.expiresAt))
    return { code: 'EXCEPTION_EXPIRED', detail: `${id} ended at ${exception.use.expiresAt}` };
  if (!(now >= exception.notBefore)) {
    return {
      code: 'EXCEPTION_OUT_OF_SCOPE',
      detail: `${id} begins at ${new Date(exception.notBefore).toISOString()}`,
    };
  }
  return undefined;
}

function nameOf(exception: CompiledException): string {
  return `exception ${exception.namespace}/${exception.name}`;
}

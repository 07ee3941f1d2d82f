// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import {
  standingOf,
  weighSigned,
  type CompiledException,
  type CompiledPolicy,
  type ExceptionIndex,
  type Hindrance,
  type Standing,
  type WeighedApproval,
} from '../../verification/index.ts';

/** How one exception from a file stands. */
export interface Assessment {
  readonly namespace: string;
  readonly name: string;
  readonly policy: string;
  /** What an approval must be of. */
  readonly specHash: string;
  /** `unknown`: its policy is not there, or takes no exception like this one. */
  readonly approval: 'approved' | 'unapproved' | 'not-required' | 'unknown';
  readonly approvedBy?: string;
  /** Why it could not take effect, or not as a whole, were it approved. */
  readonly problem?: Hindrance;
  /** Each bundle for each approver; empty where the policy asks for no approval. */
  readonly signed: readonly WeighedApproval[];
}

/** What exceptions from files are held against. */
export interface AssessmentCase {
  readonly policies: readonly CompiledPolicy[];
  readonly exceptions: ExceptionIndex;
  readonly at: Date;
  readonly cluster: string;
}

/** How an exception stands at an instant, by the files alone: no approval in the cluster is seen. */
export function assess(exception: CompiledException, asked: AssessmentCase): Assessment {
  const { exceptions, at: now, cluster } = asked;
  const policy = asked.policies.find(({ name }) => name === exception.policy);
  const standing = standingOf(exception, {
    ...{ policy, policyExists: policy !== undefined },
    ...{ exceptions, now, cluster },
  });
  const { approval } = standing;
  const problem = problemOf(standing);
  const isAsked = policy !== undefined && approval?.state !== 'not-required';
  return {
    namespace: exception.namespace,
    name: exception.name,
    policy: exception.policy,
    specHash: exception.specHash,
    approval: approval?.state ?? 'unknown',
    ...(approval?.state === 'approved' ? { approvedBy: approval.by } : {}),
    ...(problem === undefined ? {} : { problem }),
    signed: isAsked ? weighSigned(exception, policy, { now: now.getTime(), cluster }) : [],
  };
}

/** Whether an exception is approved, where it must be, and can take effect as it is written. */
export function isGood({ approval, problem }: Assessment): boolean {
  return problem === undefined && (approval === 'approved' || approval === 'not-required');
}

/** That it has not begun, or waits for an approval, is nothing that is wrong with it. */
function problemOf({ fault, hindrance }: Standing): Hindrance | undefined {
  const found = fault ?? hindrance;
  if (found === undefined || found.reason === 'NotYetActive' || found.reason === 'AwaitingApproval')
    return undefined;
  return { reason: found.reason, message: found.message };
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import {
  ConditionType,
  PolicyReason,
  type ImageTrustPolicy,
  type ImageTrustPolicyImpact,
  type ImageTrustPolicyStatus,
} from '../../../crds/index.ts';
import type { Replica } from '../../state/replicas.ts';
import { conditionsFrom, findCondition, type WantedCondition } from '../../status/conditions.ts';
import type { ProgramView } from './views.ts';

/** All that the status of a policy tells of. */
export interface PolicyStatusInput {
  readonly policy: ImageTrustPolicy;
  readonly view: ProgramView;
  readonly replicas: readonly Replica[];
  /** What it means for workloads; `undefined` where that was never found out. */
  readonly impact: ImageTrustPolicyImpact | undefined;
  readonly now: Date;
}

/**
 * The status of a policy. Ready says that its generation was in force on every live replica once, and
 * stays for that generation; what comes later shows in `program` and in Stalled.
 */
export function policyStatus(input: PolicyStatusInput): ImageTrustPolicyStatus {
  const { policy, view, replicas, impact, now } = input;
  const { generation } = view.outcome;
  const enforcing = replicas.filter((replica) => enforces(replica, view));
  const ready = readyCondition(input, enforcing.length);
  const wanted = [ready, ...progressConditions(view, ready), ...trustConditions(view)];
  return {
    observedGeneration: generation,
    conditions: conditionsFrom(policy.status?.conditions, wanted, { generation, now }),
    program: {
      ...(view.blob === undefined ? {} : { blob: view.blob }),
      ...(view.revision === undefined ? {} : { revision: view.revision }),
      replicas: replicas.length,
      replicasReady: enforcing.length,
    },
    ...(impact === undefined ? {} : { impact }),
  };
}

function enforces(replica: Replica, { revision }: ProgramView): boolean {
  return revision !== undefined && replica.revision !== undefined && replica.revision >= revision;
}

function readyCondition(input: PolicyStatusInput, enforcing: number): WantedCondition {
  const { policy, view, replicas } = input;
  const { outcome } = view;
  const type = ConditionType.Ready;
  if (isLatched(policy, outcome.generation)) return enforced();
  if (outcome.state === 'failed') {
    const rest =
      view.blob === undefined
        ? 'the policy is not enforced'
        : 'the last accepted program stays in force';
    return {
      type,
      status: 'False',
      reason: outcome.reason,
      message: `${outcome.message}; ${rest}`,
    };
  }
  if (outcome.state === 'pending') {
    const reason = PolicyReason.AwaitingTrustRoot;
    return { type, status: 'False', reason, message: outcome.message };
  }
  const published = `published in revision ${(view.revision ?? 0).toString()}`;
  if (replicas.length === 0) {
    const message = `${published}; no webhook replica is alive`;
    return { type, status: 'False', reason: PolicyReason.NoReplicas, message };
  }
  const all = enforcing === replicas.length && replicas.some((replica) => replica.observed);
  if (all && view.blob === outcome.blob.name) return enforced();
  const message = `${published}; not yet acknowledged by every webhook replica`;
  return { type, status: 'False', reason: PolicyReason.AwaitingReplicas, message };
}

function enforced(): WantedCondition {
  const message = 'every webhook replica enforces this generation';
  return { type: ConditionType.Ready, status: 'True', reason: PolicyReason.Enforced, message };
}

function isLatched(policy: ImageTrustPolicy, generation: number): boolean {
  const before = findCondition(policy.status?.conditions, ConditionType.Ready);
  return before?.status === 'True' && before.observedGeneration === generation;
}

/** Stalled and Reconciling, each only while true. */
function progressConditions(
  { outcome }: ProgramView,
  ready: WantedCondition,
): readonly WantedCondition[] {
  if (outcome.state === 'failed') {
    const { reason, message } = outcome;
    return [{ type: ConditionType.Stalled, status: 'True', reason, message }];
  }
  if (outcome.state === 'pending') {
    const { message } = outcome;
    const reason = PolicyReason.AwaitingTrustRoot;
    return [{ type: ConditionType.Reconciling, status: 'True', reason, message }];
  }
  if (ready.status === 'True') return [];
  const message = 'the program is on its way to the webhook replicas';
  return [
    { type: ConditionType.Reconciling, status: 'True', reason: PolicyReason.Publishing, message },
  ];
}

/** TrustMaterialFresh, for a policy that has a trust root through TUF. Never touches Ready. */
function trustConditions({ outcome: { trust } }: ProgramView): readonly WantedCondition[] {
  if (trust === undefined) return [];
  const type = ConditionType.TrustMaterialFresh;
  switch (trust.fresh) {
    case 'True': {
      const message = 'the trust roots are as published';
      return [{ type, status: 'True', reason: PolicyReason.TrustRootFresh, message }];
    }
    case 'Unknown': {
      const reason = PolicyReason.AwaitingTrustRoot;
      return [{ type, status: 'Unknown', reason, message: trust.message }];
    }
    case 'False':
      return [{ type, status: 'False', reason: trust.reason, message: trust.message }];
  }
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import {
  ConditionType,
  type Condition,
  type ImageTrustPolicy,
  type ImageTrustPolicyStatus,
} from '../../../crds/index.ts';
import type { Clock } from '../../../runtime/clock.ts';
import type { ObjectView } from '../../../runtime/kube/index.ts';
import type { ReconcileResult } from '../../../runtime/queue/index.ts';
import type { ReplicaTracker } from '../../state/replicas.ts';
import { pathOf, RESOURCES, type KubeApi } from '../../state/resources.ts';
import { findCondition } from '../../status/conditions.ts';
import type { EventSink } from '../../status/events.ts';
import { patchStatus } from '../../status/patch.ts';
import { policyStatus } from './status.ts';
import type { ProgramView } from './views.ts';

/** What writing the status of policies needs. */
export interface PolicyReconcilerOptions {
  readonly api: Pick<KubeApi, 'patch'>;
  readonly policies: Pick<ObjectView<ImageTrustPolicy>, 'get'>;
  readonly program: { viewOf(policy: string): ProgramView | undefined };
  readonly replicas: Pick<ReplicaTracker, 'alive' | 'msToNextDeath'>;
  readonly events: EventSink;
  readonly clock: Clock;
}

/** Tells in the status of a policy how far it is in force. Keys are names of policies. */
export class PolicyReconciler {
  readonly #options: PolicyReconcilerOptions;

  constructor(options: PolicyReconcilerOptions) {
    this.#options = options;
  }

  /** Writes the status where it says anything new. Throws on a conflict: the mirror is behind. */
  async reconcile(name: string): Promise<ReconcileResult> {
    const { api, policies, program, replicas, clock } = this.#options;
    const policy = policies.get(name);
    const view = program.viewOf(name);
    // The program comes first; it names the policy again when it has seen this generation.
    if (policy === undefined || view === undefined) return {};
    if (view.outcome.generation !== policy.metadata.generation) return {};
    const next = policyStatus({ policy, view, replicas: replicas.alive(), now: clock.now() });
    const path = pathOf(RESOURCES.policies, { name, subresource: 'status' });
    if (await patchStatus(api, { path, object: policy, next })) this.#tell(policy, next);
    const ms = replicas.msToNextDeath();
    return ms === undefined ? {} : { requeueAfterMs: ms };
  }

  #tell(policy: ImageTrustPolicy, next: ImageTrustPolicyStatus): void {
    const { events } = this.#options;
    for (const [condition, type] of [
      [ConditionType.Stalled, 'Warning'],
      [ConditionType.Ready, 'Normal'],
    ] as const) {
      const now = findCondition(next.conditions, condition);
      const before = findCondition(policy.status?.conditions, condition);
      if (now?.status !== 'True' || isSame(now, before)) continue;
      events.record(policy, { type, reason: now.reason, message: now.message });
    }
  }
}

/** Whether a condition that is true was so before, for the same reason and generation. */
function isSame(now: Condition, before: Condition | undefined): boolean {
  const said = ({ status, reason, message, observedGeneration }: Condition): string =>
    JSON.stringify([status, reason, message, observedGeneration]);
  return before !== undefined && said(now) === said(before);
}

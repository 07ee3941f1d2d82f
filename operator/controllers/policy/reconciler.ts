// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { ConditionType, type ImageTrustPolicy, type ImageTrustPolicyStatus } from '../../../crds/index.ts';
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
    const before = policy.status?.conditions;
    const stalled = findCondition(next.conditions, ConditionType.Stalled);
    const wasStalled = findCondition(before, ConditionType.Stalled);
    const { events } = this.#options;
    if (stalled !== undefined && (stalled.reason !== wasStalled?.reason || stalled.message !== wasStalled.message)) {
      events.record(policy, { type: 'Warning', reason: stalled.reason, message: stalled.message });
    }
    const ready = findCondition(next.conditions, ConditionType.Ready);
    const wasReady = findCondition(before, ConditionType.Ready);
    if (ready?.status === 'True' && (wasReady?.status !== 'True' || wasReady.observedGeneration !== ready.observedGeneration)) {
      events.record(policy, { type: 'Normal', reason: ready.reason, message: ready.message });
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import {
  ConditionType,
  type Condition,
  type ImageTrustPolicy,
  type ImageTrustPolicyImpact,
  type ImageTrustPolicyStatus,
} from '../../../crds/index.ts';
import type { Clock } from '../../../runtime/clock.ts';
import type { ObjectView } from '../../../runtime/kube/index.ts';
import type { ReconcileResult } from '../../../runtime/queue/index.ts';
import { canonicalJson } from '../../../verification/index.ts';
import type { FindingsBoard } from '../../state/findings-board.ts';
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
  readonly board: Pick<FindingsBoard, 'impactOf'>;
  readonly events: EventSink;
  readonly clock: Clock;
}

interface Paced {
  readonly impact: ImageTrustPolicyImpact | undefined;
  /** Present where there is something newer to tell by then. */
  readonly againMs?: number;
}

/** Between two writes of a status for what was found of workloads. */
const IMPACT_MS = 5000;

/** Tells in the status of a policy what it means, and how far it is in force. Keys are names of policies. */
export class PolicyReconciler {
  readonly #options: PolicyReconcilerOptions;
  /** When another impact was told last, by the monotonic clock. */
  readonly #impactAt = new Map<string, number>();

  constructor(options: PolicyReconcilerOptions) {
    this.#options = options;
  }

  /** Writes the status where it says anything new. Throws on a conflict: the mirror is behind. */
  async reconcile(name: string): Promise<ReconcileResult> {
    const { api, policies, program, replicas, clock } = this.#options;
    const policy = policies.get(name);
    const view = program.viewOf(name);
    // The program comes first; it names the policy again when it has seen this generation.
    if (policy === undefined) this.#impactAt.delete(name);
    if (policy === undefined || view === undefined) return {};
    if (view.outcome.generation !== policy.metadata.generation) return {};
    const { impact, againMs } = this.#impactOf(policy, view);
    const alive = replicas.alive();
    const next = policyStatus({ policy, view, impact, replicas: alive, now: clock.now() });
    const path = pathOf(RESOURCES.policies, { name, subresource: 'status' });
    if (await patchStatus(api, { path, object: policy, next })) this.#tell(policy, next);
    const waits = [againMs, replicas.msToNextDeath()].filter((ms) => ms !== undefined);
    return waits.length === 0 ? {} : { requeueAfterMs: Math.min(...waits) };
  }

  /** What the status says of impact now: it follows what is found, but at a pace. */
  #impactOf(policy: ImageTrustPolicy, view: ProgramView): Paced {
    const { board, clock } = this.#options;
    const { name } = policy.metadata;
    const told = policy.status?.impact;
    const found = view.revision === undefined ? undefined : board.impactOf(name, view.revision);
    if (found === undefined || canonicalJson(found) === canonicalJson(told ?? null))
      return { impact: told };
    const now = clock.monotonic();
    const leftMs = (this.#impactAt.get(name) ?? -IMPACT_MS) + IMPACT_MS - now;
    if (leftMs > 0) return { impact: told, againMs: leftMs };
    this.#impactAt.set(name, now);
    return { impact: found };
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

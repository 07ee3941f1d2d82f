// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { LRUCache } from 'lru-cache';
import { RemediationReason } from '../../../crds/index.ts';
import type { Clock } from '../../../runtime/clock.ts';
import type { Digest } from '../../../verification/index.ts';
import type { KubeApi } from '../../state/resources.ts';
import type { EventSink } from '../../status/events.ts';
import type { WorkloadInventory, WorkloadObject } from '../workload/index.ts';
import { evict, podsToEvict, type Eviction } from './evict.ts';
import {
  described,
  type Convicted,
  type RemediationAction,
  type RemediationOutcome,
} from './guilty.ts';

/** What evicting needs. */
export interface EvictorOptions {
  readonly api: Pick<KubeApi, 'create'>;
  readonly inventory: Pick<WorkloadInventory, 'podsOf'>;
  readonly events: EventSink;
  readonly clock: Clock;
  readonly onOutcome: (action: RemediationAction, outcome: RemediationOutcome) => void;
  /** Milliseconds between two rounds for a workload, and before the first one. */
  readonly roundMs: number;
}

const MAX_ROUNDS = 100_000;

/** Evicts pods in rounds: a part of a workload's, then nothing for a while. */
export class Evictor {
  readonly #options: EvictorOptions;
  readonly #startedAt: number;
  /** When pods of a workload were evicted last, by its uid. */
  readonly #rounds = new LRUCache<string, number>({ max: MAX_ROUNDS });

  constructor(options: EvictorOptions) {
    this.#options = options;
    // Another process may have led, and evicted, a moment ago.
    this.#startedAt = options.clock.monotonic();
  }

  /** Does a round where it is time. Throws KubeError where an eviction cannot be asked for. */
  async round(convicted: Convicted, signal: AbortSignal): Promise<void> {
    const { inventory, clock, roundMs } = this.#options;
    const { workload, guilty, isStillSo } = convicted;
    const uid = workload.metadata.uid ?? '';
    const now = clock.monotonic();
    if (now - (this.#rounds.get(uid) ?? this.#startedAt) < roundMs) return;
    const digests = new Set<Digest>(guilty.map(({ judged }) => judged.digest));
    const pods = podsToEvict(inventory.podsOf(workload), digests);
    if (pods.length > 0) this.#rounds.set(uid, now);
    for (const pod of pods) {
      if (!(await isStillSo())) return;
      await this.#one(pod, convicted, signal);
    }
  }

  async #one(pod: WorkloadObject, convicted: Convicted, signal: AbortSignal): Promise<void> {
    const { api, onOutcome } = this.#options;
    let outcome: Eviction;
    try {
      outcome = await evict(api, pod, signal);
    } catch (thrown) {
      onOutcome('evict', 'failed');
      throw thrown;
    }
    if (outcome === 'gone') return;
    onOutcome('evict', outcome);
    this.#tell(pod, convicted, outcome);
  }

  #tell({ metadata }: WorkloadObject, { workload, guilty }: Convicted, outcome: Eviction): void {
    const { name } = metadata;
    const isDone = outcome === 'done';
    const what = isDone
      ? `evicted ${name}`
      : `a PodDisruptionBudget does not let ${name} be evicted`;
    const reason = isDone ? RemediationReason.Evicted : RemediationReason.RemediationHeld;
    const message = `${what}: ${described(guilty)}`;
    this.#options.events.record(workload, { type: 'Warning', reason, message });
  }
}

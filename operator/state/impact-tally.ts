// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { ImageTrustPolicyImpact } from '../../crds/index.ts';

/** The worst that one policy says of the images of a workload. */
export type WorstOutcome = 'verified' | 'rejected' | 'inconclusive' | 'exempt';

/** What one policy says of a workload. */
export interface PolicyFinding {
  readonly outcome: WorstOutcome;
  /** Whether admission would deny it where the policy enforces, whatever its mode is there now. */
  readonly wouldDeny: boolean;
}

/** Workloads in a sample. */
const SAMPLE = 10;

/** Counts what one policy says of workloads, as they come and go. */
export class ImpactTally {
  readonly #outcomes = new Map<string, WorstOutcome>();
  /** Workloads that would be denied, by key: what people call them. */
  readonly #denied = new Map<string, string>();

  /** Workloads that are counted. */
  get workloads(): number {
    return this.#outcomes.size;
  }

  /** Counts a workload, as it is now. */
  put(key: string, label: string, { outcome, wouldDeny }: PolicyFinding): void {
    this.#outcomes.set(key, outcome);
    if (wouldDeny) this.#denied.set(key, label);
    else this.#denied.delete(key);
  }

  /** Counts a workload no more. */
  remove(key: string): void {
    this.#outcomes.delete(key);
    this.#denied.delete(key);
  }

  /** What the policy means. The sample is in order, so that it is the same for the same workloads. */
  impact(): ImageTrustPolicyImpact {
    const counts = { verified: 0, rejected: 0, inconclusive: 0, exempt: 0 };
    for (const outcome of this.#outcomes.values()) counts[outcome] += 1;
    return {
      workloads: this.workloads,
      ...counts,
      wouldDeny: this.#denied.size,
      sample: [...this.#denied.values()].sort().slice(0, SAMPLE),
    };
  }
}

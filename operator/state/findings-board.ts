// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { ImageTrustPolicyImpact } from '../../crds/index.ts';
import type { ReportSummary } from '../reporting/index.ts';
import { ImpactTally, type PolicyFinding } from './impact-tally.ts';

/** The worst that is said of a workload; `none` where no policy speaks of it. */
export type WorkloadResult = keyof ReportSummary | 'none';

/** What was found of a workload. */
export interface WorkloadFinding {
  /** For people: `Kind namespace/name`. */
  readonly label: string;
  readonly namespace: string;
  /** Whether admission leaves the namespace alone. */
  readonly exempt: boolean;
  /** Whether it has any image. */
  readonly runsImages: boolean;
  readonly policies: ReadonlyMap<string, PolicyFinding>;
  /** Repositories (`host/path`) of its images that no policy matches. */
  readonly uncovered: readonly string[];
  readonly summary: ReportSummary;
}

/** Which images no policy speaks of. */
export interface Coverage {
  /** Repositories that no policy covers where they are used, with the namespaces of these uses. Sorted. */
  readonly uncovered: ReadonlyMap<string, readonly string[]>;
  /** Namespaces that admission leaves alone and that run images. Sorted. */
  readonly exemptNamespaces: readonly string[];
}

/** What the board works with. */
export interface FindingsBoardOptions {
  /** Keys of all workloads there are; `undefined` as long as that is not known. */
  readonly expected: () => readonly string[] | undefined;
  /** Told of policies whose impact changed. */
  readonly onImpact: (policy: string) => void;
  /** Told when every workload was judged by a later program than before: any impact may be told now. */
  readonly onPass: () => void;
  /** Told when coverage, or what is known of it, may have changed. */
  readonly onCoverage: () => void;
}

interface Entry {
  /** The revision of the program that it was judged by. */
  readonly revision: number;
  /** `undefined` where it could not be judged at all. */
  readonly finding: WorkloadFinding | undefined;
}

/**
 * What was found last of every workload, in memory: metrics, impact and coverage are read from here.
 * After a start it tells nothing until every workload was judged once, so that what the cluster knows
 * from before is not overwritten by half of the truth.
 */
export class FindingsBoard {
  readonly #options: FindingsBoardOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #tallies = new Map<string, ImpactTally>();
  /** How many workloads were judged last by which revision. */
  readonly #revisions = new Map<number, number>();
  /** Keys of the first pass that were not judged yet; `undefined` before and after it. */
  #pending: Set<string> | undefined;
  #isComplete = false;
  #lowest = 0;

  constructor(options: FindingsBoardOptions) {
    this.#options = options;
  }

  /** Takes what was found of a workload by a revision of the program. */
  take(key: string, revision: number, finding: WorkloadFinding): void {
    this.#put(key, { revision, finding });
  }

  /** Notes that a workload could not be judged: what was found of it before stays. */
  failed(key: string, revision: number): void {
    this.#put(key, { revision, finding: this.#entries.get(key)?.finding });
  }

  /** Forgets a workload that is gone. */
  forget(key: string): void {
    this.#put(key, undefined);
  }

  /** Whether every workload was judged at least once. */
  get isComplete(): boolean {
    if (!this.#isComplete) this.#advanceFirstPass();
    return this.#isComplete;
  }

  /**
   * What a policy means for all workloads; `undefined` as long as not every one was judged by a program
   * of this revision or a later one.
   */
  impactOf(policy: string, revision: number): ImageTrustPolicyImpact | undefined {
    if (!this.isComplete || this.#lowestRevision() < revision) return undefined;
    return (this.#tallies.get(policy) ?? new ImpactTally()).impact();
  }

  /** What no policy covers; `undefined` as long as not every workload was judged by the same program. */
  coverage(): Coverage | undefined {
    if (!this.isComplete || this.#revisions.size > 1) return undefined;
    const uses = new Map<string, Set<string>>();
    const exemptNamespaces = new Set<string>();
    for (const { finding } of this.#entries.values()) {
      if (finding === undefined) continue;
      if (finding.exempt && finding.runsImages) exemptNamespaces.add(finding.namespace);
      // Admission does not look at these at all: that is told once, not for every image.
      if (finding.exempt) continue;
      for (const repository of finding.uncovered) {
        const namespaces = uses.get(repository) ?? new Set();
        uses.set(repository, namespaces.add(finding.namespace));
      }
    }
    const sorted = [...uses].sort(([a], [b]) => (a < b ? -1 : 1));
    return {
      uncovered: new Map(sorted.map(([repository, found]) => [repository, [...found].sort()])),
      exemptNamespaces: [...exemptNamespaces].sort(),
    };
  }

  /** How many workloads there are by the worst result of each. */
  workloads(): Readonly<Record<WorkloadResult, number>> {
    const counts = { pass: 0, fail: 0, warn: 0, error: 0, skip: 0, none: 0 };
    for (const { finding } of this.#entries.values())
      if (finding !== undefined) counts[worstOf(finding.summary)] += 1;
    return counts;
  }

  #put(key: string, entry: Entry | undefined): void {
    const before = this.#entries.get(key);
    if (entry === undefined) this.#entries.delete(key);
    else this.#entries.set(key, entry);
    this.#count(before?.revision, -1);
    this.#count(entry?.revision, 1);
    this.#pending?.delete(key);
    this.#compare(key, before?.finding, entry?.finding);
    if (this.isComplete) this.#tellPass();
  }

  #compare(
    key: string,
    before: WorkloadFinding | undefined,
    after: WorkloadFinding | undefined,
  ): void {
    if (before === after) return;
    const { policies: was } = before ?? NOTHING;
    const { policies: is, label } = after ?? NOTHING;
    for (const [policy, found] of is) {
      if (isSame(found, was.get(policy))) continue;
      this.#tally(policy, (tally) => tally.put(key, label, found));
    }
    for (const policy of was.keys())
      if (!is.has(policy)) this.#tally(policy, (tally) => tally.remove(key));
    if (coverageOf(before) !== coverageOf(after)) this.#options.onCoverage();
  }

  #tally(policy: string, change: (tally: ImpactTally) => void): void {
    const tally = this.#tallies.get(policy) ?? new ImpactTally();
    change(tally);
    if (tally.workloads === 0) this.#tallies.delete(policy);
    else this.#tallies.set(policy, tally);
    this.#options.onImpact(policy);
  }

  #count(revision: number | undefined, change: number): void {
    if (revision === undefined) return;
    const count = (this.#revisions.get(revision) ?? 0) + change;
    if (count === 0) this.#revisions.delete(revision);
    else this.#revisions.set(revision, count);
  }

  /** Every revision that any workload was judged last by; without workloads there is nothing to wait for. */
  #lowestRevision(): number {
    return Math.min(...this.#revisions.keys());
  }

  #tellPass(): void {
    const lowest = this.#lowestRevision();
    if (lowest === this.#lowest) return;
    const isLater = lowest > this.#lowest;
    this.#lowest = lowest;
    if (isLater) this.#options.onPass();
  }

  #advanceFirstPass(): void {
    if (this.#pending !== undefined && this.#pending.size > 0) return;
    const missing = this.#options.expected()?.filter((key) => !this.#entries.has(key));
    if (missing === undefined) return;
    this.#isComplete = missing.length === 0;
    this.#pending = this.#isComplete ? undefined : new Set(missing);
    if (!this.#isComplete) return;
    this.#options.onCoverage();
  }
}

/** Stands for a workload that is not there. */
const NOTHING: Pick<WorkloadFinding, 'policies' | 'label'> = { policies: new Map(), label: '' };

function isSame(one: PolicyFinding, other: PolicyFinding | undefined): boolean {
  return one.outcome === other?.outcome && one.wouldDeny === other.wouldDeny;
}

/** What a workload says of coverage, to be compared. */
function coverageOf(finding: WorkloadFinding | undefined): string {
  if (finding === undefined) return '';
  const { exempt, runsImages, namespace, uncovered } = finding;
  return JSON.stringify([
    exempt && runsImages,
    exempt || uncovered.length > 0,
    namespace,
    uncovered,
  ]);
}

const WORST_FIRST = ['fail', 'error', 'warn', 'skip', 'pass'] as const;

function worstOf(summary: ReportSummary): WorkloadResult {
  return WORST_FIRST.find((result) => summary[result] > 0) ?? 'none';
}

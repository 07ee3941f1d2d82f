// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { ImageTrustPolicy } from '../../../crds/index.ts';
import type { ProgramIndex } from '../../../runtime/program/index.ts';
import type { PolicyOutcome } from './outcome.ts';

/** How one policy stands in the program that is published. */
export interface ProgramView {
  readonly outcome: PolicyOutcome;
  /** The blob that the index names for it; `undefined` where it is not enforced. */
  readonly blob: string | undefined;
  /** The revision from which on the index names that blob: who acknowledged it enforces it. */
  readonly revision: number | undefined;
}

/** Whether a policy is enforced as written, by its last blob, or not at all. */
export function standingOf({
  outcome,
  blob,
}: ProgramView): keyof ReturnType<ProgramViews['counts']> {
  if (blob === undefined) return 'notEnforced';
  return outcome.state === 'compiled' ? 'compiled' : 'keptLast';
}

/** The views of all policies; tells which of them changed. */
export class ProgramViews {
  readonly #views = new Map<string, ProgramView>();

  /** The view of a policy. */
  get(policy: string): ProgramView | undefined {
    return this.#views.get(policy);
  }

  /** Takes what is published now. Answers the names of the policies whose view changed. */
  update(
    existing: readonly ImageTrustPolicy[],
    outcomes: ReadonlyMap<string, PolicyOutcome | undefined>,
    index: ProgramIndex,
  ): readonly string[] {
    const changed: string[] = [];
    const names = new Set(existing.map((policy) => policy.metadata.name));
    for (const name of this.#views.keys()) if (!names.has(name)) this.#views.delete(name);
    for (const policy of existing) {
      const { name } = policy.metadata;
      const before = this.#views.get(name);
      const outcome = outcomes.get(name) ?? before?.outcome;
      if (outcome === undefined) continue;
      const blob = index.policies.get(name);
      const revision = blob === undefined ? undefined : revisionOf({ policy, before, blob, index });
      this.#views.set(name, { outcome, blob, revision });
      if (!sameView(before, { outcome, blob, revision })) changed.push(name);
    }
    return changed;
  }

  /** How many policies are enforced as written, by their last blob, or not at all. */
  counts(): Readonly<Record<'compiled' | 'keptLast' | 'notEnforced', number>> {
    const counts = { compiled: 0, keptLast: 0, notEnforced: 0 };
    for (const view of this.#views.values()) counts[standingOf(view)] += 1;
    return counts;
  }
}

interface Entry {
  readonly policy: ImageTrustPolicy;
  readonly before: ProgramView | undefined;
  readonly blob: string;
  readonly index: ProgramIndex;
}

/** The first revision that is known to hold the blob without a break. */
function revisionOf({ policy, before, blob, index }: Entry): number {
  if (before?.blob === blob && before.revision !== undefined) return before.revision;
  // After a restart the status tells.
  const told = before === undefined ? toldRevision(policy, blob) : undefined;
  return Math.min(told ?? index.revision, index.revision);
}

/** The revision in the status, if that speaks of this blob and of this very generation. */
function toldRevision({ status, metadata }: ImageTrustPolicy, blob: string): number | undefined {
  if (status?.program?.blob !== blob) return undefined;
  return status.observedGeneration === metadata.generation ? status.program.revision : undefined;
}

function sameView(one: ProgramView | undefined, other: ProgramView): boolean {
  if (one === undefined) return false;
  return (
    one.blob === other.blob &&
    one.revision === other.revision &&
    sameOutcome(one.outcome, other.outcome)
  );
}

function sameOutcome(one: PolicyOutcome, other: PolicyOutcome): boolean {
  if (one.generation !== other.generation) return false;
  return saidOf(one) === saidOf(other);
}

/** What an outcome says, without the bytes of a blob. */
function saidOf(outcome: PolicyOutcome): string {
  const { state, trust } = outcome;
  const reason = state === 'failed' ? outcome.reason : '';
  const message = state === 'compiled' ? '' : outcome.message;
  return JSON.stringify([state, reason, message, trust]);
}

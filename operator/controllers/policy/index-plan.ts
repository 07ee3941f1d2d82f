// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import {
  FORMAT_VERSION,
  type DefaultAction,
  type ProgramIndex,
} from '../../../runtime/program/index.ts';
import type { PolicyOutcome } from './outcome.ts';

/** A policy that exists, as the index sees it. */
export interface PlannedPolicy {
  readonly name: string;
  /** `undefined` where it could not be told yet, e.g. because the API server did not answer. */
  readonly outcome: PolicyOutcome | undefined;
  /** `status.program.blob`: what was in force last. */
  readonly remembered: string | undefined;
}

/** All that decides what the index is to say. */
export interface IndexInput {
  /** The index as it is; `undefined` where it is lost or cannot be read. */
  readonly current: ProgramIndex | undefined;
  readonly policies: readonly PlannedPolicy[];
  /** Names that the index holds and of which a live GET said that they are gone. */
  readonly gone: ReadonlySet<string>;
  /** The highest revision that anybody knows of. */
  readonly floor: number;
  readonly defaultAction: DefaultAction;
  readonly cluster?: string | undefined;
}

/** The index to be enforced, and whether that is another one than now. */
export interface IndexPlan {
  readonly index: ProgramIndex;
  readonly changed: boolean;
}

/**
 * What the index is to say. A policy that does not compile keeps the blob that it had; an entry without
 * a policy stays until it is known to be gone; the revision grows with every change, and above whatever
 * anybody acknowledged: replicas never go back.
 */
export function planIndex(input: IndexInput): IndexPlan {
  const { current, floor, defaultAction, cluster } = input;
  const policies = entriesOf(input);
  const same =
    current !== undefined &&
    current.revision >= floor &&
    current.defaultAction === defaultAction &&
    current.cluster === cluster &&
    sameEntries(current.policies, policies);
  if (same) return { index: current, changed: false };
  const revision = Math.max(current?.revision ?? 0, floor) + 1;
  return {
    index: {
      formatVersion: FORMAT_VERSION,
      revision,
      defaultAction,
      ...(cluster === undefined ? {} : { cluster }),
      policies,
    },
    changed: true,
  };
}

/**
 * True where the index must not be written yet: it was lost, and what a policy had in it is not known
 * until the policy is compiled. An index without that policy would open what it keeps shut.
 */
export function mustWait({ current, policies }: Pick<IndexInput, 'current' | 'policies'>): boolean {
  if (current !== undefined) return false;
  return policies.some((p) => isOpen(p.outcome) && p.remembered === undefined);
}

/** Whether the outcome comes by itself. */
function isOpen(outcome: PolicyOutcome | undefined): boolean {
  return outcome === undefined || outcome.state === 'pending';
}

function entriesOf({ current, policies, gone }: IndexInput): ReadonlyMap<string, string> {
  const entries = new Map<string, string>();
  for (const [name, blob] of current?.policies ?? []) if (!gone.has(name)) entries.set(name, blob);
  for (const { name, outcome, remembered } of policies) {
    const blob =
      outcome?.state === 'compiled' ? outcome.blob.name : (entries.get(name) ?? remembered);
    if (blob !== undefined) entries.set(name, blob);
  }
  return new Map([...entries].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function sameEntries(
  one: ReadonlyMap<string, string>,
  other: ReadonlyMap<string, string>,
): boolean {
  return one.size === other.size && [...one].every(([name, blob]) => other.get(name) === blob);
}

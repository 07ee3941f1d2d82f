// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Clock } from '../../runtime/clock.ts';

/** How an image of a pod runs by an exception. */
export type UseState =
  /** The exception covers it. */
  | 'inEffect'
  /** It runs still, and the exception has ended. */
  | 'ended'
  /** It runs, and the exception is not approved any more, or not yet. */
  | 'unapproved';

/** An image that runs by an exception, or did so until that ceased to cover it. */
export interface ExceptionUsed {
  /** `namespace/name`. */
  readonly exception: string;
  readonly state: UseState;
  readonly digest: string;
}

/** What was seen of the use of an exception. */
export interface SeenUse {
  /** Workloads that run by it now. */
  readonly workloads: number;
  /** Workloads that run still although it has ended. */
  readonly ended: number;
  /** Workloads that run although it is not approved. */
  readonly unapproved: number;
  /** Digests that ran by it since the start, sorted. */
  readonly digests: readonly string[];
  /** When it was used last, milliseconds since the epoch; `undefined` where it was not since the start. */
  readonly lastSeen: number | undefined;
}

interface Entry {
  readonly workloads: Readonly<Record<UseState, Set<string>>>;
  readonly digests: Set<string>;
  lastSeen: number | undefined;
}

/** What the board works with. */
export interface ExceptionUsageOptions {
  readonly clock: Pick<Clock, 'now'>;
  /** Told of exceptions whose use changed, by `namespace/name`. */
  readonly onChange: (exception: string) => void;
}

/**
 * Which workloads run by which exception, as they were judged last, in memory. What was used and is not
 * any more stays known until the exception is gone, so that no short use is lost.
 */
export class ExceptionUsageBoard {
  readonly #options: ExceptionUsageOptions;
  readonly #entries = new Map<string, Entry>();
  /** Uses, by workload. */
  readonly #uses = new Map<string, readonly ExceptionUsed[]>();

  constructor(options: ExceptionUsageOptions) {
    this.#options = options;
  }

  /** Takes the uses of a workload as they are now. */
  take(workload: string, uses: readonly ExceptionUsed[]): void {
    const before = this.#uses.get(workload) ?? NONE;
    if (uses.length === 0) this.#uses.delete(workload);
    else this.#uses.set(workload, uses);
    const changed = new Set<string>();
    const now = new Set(uses.map(placeOf));
    for (const use of before) if (!now.has(placeOf(use))) changed.add(this.#end(workload, use));
    for (const use of uses) if (this.#begin(workload, use)) changed.add(use.exception);
    for (const exception of changed) this.#options.onChange(exception);
  }

  /** Forgets a workload that is gone. */
  forget(workload: string): void {
    this.take(workload, NONE);
  }

  /** Forgets an exception that is gone, as far as nothing runs by it. */
  drop(exception: string): void {
    const entry = this.#entries.get(exception);
    if (entry !== undefined && isIdle(entry)) this.#entries.delete(exception);
  }

  /** What was seen of an exception. */
  usageOf(exception: string): SeenUse {
    const entry = this.#entries.get(exception);
    if (entry === undefined) return UNSEEN;
    const { workloads, digests, lastSeen } = entry;
    return {
      workloads: workloads.inEffect.size,
      ended: workloads.ended.size,
      unapproved: workloads.unapproved.size,
      digests: [...digests].sort(),
      lastSeen,
    };
  }

  #begin(workload: string, { exception, state, digest }: ExceptionUsed): boolean {
    const entry = this.#entries.get(exception) ?? newEntry();
    this.#entries.set(exception, entry);
    const isNew = !entry.workloads[state].has(workload);
    entry.workloads[state].add(workload);
    if (state !== 'inEffect') return isNew;
    entry.lastSeen = this.#options.clock.now().getTime();
    const isNewDigest = !entry.digests.has(digest);
    entry.digests.add(digest);
    return isNew || isNewDigest;
  }

  #end(workload: string, { exception, state }: ExceptionUsed): string {
    this.#entries.get(exception)?.workloads[state].delete(workload);
    return exception;
  }
}

const NONE: readonly ExceptionUsed[] = [];
const UNSEEN: SeenUse = {
  workloads: 0,
  ended: 0,
  unapproved: 0,
  digests: [],
  lastSeen: undefined,
};

function newEntry(): Entry {
  return {
    workloads: { inEffect: new Set(), ended: new Set(), unapproved: new Set() },
    digests: new Set(),
    lastSeen: undefined,
  };
}

function isIdle({ workloads }: Entry): boolean {
  return Object.values(workloads).every(({ size }) => size === 0);
}

/** The same for all digests of one workload. */
function placeOf({ exception, state }: ExceptionUsed): string {
  return `${state} ${exception}`;
}

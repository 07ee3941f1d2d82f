// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Clock } from '../../runtime/clock.ts';
import type { KubeObject, ObjectView } from '../../runtime/kube/index.ts';
import { REVISION_ANNOTATION } from '../../runtime/program/index.ts';

/** Label of the Leases of webhook replicas. */
export const REPLICA_SELECTOR = 'countersign.dev/component=webhook';
/** A replica lives as long as its Lease was seen to change within this time. */
export const REPLICA_LIFE_MS = 30_000;

/** The part of a Lease that is read. */
export interface Lease extends KubeObject {
  readonly spec?: { readonly renewTime?: string };
}

/** A webhook replica that is alive. */
export interface Replica {
  readonly name: string;
  /** The revision that it enforces; `undefined` before its first. */
  readonly revision: number | undefined;
  /**
   * Whether it was seen to renew. One that was there when we came is taken for alive until its time
   * has passed, but nothing becomes ready on its word alone.
   */
  readonly observed: boolean;
}

/** What following replicas needs. */
export interface ReplicaTrackerOptions {
  readonly leases: {
    readonly store: Pick<ObjectView<Lease>, 'onChange'>;
    readonly hasSynced: boolean;
  };
  readonly clock: Clock;
  /** Told when the replicas or what they acknowledged changed; not of plain renewals. */
  readonly onChange: () => void;
}

interface Tracked {
  readonly revision: number | undefined;
  readonly renewTime: string | undefined;
  readonly changedAt: number;
  readonly observed: boolean;
}

/**
 * Webhook replicas by their Leases. Liveness is judged by our own clock, from when a renewal was
 * observed: what a Lease says of time is not compared with anything.
 */
export class ReplicaTracker {
  readonly #options: ReplicaTrackerOptions;
  readonly #tracked = new Map<string, Tracked>();
  #highest = 0;

  constructor(options: ReplicaTrackerOptions) {
    this.#options = options;
    options.leases.store.onChange((key, current) => {
      this.#take(key, current);
    });
  }

  /** The replicas that are alive now. */
  alive(): readonly Replica[] {
    const now = this.#options.clock.monotonic();
    return [...this.#tracked]
      .filter(([, tracked]) => now - tracked.changedAt <= REPLICA_LIFE_MS)
      .map(([name, { revision, observed }]) => ({ name, revision, observed }));
  }

  /** Milliseconds until the first of them may be dead; `undefined` where there is none. */
  msToNextDeath(): number | undefined {
    const now = this.#options.clock.monotonic();
    const left = [...this.#tracked.values()]
      .map((tracked) => tracked.changedAt + REPLICA_LIFE_MS - now)
      .filter((ms) => ms >= 0);
    return left.length === 0 ? undefined : Math.min(...left) + 1;
  }

  /** The highest revision that any replica, alive or not, ever acknowledged to us. */
  get highestRevision(): number {
    return this.#highest;
  }

  #take(name: string, current: Lease | undefined): void {
    const before = this.#tracked.get(name);
    if (current === undefined) {
      if (this.#tracked.delete(name)) this.#options.onChange();
      return;
    }
    const now = this.#options.clock.monotonic();
    const after = before === undefined ? this.#first(current, now) : renewed(before, current, now);
    this.#tracked.set(name, after);
    this.#highest = Math.max(this.#highest, after.revision ?? 0);
    if (before === undefined || isNews(before, after)) this.#options.onChange();
  }

  #first(lease: Lease, now: number): Tracked {
    const { hasSynced: observed } = this.#options.leases;
    return {
      revision: revisionOf(lease),
      renewTime: lease.spec?.renewTime,
      changedAt: now,
      observed,
    };
  }
}

function renewed(before: Tracked, lease: Lease, now: number): Tracked {
  const renewTime = lease.spec?.renewTime;
  const seen = renewTime !== before.renewTime;
  return {
    revision: revisionOf(lease),
    renewTime,
    changedAt: seen ? now : before.changedAt,
    observed: seen || before.observed,
  };
}

/** Whether anything but a plain renewal happened; one that comes back from the dead is news. */
function isNews(before: Tracked, after: Tracked): boolean {
  const revived = after.changedAt - before.changedAt > REPLICA_LIFE_MS;
  return before.revision !== after.revision || before.observed !== after.observed || revived;
}

/** The acknowledged revision; `undefined` where there is none that can be one. */
function revisionOf(lease: Lease): number | undefined {
  const text = lease.metadata.annotations?.[REVISION_ANNOTATION];
  if (text === undefined || !/^[1-9][0-9]{0,14}$/.test(text)) return undefined;
  return Number(text);
}

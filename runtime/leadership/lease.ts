// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { KubeObject } from '../kube/index.ts';

/** How long a Lease that is not renewed keeps others out, by the clock of each of them. */
export const LEASE_MS = 15_000;
/** How long after the last renewal a leader still takes itself for one; shorter than {@link LEASE_MS}. */
export const HOLD_MS = 10_000;
/** What a Lease may ask others to wait, however long it says that it lasts. */
const LONGEST_LEASE_MS = 60_000;

/** The part of a Lease that leader election reads and writes; the rest is kept as it is. */
export interface Lease extends KubeObject {
  readonly spec?: {
    /** Who leads; empty or absent where nobody does. */
    readonly holderIdentity?: string | null;
    readonly leaseDurationSeconds?: number | null;
    readonly acquireTime?: string | null;
    readonly renewTime?: string | null;
    readonly leaseTransitions?: number | null;
  };
}

/** Who holds the Lease; empty where nobody does. */
export function holderOf(lease: Lease | undefined): string {
  return lease?.spec?.holderIdentity ?? '';
}

/** How long others must have seen no renewal before they may take the Lease, milliseconds. */
export function lifeOf(lease: Lease): number {
  const told = (lease.spec?.leaseDurationSeconds ?? 0) * 1000;
  return Math.min(Math.max(told, LEASE_MS), LONGEST_LEASE_MS);
}

/** A Lease held by `identity` from now on; `before` is the one that it takes over or renews. */
export function heldLease(before: Lease, identity: string, now: Date): Lease {
  const { spec = {} } = before;
  const mine = holderOf(before) === identity;
  const transitions = spec.leaseTransitions ?? 0;
  return {
    ...before,
    spec: {
      ...spec,
      holderIdentity: identity,
      leaseDurationSeconds: LEASE_MS / 1000,
      acquireTime: mine ? (spec.acquireTime ?? microTime(now)) : microTime(now),
      renewTime: microTime(now),
      leaseTransitions: mine ? transitions : transitions + 1,
    },
  };
}

/** The Lease with nobody who holds it: the next one takes it at once. */
export function releasedLease(before: Lease, now: Date): Lease {
  const { leaseTransitions = 0 } = before.spec ?? {};
  return {
    ...before,
    spec: { leaseTransitions, leaseDurationSeconds: 1, renewTime: microTime(now) },
  };
}

/** RFC 3339 with microseconds, as Leases have it. */
function microTime(instant: Date): string {
  return instant.toISOString().replace('Z', '000Z');
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { ExceptionUsage } from '../../../crds/index.ts';
import type { SeenUse } from '../../state/exception-usage.ts';

/** Most digests that the schema takes. */
const MOST_DIGESTS = 64;
const DAY = 86_400_000;
const HOUR = 3_600_000;

/**
 * `status.usage` from what was written before and what was seen since the start; `undefined` where nothing
 * ever was. `seen` is `undefined` as long as not all is known: then what was written stays.
 */
export function usageFrom(
  before: ExceptionUsage | undefined,
  seen: SeenUse | undefined,
  now: Date,
): ExceptionUsage | undefined {
  if (seen === undefined) return before;
  const { workloads, digests, lastSeen } = seen;
  if (lastSeen === undefined) return before === undefined ? undefined : { ...before, workloads };
  const day = dayOf(workloads > 0 ? now.getTime() : lastSeen);
  const { firstSeen = day, lastSeen: last = day, digests: known = [] } = before ?? {};
  return {
    firstSeen,
    // A clock that was set back takes nothing back.
    lastSeen: day > last ? day : last,
    digests: [...new Set([...digests, ...known])].slice(0, MOST_DIGESTS).sort(),
    workloads,
  };
}

/**
 * When what is in use is to be looked at again because a day has passed, milliseconds since the epoch:
 * within the first hour of the next day, each exception at an instant of its own.
 */
export function nextDay(key: string, now: Date): number {
  const midnight = (Math.floor(now.getTime() / DAY) + 1) * DAY;
  let spread = 0;
  for (let at = 0; at < key.length; at += 1) spread = (spread * 31 + key.charCodeAt(at)) % HOUR;
  return midnight + spread;
}

/** The day of an instant, UTC. */
function dayOf(instant: number): string {
  return new Date(instant).toISOString().slice(0, 10);
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

/** When a trust root is read again, and how long it counts as fresh. Milliseconds. */
export interface TrustSchedule {
  /** Between two reads, 20 % more or less; sooner where the metadata expires sooner. */
  readonly refreshMs: number;
  /** After the first failure, and after many in a row. */
  readonly retryMs: { readonly first: number; readonly most: number };
  /** How long a text is fresh that could not be read again, whatever its metadata says. */
  readonly maxAgeMs: number;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Metadata of the public good expires within days and is renewed within hours. */
export const DEFAULT_TRUST_SCHEDULE: TrustSchedule = {
  refreshMs: 6 * HOUR,
  retryMs: { first: MINUTE, most: HOUR },
  maxAgeMs: 48 * HOUR,
};

const JITTER = 0.2;
const MAX_DOUBLINGS = 20;

/** Milliseconds until the next read after one that succeeded. `random` is between 0 and 1. */
export function refreshAfter(
  schedule: TrustSchedule,
  msToExpiry: number | undefined,
  random: number,
): number {
  const { refreshMs, retryMs } = schedule;
  // Half of what is left, so that a failure leaves time for others; never without a pause.
  const half = msToExpiry === undefined ? refreshMs : Math.max(msToExpiry / 2, retryMs.first);
  return Math.min(refreshMs, half) * jitter(random);
}

/** Milliseconds until the next read after so many failures in a row, at least one. */
export function retryAfter({ retryMs }: TrustSchedule, failures: number, random: number): number {
  const doublings = Math.min(failures - 1, MAX_DOUBLINGS);
  return Math.min(retryMs.first * 2 ** doublings, retryMs.most) * jitter(random);
}

function jitter(random: number): number {
  return 1 - JITTER + 2 * JITTER * random;
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { instant } from '../../crds/index.ts';

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
] as const;
const SPAN = /^(?:([0-9]{1,5})d)?(?:([0-9]{1,6})h)?(?:([0-9]{1,8})m)?(?:([0-9]{1,9})s)?$/;

/** Milliseconds of a duration such as `7d`, `24h` or `1h30m`; `undefined` for anything else, and for nothing. */
export function parseSpan(text: string): number | undefined {
  const [, ...counts] = SPAN.exec(text) ?? [];
  const ms = UNITS.reduce((sum, [, unit], index) => sum + unit * Number(counts[index] ?? 0), 0);
  return ms > 0 ? ms : undefined;
}

/**
 * An instant as people write it: RFC 3339 with zone, or a duration from now. Milliseconds since the
 * epoch; `undefined` where it is neither.
 */
export function parseMoment(text: string, now: number): number | undefined {
  const span = parseSpan(text);
  if (span !== undefined) return now + span;
  return instant.safeParse(text).success ? Date.parse(text) : undefined;
}

/** RFC 3339 to the second, as objects carry it. What is more is cut off. */
export function instantText(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}

/** A duration for people, its two largest units: `6d4h`, `25m`, `0s`. */
export function spanText(ms: number): string {
  const parts: string[] = [];
  let left = Math.abs(ms);
  for (const [name, unit] of UNITS) {
    const count = Math.floor(left / unit);
    left -= count * unit;
    if (count > 0) parts.push(`${count.toString()}${name}`);
    else if (parts.length > 0) break;
  }
  return parts.slice(0, 2).join('') || '0s';
}

/** How far away an instant is: `in 6d4h`, `3h ago`. */
export function distanceText(ms: number, now: number): string {
  const span = spanText(ms - now);
  return ms > now ? `in ${span}` : `${span} ago`;
}

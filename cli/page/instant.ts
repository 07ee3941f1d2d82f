// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Milliseconds since the epoch; `undefined` where the text is no instant. */
export function millisecondsOf(instant: string): number | undefined {
  const milliseconds = new Date(instant).getTime();
  return Number.isNaN(milliseconds) ? undefined : milliseconds;
}

/** `2026-11-27`, UTC; the text itself where it is no instant. */
export function dayOf(instant: string): string {
  return isoOf(instant)?.slice(0, 10) ?? instant;
}

/** `09:30`, UTC, or `09:30:15` where the seconds count; empty where it is no instant. */
export function timeOf(instant: string): string {
  const iso = isoOf(instant);
  if (iso === undefined) return '';
  return iso.slice(11, iso.slice(17, 19) === '00' ? 16 : 19);
}

/** `2026-11-27 09:30 UTC`; the text itself where it is no instant. */
export function momentOf(instant: string): string {
  return isoOf(instant) === undefined ? instant : `${dayOf(instant)} ${timeOf(instant)} UTC`;
}

/** `in 3 d`, `5 h ago`, `now`: how far an instant is from another; empty where one is none. */
export function distanceOf(instant: string, from: string): string {
  const [there, here] = [millisecondsOf(instant), millisecondsOf(from)];
  if (there === undefined || here === undefined) return '';
  const distance = Math.abs(there - here);
  if (distance < MINUTE) return 'now';
  const text = lengthOf(distance);
  return there > here ? `in ${text}` : `${text} ago`;
}

/** In the largest unit of which there are two or more: `36 h`, `12 d`. */
function lengthOf(milliseconds: number): string {
  if (milliseconds >= 2 * DAY) return `${Math.floor(milliseconds / DAY)} d`;
  if (milliseconds >= 2 * HOUR) return `${Math.floor(milliseconds / HOUR)} h`;
  return `${Math.floor(milliseconds / MINUTE)} min`;
}

function isoOf(instant: string): string | undefined {
  const milliseconds = millisecondsOf(instant);
  return milliseconds === undefined ? undefined : new Date(milliseconds).toISOString();
}

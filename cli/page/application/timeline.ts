// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { ExceptionEntry } from '../../exceptions/document.ts';
import { millisecondsOf } from '../instant.ts';
import { kindOf, type StandingKind } from '../standing.ts';

const DAY = 86_400_000;
/** How far the axis reaches from the instant of the review; longer windows are cut off. */
const REACH = 90 * DAY;
/** The axis never spans less. */
const LEAST_SPAN = 2 * DAY;
/** Days between two marks of the axis: the first that leaves enough room. */
const STEPS = [1, 2, 7, 14, 28, 56];
const ROOM_OF_MARK = 76;
/** A bar is at least this wide, so that a short window can be seen. */
const LEAST_BAR = 3;

/** The window of an exception in the plot. All lengths are in the unit of `width`. */
export interface Bar {
  readonly entry: ExceptionEntry;
  readonly kind: StandingKind;
  readonly x: number;
  readonly width: number;
  /** Whether it begins before the axis does, or lies before it as a whole. */
  readonly cutLeft: boolean;
  /** Whether it goes on after the axis ends, or lies after it as a whole. */
  readonly cutRight: boolean;
}

/** A day on the axis. */
export interface Mark {
  readonly x: number;
  /** `11-27`; with the year in front at the first mark and where the year changes. */
  readonly label: string;
}

/** What the timeline draws. */
export interface Timeline {
  readonly bars: readonly Bar[];
  /** How many exceptions are left out, beyond the bound. */
  readonly omitted: number;
  readonly marks: readonly Mark[];
  /** Where the instant of the review is. */
  readonly instantX: number;
}

/** Where and how much is drawn. */
export interface TimelineSize {
  readonly width: number;
  /** How many bars there are at most. */
  readonly most: number;
}

interface Axis {
  readonly start: number;
  readonly end: number;
  readonly width: number;
}

/** Lays the windows of the first exceptions out. Total: a window that is no window has no width. */
export function timelineOf(
  entries: readonly ExceptionEntry[],
  at: string,
  { width, most }: TimelineSize,
): Timeline {
  const instant = millisecondsOf(at) ?? 0;
  const shown = entries.slice(0, most);
  const axis: Axis = { ...rangeOf(shown, instant), width };
  return {
    bars: shown.map((entry) => barOf(entry, axis)),
    omitted: entries.length - shown.length,
    marks: marksOf(axis),
    instantX: round(position(instant, axis)),
  };
}

/** From the first beginning to the last end, with some air, the instant always in it. */
function rangeOf(
  entries: readonly ExceptionEntry[],
  instant: number,
): { readonly start: number; readonly end: number } {
  const windows = entries.map((entry) => windowOf(entry));
  const first = windows.reduce((least, { start }) => Math.min(least, start ?? least), instant);
  const last = windows.reduce((most, { end }) => Math.max(most, end ?? most), instant);
  const start = Math.max(first, instant - REACH);
  const end = Math.min(last, instant + REACH);
  const air = Math.max((end - start) * 0.02, (LEAST_SPAN - (end - start)) / 2);
  return { start: start - air, end: end + air };
}

function windowOf({ notBefore, expiresAt }: ExceptionEntry): {
  readonly start: number | undefined;
  readonly end: number | undefined;
} {
  return { start: millisecondsOf(notBefore), end: millisecondsOf(expiresAt) };
}

function barOf(entry: ExceptionEntry, axis: Axis): Bar {
  const kind = kindOf(entry.state);
  const { start, end } = windowOf(entry);
  if (start === undefined || end === undefined || end < start)
    return { entry, kind, x: 0, width: 0, cutLeft: false, cutRight: false };
  const left = Math.min(Math.max(position(start, axis), 0), axis.width - LEAST_BAR);
  const right = Math.min(Math.max(position(end, axis), left + LEAST_BAR), axis.width);
  return {
    entry,
    kind,
    x: round(left),
    width: round(right - left),
    cutLeft: start < axis.start,
    cutRight: end > axis.end,
  };
}

function marksOf(axis: Axis): readonly Mark[] {
  const days = (axis.end - axis.start) / DAY;
  const room = (step: number): number => (axis.width * step) / days;
  const step = STEPS.find((each) => room(each) >= ROOM_OF_MARK) ?? Math.ceil(days);
  const count = Math.floor(days / step) + 1;
  const first = Math.ceil(axis.start / (step * DAY)) * step * DAY;
  const instants = Array.from({ length: count }, (_, index) => first + index * step * DAY).filter(
    (each) => each <= axis.end,
  );
  return instants.map((each, index) => ({
    x: round(position(each, axis)),
    label: labelOf(each, instants[index - 1]),
  }));
}

function labelOf(instant: number, before: number | undefined): string {
  const day = new Date(instant).toISOString().slice(0, 10);
  const sameYear =
    before !== undefined && new Date(before).toISOString().startsWith(day.slice(0, 4));
  return sameYear ? day.slice(5) : day;
}

function position(instant: number, { start, end, width }: Axis): number {
  return ((instant - start) / (end - start)) * width;
}

/** Half a unit is as exact as a screen can show, and keeps the markup small. */
function round(length: number): number {
  return Math.round(length * 2) / 2;
}

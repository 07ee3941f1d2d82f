// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { h, type JSX } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { ExceptionEntry } from '../../exceptions/document.ts';
import { momentOf } from '../instant.ts';
import { stateLabel, STANDING_KINDS } from '../standing.ts';
import { visibleText } from '../visible-text.ts';
import { fillOf, Swatch } from './swatch.ts';
import { counted, grouped, shortened } from './text.ts';
import { timelineOf, type Bar, type Timeline } from './timeline.ts';

/** How many windows are drawn. */
const MOST_BARS = 60;
const ROW = 18;
const AXIS = 34;
/** Until the width on the screen is known. */
const FIRST_WIDTH = 1200;
const LEAST_WIDTH = 640;
const NAMES_SHARE = 0.24;
const STATES_WIDTH = 180;
/** Width of a letter of the smaller monospaced face. */
const LETTER = 6.7;

/** What the timeline shows. */
export interface TimelineProps {
  /** In the order of the table. */
  readonly entries: readonly ExceptionEntry[];
  readonly at: string;
}

interface Frame {
  readonly width: number;
  readonly names: number;
  readonly height: number;
}

/** The windows of the listed exceptions on one axis, with a line for the instant of the review. */
export function TimelineChart({ entries, at }: TimelineProps): JSX.Element {
  const [place, width] = useWidth();
  const names = Math.round(width * NAMES_SHARE);
  const plot = width - names - STATES_WIDTH;
  const timeline = timelineOf(entries, at, { width: plot, most: MOST_BARS });
  const frame: Frame = { width, names, height: timeline.bars.length * ROW + 4 };
  return h(
    'section',
    { class: 'timeline', 'aria-labelledby': 'timeline-heading' },
    h('h2', { id: 'timeline-heading' }, 'Windows'),
    h(Legend, null),
    h(
      'div',
      { class: 'scroll', tabIndex: 0, role: 'group', 'aria-label': 'Timeline', ref: place },
      h(Axis, { timeline, frame, at }),
      h(Rows, { timeline, frame }),
    ),
    h(Bound, { timeline, total: entries.length }),
  );
}

function Bound({
  timeline,
  total,
}: {
  readonly timeline: Timeline;
  readonly total: number;
}): JSX.Element | null {
  if (total === 0) return h('p', { class: 'note' }, 'No exception is listed.');
  if (timeline.omitted === 0) return null;
  const shown = counted(timeline.bars.length, 'window');
  return h(
    'p',
    { class: 'note' },
    `The first ${shown} of ${grouped(total)} in the order of the table; filter or sort to see others.`,
  );
}

function Legend(): JSX.Element {
  return h(
    'ul',
    { class: 'legend', 'aria-label': 'Legend' },
    STANDING_KINDS.map(({ kind, label }) => h('li', { key: kind }, h(Swatch, { kind }), label)),
  );
}

interface PartProps {
  readonly timeline: Timeline;
  readonly frame: Frame;
}

function Axis({ timeline, frame, at }: PartProps & { readonly at: string }): JSX.Element {
  const { width, names } = frame;
  const anchor = timeline.instantX > (width - names - STATES_WIDTH) / 2 ? 'end' : 'start';
  return h(
    'svg',
    { class: 'axis', viewBox: `0 0 ${width} ${AXIS}`, width: '100%', 'aria-hidden': 'true' },
    timeline.marks.map(({ x, label }) =>
      h(
        'text',
        { key: x, x: names + x, y: AXIS - 6, class: 'mark', 'text-anchor': 'middle' },
        label,
      ),
    ),
    h('path', { d: `M${names + timeline.instantX} 2V${AXIS}`, class: 'instant' }),
    h(
      'text',
      {
        x: names + timeline.instantX + (anchor === 'end' ? -5 : 5),
        y: 12,
        class: 'instant-label',
        'text-anchor': anchor,
      },
      momentOf(at),
    ),
  );
}

function Rows({ timeline, frame }: PartProps): JSX.Element {
  const { width, names, height } = frame;
  const label = `Windows of ${counted(timeline.bars.length, 'exception')}; the table has the same as text.`;
  return h(
    'svg',
    {
      class: 'rows',
      viewBox: `0 0 ${width} ${height}`,
      width: '100%',
      role: 'img',
      'aria-label': label,
    },
    timeline.marks.map(({ x }) =>
      h('path', { key: x, d: `M${names + x} 0V${height}`, class: 'grid' }),
    ),
    timeline.bars.map((bar, row) => h(Row, { key: row, bar, row, frame })),
    h('path', { d: `M${names + timeline.instantX} 0V${height}`, class: 'halo' }),
    h('path', { d: `M${names + timeline.instantX} 0V${height}`, class: 'instant' }),
  );
}

interface RowProps {
  readonly bar: Bar;
  readonly row: number;
  readonly frame: Frame;
}

function Row({ bar, row, frame }: RowProps): JSX.Element {
  const { entry, kind, x, width } = bar;
  const { names } = frame;
  const name = visibleText(`${entry.namespace}/${entry.name}`);
  const state = `${stateLabel(entry.state)}${entry.class === 'Incident' ? ', incident' : ''}`;
  const letters = Math.floor((names - 12) / LETTER);
  return h(
    'g',
    { transform: `translate(0 ${row * ROW + 2})` },
    h(
      'title',
      null,
      `${name}: ${momentOf(entry.notBefore)} to ${momentOf(entry.expiresAt)}, ${state}`,
    ),
    h('text', { x: 0, y: 13, class: 'name' }, shortened(name, letters)),
    h('rect', {
      x: names + x,
      y: 3.5,
      width,
      height: ROW - 7,
      class: `bar ${kind}`,
      fill: fillOf(kind),
    }),
    h(Cut, { bar, names }),
    h(
      'text',
      { x: frame.width - STATES_WIDTH + 10, y: 13, class: `state ${kind}` },
      shortened(visibleText(state), Math.floor((STATES_WIDTH - 10) / LETTER)),
    ),
  );
}

/** Arrows where a window goes on beyond the axis. */
function Cut({ bar, names }: { readonly bar: Bar; readonly names: number }): JSX.Element {
  const left = names + bar.x;
  const right = left + bar.width;
  return h(
    'g',
    null,
    bar.cutLeft ? h('path', { d: `M${left} 4 ${left - 5} 9 ${left} 14Z`, class: 'cut' }) : null,
    bar.cutRight ? h('path', { d: `M${right} 4 ${right + 5} 9 ${right} 14Z`, class: 'cut' }) : null,
  );
}

/** The width of an element on the screen; while it is not shown there, the last one. */
function useWidth(): readonly [{ current: HTMLDivElement | null }, number] {
  const place = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(FIRST_WIDTH);
  useLayoutEffect(() => {
    const element = place.current;
    if (element === null) return undefined;
    const measure = (): void => setWidth(Math.max(LEAST_WIDTH, Math.floor(element.clientWidth)));
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    measure();
    return () => observer.disconnect();
  }, []);
  return [place, width];
}

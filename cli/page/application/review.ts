// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { h, type JSX } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import type { ExceptionEntry, ReviewDocument } from '../../exceptions/document.ts';
import { ExceptionTable } from './exception-table.ts';
import { FilterBar } from './filter-bar.ts';
import { filterText, listed, NO_FILTER, searchable, type Filter } from './filter.ts';
import { Masthead } from './masthead.ts';
import { usePrinting } from './printing.ts';
import { FIRST_ORDER, sorted } from './sort.ts';
import { Patterns } from './swatch.ts';
import { counted, grouped, Value } from './text.ts';
import { TimelineChart } from './timeline-chart.ts';

/** The page. */
export function Review({ document }: { readonly document: ReviewDocument }): JSX.Element {
  const { exceptions, at } = document;
  const [filter, setFilter] = useState(NO_FILTER);
  const [order, setOrder] = useState(FIRST_ORDER);
  const printing = usePrinting();
  const prepared = useMemo(() => exceptions.map(searchable), [exceptions]);
  const passing = useMemo(() => listed(prepared, filter), [prepared, filter]);
  const entries = useMemo(() => sorted(passing, order), [passing, order]);
  return h(
    'div',
    { class: 'page' },
    h(Patterns, null),
    h(Masthead, { document }),
    h(
      'main',
      null,
      h(FilterBar, {
        entries: exceptions,
        filter,
        passing: passing.length,
        onFilter: setFilter,
      }),
      h('p', { class: 'print-only' }, h(Value, { text: paperNote(filter, entries, exceptions) })),
      h(TimelineChart, { entries, at }),
      h(ExceptionTable, { entries, at, order, onOrder: setOrder, printing }),
    ),
    h(
      'footer',
      null,
      'Times are UTC. Made by countersign exceptions review; the page holds its data and asks nobody.',
    ),
  );
}

/** Paper tells what the filters told on the screen. */
function paperNote(
  filter: Filter,
  listed: readonly ExceptionEntry[],
  all: readonly ExceptionEntry[],
): string {
  const filtered = filterText(filter);
  if (filtered === '') return `All ${counted(all.length, 'exception')}.`;
  return `Filtered by ${filtered}: ${grouped(listed.length)} of ${counted(all.length, 'exception')}.`;
}

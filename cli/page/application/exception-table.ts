// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { h, type JSX } from 'preact';
import { useCallback, useState } from 'preact/hooks';
import type { ExceptionEntry } from '../../exceptions/document.ts';
import { ExceptionRows } from './exception-rows.ts';
import { COLUMNS, pressed, type ColumnKey, type Order } from './sort.ts';
import { grouped } from './text.ts';

/** How many rows there are at first: more would make every key press slow. */
const FIRST_ROWS = 200;

/** What the table shows. */
export interface TableProps {
  /** Filtered and sorted. */
  readonly entries: readonly ExceptionEntry[];
  readonly at: string;
  readonly order: Order;
  readonly onOrder: (order: Order) => void;
  /** On paper every row is open, and none is left out. */
  readonly printing: boolean;
}

/** The listed exceptions, each with details that open below it. */
export function ExceptionTable(props: TableProps): JSX.Element {
  const { entries, at, order, onOrder, printing } = props;
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const [all, setAll] = useState(false);
  const shown = all || printing ? entries : entries.slice(0, FIRST_ROWS);
  const toggle = useCallback((id: string) => setOpen((before) => toggled(before, id)), []);
  return h(
    'section',
    { 'aria-labelledby': 'table-heading' },
    h('h2', { id: 'table-heading' }, 'Exceptions'),
    h(
      'div',
      { class: 'scroll wide-table', tabIndex: 0, role: 'group', 'aria-label': 'Table' },
      h(
        'table',
        { 'aria-labelledby': 'table-heading' },
        h(Head, { order, onOrder }),
        shown.map((entry) => {
          const id = `${entry.namespace}/${entry.name}`;
          const opened = printing || open.has(id);
          return h(ExceptionRows, { key: id, id, entry, at, opened, onToggle: toggle });
        }),
      ),
    ),
    entries.length === 0 ? h('p', { class: 'note' }, 'No exception is listed.') : null,
    shown.length < entries.length
      ? h(
          'p',
          { class: 'note' },
          `The first ${grouped(shown.length)} of ${grouped(entries.length)}. `,
          h('button', { type: 'button', onClick: () => setAll(true) }, 'Show all'),
        )
      : null,
  );
}

interface HeadProps {
  readonly order: Order;
  readonly onOrder: (order: Order) => void;
}

function Head({ order, onOrder }: HeadProps): JSX.Element {
  return h(
    'thead',
    null,
    h(
      'tr',
      null,
      COLUMNS.map(({ key, label }) =>
        h(
          'th',
          { key, scope: 'col', class: `c-${key}`, 'aria-sort': sortOf(order, key) },
          h(
            'button',
            { type: 'button', onClick: () => onOrder(pressed(order, key)) },
            label,
            arrow(order, key),
          ),
        ),
      ),
    ),
  );
}

function sortOf(order: Order, key: ColumnKey): Order['direction'] | 'none' {
  return order.column === key ? order.direction : 'none';
}

function arrow(order: Order, key: ColumnKey): JSX.Element {
  const d = order.direction === 'ascending' ? 'M1 7 4 2 7 7Z' : 'M1 2 4 7 7 2Z';
  return h(
    'svg',
    { class: 'arrow', width: 8, height: 9, 'aria-hidden': 'true' },
    order.column === key ? h('path', { d }) : null,
  );
}

function toggled(keys: ReadonlySet<string>, key: string): ReadonlySet<string> {
  const next = new Set(keys);
  if (!next.delete(key)) next.add(key);
  return next;
}

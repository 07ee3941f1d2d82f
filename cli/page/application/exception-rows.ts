// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { h, type ComponentChildren, type JSX } from 'preact';
import { useId, useMemo } from 'preact/hooks';
import type { ExceptionEntry } from '../../exceptions/document.ts';
import { groupsOf } from '../groups.ts';
import { dayOf, distanceOf, momentOf, timeOf } from '../instant.ts';
import { kindOf, stateLabel } from '../standing.ts';
import { ExceptionDetails } from './exception-details.ts';
import { COLUMNS, type ColumnKey } from './sort.ts';
import { Swatch } from './swatch.ts';
import { Value } from './text.ts';

/** One exception of the table. */
export interface RowsProps {
  readonly entry: ExceptionEntry;
  readonly at: string;
  readonly opened: boolean;
  /** Names the exception in `onToggle`. */
  readonly id: string;
  /** The same function at every rendering. */
  readonly onToggle: (id: string) => void;
}

/** A row, and a second one with the details while it is open. */
export function ExceptionRows({ entry, at, opened, id, onToggle }: RowsProps): JSX.Element {
  const details = useId();
  // The same element as before is not looked at again, which keeps typing quick.
  return useMemo(
    () =>
      h(
        'tbody',
        { class: opened ? 'opened' : undefined },
        h(
          'tr',
          { class: 'row' },
          h(NameCell, { name: entry.name, opened, details, onToggle: () => onToggle(id) }),
          COLUMNS.slice(1).map(({ key }) =>
            h('td', { key, class: `c-${key}` }, CELLS[key](entry, at)),
          ),
        ),
        opened ? detailsRow(details, h(ExceptionDetails, { entry, at })) : null,
      ),
    [entry, at, opened, id, details, onToggle],
  );
}

function detailsRow(id: string, content: JSX.Element): JSX.Element {
  return h('tr', { class: 'details', id }, h('td', { colSpan: COLUMNS.length }, content));
}

interface NameProps {
  readonly name: string;
  readonly opened: boolean;
  /** The id of the details. */
  readonly details: string;
  readonly onToggle: () => void;
}

function NameCell({ name, opened, details, onToggle }: NameProps): JSX.Element {
  return h(
    'th',
    { scope: 'row', class: 'c-name' },
    h(
      'button',
      {
        type: 'button',
        'aria-expanded': opened,
        'aria-controls': opened ? details : undefined,
        onClick: onToggle,
      },
      h(
        'svg',
        { class: 'chevron', width: 10, height: 10, 'aria-hidden': 'true' },
        h('path', { d: opened ? 'M1 3 5 8 9 3' : 'M3 1 8 5 3 9' }),
      ),
      h(Value, { text: name }),
    ),
  );
}

type Cell = (entry: ExceptionEntry, at: string) => ComponentChildren;

const CELLS: Readonly<Record<ColumnKey, Cell>> = {
  name: ({ name }) => h(Value, { text: name }),
  namespace: ({ namespace }) => h(Value, { text: namespace }),
  findings: ({ groups }) =>
    groupsOf(groups).map(({ group, label, grave }) =>
      h('span', { key: group, class: grave ? 'tag grave' : 'tag' }, label),
    ),
  state: ({ state }) =>
    h(
      'span',
      { class: `state ${kindOf(state)}` },
      h(Swatch, { kind: kindOf(state) }),
      h(Value, { text: stateLabel(state) }),
    ),
  policy: ({ policy }) => h(Value, { text: policy }),
  class: (entry) =>
    h('span', { class: entry.class === 'Incident' ? 'incident' : undefined }, entry.class),
  approval: ({ approval }) =>
    h(
      'span',
      { class: approval === 'unapproved' ? 'missing' : undefined },
      approvalLabel(approval),
    ),
  owner: ({ owner }) => h(Value, { text: owner }),
  notBefore: ({ notBefore }, at) => instant(notBefore, at),
  expiresAt: ({ expiresAt }, at) => instant(expiresAt, at),
  lastUsed: ({ usage }) =>
    usage === undefined
      ? h('span', { class: 'muted' }, 'never')
      : h(Value, { text: usage.lastSeen }),
  renewals: ({ renewals }) => renewals,
};

/** `not-required` as `Not required`. */
export function approvalLabel(approval: ExceptionEntry['approval']): string {
  const words = approval.replaceAll('-', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function instant(value: string, at: string): JSX.Element {
  return h(
    'time',
    { dateTime: value, title: momentOf(value) },
    h('span', null, dayOf(value)),
    h(
      'span',
      { class: 'muted' },
      [timeOf(value), distanceOf(value, at)].filter(Boolean).join(', '),
    ),
  );
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { ExceptionEntry } from '../../exceptions/document.ts';
import { GROUPS } from '../groups.ts';
import { millisecondsOf } from '../instant.ts';
import { stateLabel } from '../standing.ts';

/** A column of the table. */
export type ColumnKey =
  | 'name'
  | 'namespace'
  | 'findings'
  | 'state'
  | 'policy'
  | 'class'
  | 'approval'
  | 'owner'
  | 'notBefore'
  | 'expiresAt'
  | 'lastUsed'
  | 'renewals';

/** A column, and what it is sorted by. */
export interface Column {
  readonly key: ColumnKey;
  readonly label: string;
  /** `undefined` sorts last, in both directions. */
  readonly value: (entry: ExceptionEntry) => string | number | undefined;
}

/** By which column the table is sorted. */
export interface Order {
  readonly column: ColumnKey;
  readonly direction: 'ascending' | 'descending';
}

/** What needs attention comes first. */
export const FIRST_ORDER: Order = { column: 'findings', direction: 'descending' };

/** The columns, in their order. */
export const COLUMNS: readonly Column[] = [
  { key: 'name', label: 'Name', value: ({ name }) => name },
  { key: 'namespace', label: 'Namespace', value: ({ namespace }) => namespace },
  { key: 'findings', label: 'Findings', value: gravity },
  { key: 'state', label: 'State', value: ({ state }) => stateLabel(state) },
  { key: 'policy', label: 'Policy', value: ({ policy }) => policy },
  { key: 'class', label: 'Class', value: (entry) => entry.class },
  { key: 'approval', label: 'Approval', value: ({ approval }) => approval },
  { key: 'owner', label: 'Owner', value: ({ owner }) => owner },
  { key: 'notBefore', label: 'From', value: ({ notBefore }) => millisecondsOf(notBefore) },
  { key: 'expiresAt', label: 'Until', value: ({ expiresAt }) => millisecondsOf(expiresAt) },
  { key: 'lastUsed', label: 'Last used', value: ({ usage }) => usage?.lastSeen },
  { key: 'renewals', label: 'Renewals', value: ({ renewals }) => renewals },
];

/** Sorted, those that are equal by namespace and name; the argument stays as it is. */
export function sorted(
  entries: readonly ExceptionEntry[],
  { column, direction }: Order,
): readonly ExceptionEntry[] {
  const value = COLUMNS.find(({ key }) => key === column)?.value ?? (() => undefined);
  const sign = direction === 'ascending' ? 1 : -1;
  return entries
    .map((entry) => ({ entry, key: value(entry) }))
    .sort((a, b) => compare(a.key, b.key, sign) || byName(a.entry, b.entry))
    .map(({ entry }) => entry);
}

/** The order after the head of a column was pressed: ascending first, then the other way round. */
export function pressed(order: Order, column: ColumnKey): Order {
  const again = order.column === column && order.direction === 'ascending';
  return { column, direction: again ? 'descending' : 'ascending' };
}

/** Higher for what is graver: the gravest group counts most, then how many there are. */
function gravity({ groups }: ExceptionEntry): number {
  const gravest = GROUPS.findIndex(({ group }) => groups.includes(group));
  return gravest < 0 ? 0 : (GROUPS.length - gravest) * GROUPS.length + groups.length;
}

function compare(
  a: string | number | undefined,
  b: string | number | undefined,
  sign: 1 | -1,
): number {
  if (a === b) return 0;
  if (a === undefined) return 1;
  if (b === undefined) return -1;
  return a < b ? -sign : sign;
}

function byName(a: ExceptionEntry, b: ExceptionEntry): number {
  return compare(a.namespace, b.namespace, 1) || compare(a.name, b.name, 1);
}

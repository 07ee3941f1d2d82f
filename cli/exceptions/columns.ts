// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Sheet } from '../output/sheet.ts';
import type { ExceptionEntry, ReviewDocument } from './document.ts';
import { distanceText } from './moment.ts';

interface Column {
  readonly title: string;
  readonly cell: (entry: ExceptionEntry, now: number) => string;
}

const NAMESPACE: Column = { title: 'Namespace', cell: ({ namespace }) => namespace };

const NARROW: readonly Column[] = [
  { title: 'Name', cell: ({ name }) => name },
  { title: 'Policy', cell: ({ policy }) => policy },
  { title: 'Class', cell: (entry) => entry.class },
  { title: 'State', cell: ({ state }) => state },
  { title: 'Expires', cell: expires },
  { title: 'Approved', cell: approved },
  { title: 'LastUsed', cell: ({ usage }) => usage?.lastSeen ?? '' },
  { title: 'Owner', cell: ({ owner }) => owner },
];

const WIDE: readonly Column[] = [
  { title: 'Requirements', cell: ({ requirements }) => requirements.join(' ') },
  { title: 'ServiceAccounts', cell: ({ serviceAccounts }) => serviceAccounts.join(' ') },
  { title: 'Digests', cell: ({ digests }) => digests.join(' ') },
  { title: 'RequestedBy', cell: ({ requestedBy }) => requestedBy },
  { title: 'Renewals', cell: ({ renewals }) => renewals.toString() },
  { title: 'Ticket', cell: ({ ticket }) => ticket ?? '' },
  { title: 'Why', cell: ({ stateMessage }) => stateMessage },
];

/** For spreadsheets: instants alone in a cell, and everything that people wrote. */
const RECORD: readonly Column[] = [
  NAMESPACE,
  ...NARROW.map((column) =>
    column.title === 'Expires'
      ? { ...column, cell: ({ expiresAt }: ExceptionEntry): string => expiresAt }
      : column,
  ),
  { title: 'NotBefore', cell: ({ notBefore }) => notBefore },
  ...WIDE,
  { title: 'Reason', cell: ({ reason }) => reason },
  { title: 'Risk', cell: ({ risk }) => risk ?? '' },
  { title: 'Controls', cell: ({ compensatingControls }) => compensatingControls.join('; ') },
  { title: 'ClosureCondition', cell: ({ closureCondition }) => closureCondition ?? '' },
  { title: 'LastReview', cell: ({ reviews }) => reviews.at(-1)?.at ?? '' },
  { title: 'Groups', cell: ({ groups }) => groups.join(' ') },
];

/** Which columns: those of a terminal, more of them, or all there is. */
export type Width = 'narrow' | 'wide' | 'record';

const COLUMNS: Readonly<Record<Width, readonly Column[]>> = {
  narrow: [NAMESPACE, ...NARROW],
  wide: [NAMESPACE, ...NARROW, ...WIDE],
  record: RECORD,
};

/** Exceptions as a sheet, at the instant that the document speaks of. */
export function sheetOf({ at, exceptions }: ReviewDocument, width: Width): Sheet {
  const now = Date.parse(at);
  const columns = COLUMNS[width];
  return {
    header: columns.map(({ title }) => title),
    rows: exceptions.map((entry) => columns.map(({ cell }) => cell(entry, now))),
  };
}

function expires({ expiresAt }: ExceptionEntry, now: number): string {
  return `${expiresAt} (${distanceText(Date.parse(expiresAt), now)})`;
}

function approved({ approval, approvedBy }: ExceptionEntry): string {
  switch (approval) {
    case 'approved':
      return approvedBy ?? 'yes';
    case 'unapproved':
      return 'no';
    case 'not-required':
      return 'not required';
    case 'unknown':
      return '';
  }
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { ExceptionEntry, ReviewDocument } from '../exceptions/document.ts';
import { escapeHtml } from './escape.ts';
import { groupsOf } from './groups.ts';
import { momentOf } from './instant.ts';
import { stateLabel } from './standing.ts';
import { titleOf } from './title.ts';
import { visibleText } from './visible-text.ts';

const HEADINGS = [
  'Namespace',
  'Name',
  'Policy',
  'State',
  'Findings',
  'Class',
  'Approval',
  'Owner',
  'Not before',
  'Expires',
  'Last used',
  'Reason',
];

/** The review as a plain table, for readers without scripts. */
export function fallbackOf(document: ReviewDocument): string {
  const heads = HEADINGS.map((heading) => `<th scope="col">${heading}</th>`).join('');
  return [
    `<main class="plain"><h1>${text(titleOf(document))}</h1>`,
    `<table><thead><tr>${heads}</tr></thead><tbody>`,
    ...document.exceptions.map(rowOf),
    '</tbody></table></main>',
  ].join('\n');
}

function rowOf(entry: ExceptionEntry): string {
  const { approval, approvedBy } = entry;
  const cells = [
    entry.namespace,
    entry.name,
    entry.policy,
    stateLabel(entry.state),
    groupsOf(entry.groups)
      .map(({ label }) => label)
      .join('; '),
    entry.class,
    approvedBy === undefined ? approval : `${approval} by ${approvedBy}`,
    entry.owner,
    momentOf(entry.notBefore),
    momentOf(entry.expiresAt),
    entry.usage?.lastSeen ?? '',
    entry.reason,
  ];
  return `<tr>${cells.map((cell) => `<td>${text(cell)}</td>`).join('')}</tr>`;
}

function text(value: string): string {
  return escapeHtml(visibleText(value));
}

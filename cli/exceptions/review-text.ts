// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { ExceptionEntry, ReviewDocument, ReviewGroup } from './document.ts';
import { csvOf, markdownOf, tableOf } from '../output/sheet.ts';
import { jsonText } from '../output/json.ts';
import { sheetOf } from './columns.ts';
import { REVIEW_GROUPS } from './entry.ts';

/** Forms of a review. */
export const REVIEW_FORMATS = ['table', 'markdown', 'csv', 'json', 'html'] as const;
/** One of them. */
export type ReviewFormat = (typeof REVIEW_FORMATS)[number];

const TITLES: Readonly<Record<ReviewGroup, string>> = {
  expiring: 'Expiring within 7 days',
  'expired-in-use': 'Over, and still in use',
  unused: 'Unused',
  renewed: 'Renewed twice or more',
  unapproved: 'Not approved',
  overdue: 'Review overdue',
};

/** A review in one form; `html` is the page. Table and Markdown show the groups, and then what is in none of them as a number. */
export async function reviewText(document: ReviewDocument, format: ReviewFormat): Promise<string> {
  switch (format) {
    case 'json':
      return jsonText(document);
    case 'html':
      // A hundred kilobytes of script that no other form needs.
      return (await import('../page/index.ts')).pageOf(document);
    case 'csv':
      return csvOf(sheetOf(document, 'record'));
    case 'table':
      return sections(document, (title, part) => `${title}\n${tableOf(sheetOf(part, 'narrow'))}`);
    case 'markdown': {
      const heading = `# Exceptions on ${document.at.slice(0, 10)}\n\n`;
      const section = (title: string, part: ReviewDocument): string =>
        `## ${title}\n\n${markdownOf(sheetOf(part, 'narrow'))}`;
      return heading + sections(document, section);
    }
  }
}

function sections(
  document: ReviewDocument,
  section: (title: string, part: ReviewDocument) => string,
): string {
  const parts = REVIEW_GROUPS.flatMap((group) => {
    const exceptions = document.exceptions.filter(({ groups }) => groups.includes(group));
    if (exceptions.length === 0) return [];
    const title = `${TITLES[group]} (${exceptions.length.toString()})`;
    return [`${section(title, { ...document, exceptions })}\n`];
  });
  return `${parts.join('')}${restOf(document.exceptions)}\n`;
}

function restOf(exceptions: readonly ExceptionEntry[]): string {
  const rest = exceptions.filter(({ groups }) => groups.length === 0).length;
  if (exceptions.length === 0) return 'There are no exceptions.';
  if (rest === exceptions.length) return `Nothing to look at in ${countOf(rest)}.`;
  return rest === 0 ? 'There are no others.' : `Nothing to look at in ${countOf(rest)} more.`;
}

function countOf(count: number): string {
  return count === 1 ? '1 exception' : `${count.toString()} exceptions`;
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { printable } from '../../verification/index.ts';

/** A heading and rows of as many cells. */
export interface Sheet {
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Aligned columns for a terminal, with a heading in capitals; an empty cell is a dash. */
export function tableOf({ header, rows }: Sheet): string {
  const lines = [header.map((title) => title.toUpperCase()), ...rows].map((row) =>
    row.map((cell) => (cell === '' ? '-' : printable(cell))),
  );
  const widths = header.map((_, column) =>
    lines.reduce((most, line) => Math.max(most, (line[column] ?? '').length), 0),
  );
  return lines.map((line) => `${padded(line, widths).trimEnd()}\n`).join('');
}

/** RFC 4180. A cell that a spreadsheet would take for a formula begins with an apostrophe. */
export function csvOf({ header, rows }: Sheet): string {
  return [header, ...rows].map((row) => `${row.map(csvCell).join(',')}\r\n`).join('');
}

/** A table of GitHub's Markdown; what a cell holds is text, never markup. */
export function markdownOf({ header, rows }: Sheet): string {
  const lines = [header, header.map(() => '---'), ...rows.map((row) => row.map(markdownText))];
  return lines.map((line) => `| ${line.join(' | ')} |\n`).join('');
}

/** Text that Markdown shows as it is. */
export function markdownText(text: string): string {
  const escaped = printable(text).replaceAll(/[\\`*_{}[\]<>()#+!|~$&]/g, '\\$&');
  // A bare address or mail address would become a link.
  return escaped
    .replaceAll(/:(?=\/\/)/g, '\\:')
    .replaceAll('@', '&#64;')
    .replaceAll('www.', 'www\\.');
}

function padded(line: readonly string[], widths: readonly number[]): string {
  return line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('   ');
}

function csvCell(text: string): string {
  const shown = printable(text);
  const harmless = /^\s*[=+\-@]/.test(shown) ? `'${shown}` : shown;
  return /[",;]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { printable } from '../../verification/index.ts';
import type { Report } from '../report.ts';

/** The report as JSON, with the trail of every check. What is unknown is null; invisible characters are escaped. */
export function jsonOf(report: Report): string {
  const { use } = report;
  return jsonText({ ...report, use: { ...use, namespaceLabels: use.namespaceLabels ?? null } });
}

/** A value as JSON, one member a line. Invisible characters are escaped. */
export function jsonText(value: unknown): string {
  const lines = JSON.stringify(value, null, 2).split('\n');
  return `${lines.map(printable).join('\n')}\n`;
}

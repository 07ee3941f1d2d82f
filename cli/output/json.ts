// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { printable } from '../../verification/index.ts';
import type { Report } from '../report.ts';

/** The report as JSON, with the trail of every check. What is unknown is null; invisible characters are escaped. */
export function jsonOf(report: Report): string {
  const { use } = report;
  const whole = { ...report, use: { ...use, namespaceLabels: use.namespaceLabels ?? null } };
  const lines = JSON.stringify(whole, null, 2).split('\n');
  return `${lines.map(printable).join('\n')}\n`;
}

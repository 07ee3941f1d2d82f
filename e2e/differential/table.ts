// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Row } from './bench.ts';
import { ALLOWED_BY_COSIGN_ONLY, ALLOWED_BY_US_ONLY, reasonOf } from './known.ts';

/** Rows in which one side allows what the other denies. */
export interface Differences {
  readonly byUsOnly: readonly Row[];
  readonly byCosignOnly: readonly Row[];
}

/** Finds them. */
export function differencesOf(rows: readonly Row[]): Differences {
  return {
    byUsOnly: rows.filter(({ cosign, ours }) => ours === 'allows' && cosign === 'denies'),
    byCosignOnly: rows.filter(({ cosign, ours }) => ours === 'denies' && cosign === 'allows'),
  };
}

/** All rows as lines of text, and the differences with their reasons. */
export function tableOf(rows: readonly Row[]): string {
  const { byUsOnly, byCosignOnly } = differencesOf(rows);
  return [
    'COSIGN  OURS    CODE                     ARTEFACT',
    ...rows.map(lineOf),
    '',
    `cosign allows, we deny: ${byCosignOnly.length.toString()}`,
    ...byCosignOnly.map((row) => reasoned(row, reasonOf(ALLOWED_BY_COSIGN_ONLY, row.name))),
    '',
    `we allow, cosign denies: ${byUsOnly.length.toString()}`,
    ...byUsOnly.map((row) => reasoned(row, reasonOf(ALLOWED_BY_US_ONLY, row.name))),
    '',
  ].join('\n');
}

function lineOf({ cosign, ours, code, name }: Row): string {
  return `${cosign.padEnd(8)}${ours.padEnd(8)}${code.padEnd(25)}${name}`;
}

function reasoned({ name, code, told }: Row, reason: string | undefined): string {
  const words = told.cosign === '' ? `${code}: ${told.ours}` : told.cosign;
  return `  ${name}\n      ${words}\n      ${reason ?? 'NOT KNOWN'}`;
}

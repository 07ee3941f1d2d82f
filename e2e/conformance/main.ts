// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { harnessSettings } from '../harness/settings.ts';
import { judgeCase } from './case.ts';

/** Cases that the suite has; fewer mean that it was not found whole. */
const CASES = 70;

const directory = harnessSettings().conformanceDirectory;
const cases = join(directory, 'bundle-verify');
const names = existsSync(cases)
  ? readdirSync(cases, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name)
  : [];
const verbose = process.argv.includes('--verbose');
const outcomes = names.map((name) => judgeCase(directory, name, new Date()));
for (const { name, right, told } of outcomes) {
  if (verbose || !right) process.stdout.write(`${right ? 'right' : 'WRONG'} ${name}: ${told}\n`);
}
const right = outcomes.filter((outcome) => outcome.right).length;
if (names.length < CASES)
  process.stdout.write(
    `CONFORMANCE_DIR (${directory}) holds ${names.length.toString()} cases of ${CASES.toString()}\n`,
  );
process.stdout.write(
  `conformance: ${right.toString()} of ${Math.max(names.length, CASES).toString()} right\n`,
);
if (right !== names.length || names.length < CASES) process.exitCode = 1;

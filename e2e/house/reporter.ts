// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import Mocha from 'mocha';
import type { SuiteResult } from './summary.ts';

interface ReporterOptions {
  readonly reporterOptions?: { readonly file?: string };
}

const MESSAGE_LENGTH = 300;

/**
 * Mocha's spec output, and beside it the counts and what failed as JSON in the file that
 * `--reporter-option file=…` names. The file is written last, so a run that dies leaves none.
 */
class CountingReporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options);
    const file = (options as ReporterOptions).reporterOptions?.file;
    if (file === undefined) throw new Error('name the result file: --reporter-option file=…');
    runner.once(Mocha.Runner.constants.EVENT_RUN_END, () => {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, `${JSON.stringify(this.#result())}\n`);
    });
  }

  #result(): SuiteResult {
    const { passes, failures, pending, duration } = this.stats;
    return {
      passed: passes,
      failed: failures,
      skipped: pending,
      milliseconds: duration ?? 0,
      failures: this.failures.map(nameOf),
    };
  }
}

function nameOf(test: Mocha.Test): string {
  // In parallel runs tests come without their methods but with what those gave.
  const message = test.err?.message ?? '';
  return `${test.fullTitle()}: ${message.replaceAll(/\s+/gv, ' ').slice(0, MESSAGE_LENGTH)}`;
}

// Mocha loads reporters by require().
export { CountingReporter as 'module.exports' };

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The counts of one Mocha run, as the reporter writes them, and what failed in it. */
export interface SuiteResult {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly milliseconds: number;
  /** Each test or hook that failed: its whole title and the beginning of its message. */
  readonly failures: readonly string[];
}

/** What all runs came to: the lines to print, the last of them the sum, and the exit code. */
export interface Summary {
  readonly lines: readonly string[];
  readonly exitCode: 0 | 1;
}

/**
 * Sums the runs named `suites`, whose results lie in `folder` as `<suite>.json`. A result that is
 * missing or unreadable counts as one failure, and a sum of no test passed as an error: a run
 * that tested nothing must not look like one that passed. What failed is named again, since whoever
 * reads a long log begins at its end.
 */
export function summarise(folder: string, suites: readonly string[]): Summary {
  const results = suites.map((suite) => readResult(folder, suite));
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const result of results) {
    total.passed += result.passed;
    total.failed += result.failed;
    total.skipped += result.skipped;
  }
  const lines = results.flatMap(({ failures }) => failures.map((failure) => `failed: ${failure}`));
  lines.push(...results.map((result, index) => `${suites[index] ?? ''}: ${describe(result)}`));
  if (total.passed === 0) lines.push('no test passed: that is an error');
  lines.push(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
  return { lines, exitCode: total.failed > 0 || total.passed === 0 ? 1 : 0 };
}

function readResult(folder: string, suite: string): SuiteResult & { readonly note?: string } {
  try {
    return parse(JSON.parse(readFileSync(join(folder, `${suite}.json`), 'utf8')));
  } catch (thrown) {
    const note = thrown instanceof Error ? thrown.message : String(thrown);
    return { passed: 0, failed: 1, skipped: 0, milliseconds: 0, failures: [], note };
  }
}

function parse(value: unknown): SuiteResult {
  const { passed, failed, skipped, milliseconds, failures } = value as Record<
    keyof SuiteResult,
    unknown
  >;
  return {
    passed: count(passed, 'passed'),
    failed: count(failed, 'failed'),
    skipped: count(skipped, 'skipped'),
    milliseconds: count(milliseconds, 'milliseconds'),
    failures: Array.isArray(failures) ? failures.map(String) : [],
  };
}

function count(value: unknown, name: string): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0) return value;
  throw new Error(`the result has no count ${name}`);
}

function describe(result: SuiteResult & { readonly note?: string }): string {
  if (result.note !== undefined) return `did not finish (${result.note})`;
  const seconds = (result.milliseconds / 1000).toFixed(1);
  return `${result.passed} passed, ${result.failed} failed, ${result.skipped} skipped in ${seconds} s`;
}

// node e2e/house/summary.ts FOLDER SUITE…
if (import.meta.main) {
  const [folder = '', ...suites] = process.argv.slice(2);
  const { lines, exitCode } = summarise(folder, suites);
  process.stdout.write(`\n${lines.join('\n')}\n`);
  process.exitCode = exitCode;
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { resultIdOf, summaryOf, type ReportResult } from './result.ts';

/** How much of a report is listed: an object of the API may have 1.5 MiB, and is read as a whole. */
export interface ReportLimits {
  readonly results: number;
  /** Bytes of the results as JSON. */
  readonly bytes: number;
}

/** 200 results, and together with times and metadata below 500 KB. */
export const REPORT_LIMITS: ReportLimits = { results: 200, bytes: 450_000 };

/** Worst first. */
const RANKS: Readonly<Record<ReportResult['result'], number>> = {
  fail: 0,
  error: 1,
  warn: 2,
  skip: 3,
  pass: 4,
};
/** The time of a result, which is not part of it yet. */
const TIME_BYTES = 64;

/**
 * The results that a report lists, in their order. Where there are too many the worst are kept, and a
 * closing result counts the others and is as bad as the worst of them: no failure is lost.
 */
export function capped(
  results: readonly ReportResult[],
  limits: ReportLimits = REPORT_LIMITS,
): readonly ReportResult[] {
  const sizes = new Map(results.map((result) => [result, sizeOf(result)]));
  const all = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  if (results.length <= limits.results && all <= limits.bytes) return results;
  const kept = new Set<ReportResult>();
  let bytes = 0;
  // One place is for the closing result.
  for (const result of [...results].sort((a, b) => RANKS[a.result] - RANKS[b.result])) {
    const size = sizes.get(result) ?? 0;
    if (kept.size >= limits.results - 1 || bytes + size > limits.bytes) break;
    kept.add(result);
    bytes += size;
  }
  const rest = results.filter((result) => !kept.has(result));
  return [...results.filter((result) => kept.has(result)), closing(rest)];
}

function sizeOf(result: ReportResult): number {
  return Buffer.byteLength(JSON.stringify(result)) + TIME_BYTES;
}

function closing(rest: readonly ReportResult[]): ReportResult {
  const [worst] = [...rest].sort((a, b) => RANKS[a.result] - RANKS[b.result]);
  const { policy = '', category = '', severity = 'high', result = 'fail' } = worst ?? {};
  const counts = Object.entries(summaryOf(rest))
    .filter(([, count]) => count > 0)
    .map(([word, count]) => `${count.toString()} ${word}`);
  return {
    source: 'countersign',
    policy,
    category,
    severity,
    result,
    scored: worst?.scored ?? true,
    message: `too many results to list; of the others: ${counts.join(', ')}`,
    properties: { resultID: resultIdOf(['rest', result]) },
  };
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { createHash } from 'node:crypto';

/** A result of a report, without its time. The same in both APIs. */
export interface ReportResult {
  readonly source: 'countersign';
  readonly policy: string;
  readonly rule?: string;
  readonly category: string;
  readonly severity: 'high' | 'medium' | 'info';
  readonly result: 'pass' | 'fail' | 'warn' | 'error' | 'skip';
  /** False where nothing is refused for it: in Audit, and where admission leaves a namespace alone. */
  readonly scored: boolean;
  readonly message: string;
  /** What it is about, where the report has no scope. */
  readonly resources?: readonly ResourceReference[];
  /** `resultID` among them: the same for the same thing found. */
  readonly properties: Readonly<Record<string, string>>;
}

/** An object that a result is about. */
export interface ResourceReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
}

/** A result with the instant since which it is so. */
export interface TimedResult extends ReportResult {
  readonly timestamp: { readonly seconds: number; readonly nanos: number };
}

/** A result as it lies in the cluster: whoever may edit reports may have taken parts away. */
export type StoredResult = Partial<TimedResult>;

/** How many results there are of each kind. */
export type ReportSummary = Readonly<Record<ReportResult['result'], number>>;

/** A `resultID`: the same for the same parts, 32 hexadecimal digits. */
export function resultIdOf(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32);
}

/** Results by `resultID`, with the instants since which they are so. */
export function timesOf(
  results: readonly StoredResult[] | undefined,
): ReadonlyMap<string, TimedResult['timestamp'] | undefined> {
  return new Map(results?.map((r) => [r.properties?.['resultID'] ?? '', r.timestamp]));
}

/**
 * Results with their times: that of the stored one as long as the same thing is found, whatever words
 * it is told in, and `now` for what is new.
 */
export function timed(
  results: readonly ReportResult[],
  before: readonly StoredResult[] | undefined,
  now: Date,
): readonly TimedResult[] {
  const known = timesOf(before);
  const instant = { seconds: Math.floor(now.getTime() / 1000), nanos: 0 };
  return results.map((result) => ({
    ...result,
    timestamp: known.get(result.properties['resultID'] ?? '') ?? instant,
  }));
}

/** Counts results. */
export function summaryOf(results: readonly Pick<ReportResult, 'result'>[]): ReportSummary {
  const summary = { pass: 0, fail: 0, warn: 0, error: 0, skip: 0 };
  for (const { result } of results) summary[result] += 1;
  return summary;
}

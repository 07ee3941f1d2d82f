// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { VerificationError } from '../error.ts';

const DURATION = /^(?:([0-9]+)h)?(?:([0-9]+)m)?(?:([0-9]+)s)?$/;
const UNITS_MS = [3_600_000, 60_000, 1000] as const;

/** Inclusive bounds of a duration, in milliseconds. */
export interface DurationBounds {
  readonly minMs: number;
  readonly maxMs: number;
}

const ANY: DurationBounds = { minMs: 1000, maxMs: Number.MAX_SAFE_INTEGER };

/** Milliseconds of a duration such as `1h30m`; POLICY_INVALID for anything else, for zero and beyond the bounds. */
export function parseDuration(
  text: string,
  path: string,
  { minMs, maxMs }: DurationBounds = ANY,
): number {
  const [, ...counts] = DURATION.exec(text) ?? [];
  const ms = UNITS_MS.reduce((sum, unit, i) => sum + unit * Number(counts[i] ?? 0), 0);
  if (ms <= 0) throw invalid(path, text, 'is not a duration');
  if (ms < minMs || ms > maxMs) throw invalid(path, text, 'is out of range');
  return ms;
}

function invalid(path: string, text: string, detail: string): VerificationError {
  return new VerificationError('POLICY_INVALID', `${path}: ${JSON.stringify(text)} ${detail}`);
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { VerificationError } from '../error.ts';

const UNITS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000 };

/** Milliseconds of a duration such as `1h30m`; POLICY_INVALID for anything else and for zero. */
export function parseDuration(text: string, path: string): number {
  const parts = [...text.matchAll(/([0-9]+)([hms])/g)];
  const ms = parts.reduce((sum, [, count, unit]) => sum + Number(count) * (UNITS[unit ?? ''] ?? Number.NaN), 0);
  if (parts.map((part) => part[0]).join('') !== text || !Number.isSafeInteger(ms) || ms <= 0) {
    throw new VerificationError('POLICY_INVALID', `${path}: ${JSON.stringify(text)} is not a duration`);
  }
  return ms;
}

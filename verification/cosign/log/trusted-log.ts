// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { VerificationError } from '../../error.ts';
import type { TransparencyLog, Validity } from '../../trust/index.ts';
import type { LogEntry } from '../entity.ts';

/** The trusted logs that an entry names. Naming proves nothing: their key has the last word. */
export function logsOf(
  { logId }: LogEntry,
  logs: readonly TransparencyLog[],
): readonly TransparencyLog[] {
  return logs.filter((log) => log.logId.equals(logId) || log.checkpointKeyId?.equals(logId));
}

/**
 * The logs that an entry names and whose key was in use at all of the times (milliseconds; both ends
 * of a window are inside). Throws TLOG_KEY_UNTRUSTED where none is left.
 */
export function timelyLogsOf(
  entry: LogEntry,
  logs: readonly TransparencyLog[],
  at: readonly number[],
): readonly TransparencyLog[] {
  const named = logsOf(entry, logs);
  if (named.length === 0) throw untrusted('entry names a log that is not trusted');
  const timely = named.filter((log) => at.every((time) => isInside(log.validity, time)));
  if (timely.length === 0)
    throw untrusted('entry is of a time at which the key of its log was not in use');
  return timely;
}

/** The error for a proof or promise that does not prove what it should. */
export function proofInvalid(detail: string): VerificationError {
  return new VerificationError('TLOG_PROOF_INVALID', `log entry: ${detail}`);
}

function isInside({ from, until }: Validity, time: number): boolean {
  return from <= time && time <= until;
}

function untrusted(detail: string): VerificationError {
  return new VerificationError('TLOG_KEY_UNTRUSTED', `log entry: ${detail}`);
}

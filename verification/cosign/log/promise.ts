// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { canonicalJson } from '../../encoding/index.ts';
import { verifySignature, type TransparencyLog } from '../../trust/index.ts';
import type { LogEntry } from '../entity.ts';
import { proofInvalid, timelyLogsOf } from './trusted-log.ts';

const MS_PER_SECOND = 1000;

/**
 * Verifies the signed entry timestamp of an entry (Rekor v1): a log that the entry names promised to
 * include it, at a time at which its key was in use. Answers the log and that time in milliseconds,
 * which nothing but this promise vouches for.
 *
 * Throws TLOG_KEY_UNTRUSTED for an unknown log and for a time outside of the window of its key,
 * TLOG_PROOF_INVALID for a missing or bad signature.
 */
export function verifyPromise(
  entry: LogEntry,
  logs: readonly TransparencyLog[],
): { readonly log: TransparencyLog; readonly time: number } {
  const { promise } = entry;
  if (promise === undefined) throw proofInvalid('there is no signed entry timestamp');
  const time = toSafeNumber(entry.integratedTime) * MS_PER_SECOND;
  const timely = timelyLogsOf(entry, logs, [time]);
  const promised = Buffer.from(
    canonicalJson({
      body: entry.body.toString('base64'),
      integratedTime: toSafeNumber(entry.integratedTime),
      logID: entry.logId.toString('hex'),
      logIndex: toSafeNumber(entry.logIndex),
    }),
  );
  const log = timely.find(({ key, hash }) =>
    verifySignature({ ...key, hashes: [hash] }, promised, promise),
  );
  if (log === undefined) throw proofInvalid('signed entry timestamp does not verify');
  return { log, time };
}

/** What was promised holds JSON numbers; beyond 2^53 two entries would look alike. */
function toSafeNumber(integer: bigint): number {
  const number = Number(integer);
  if (!Number.isSafeInteger(number) || number < 0)
    throw proofInvalid('index or time is beyond what a promise can hold');
  return number;
}

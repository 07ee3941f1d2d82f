// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { TransparencyLog, TrustedKey } from '../../trust/index.ts';
import type { InclusionProof, LogEntry, SignedEntity } from '../entity.ts';
import { bindEntry } from './body.ts';
import { checkPath, verifyInclusion } from './inclusion.ts';
import { verifyPromise } from './promise.ts';
import { logsOf, proofInvalid } from './trusted-log.ts';

/** Version of the bodies of Rekor v2; that of `intoto` is Rekor v1's. */
const REKOR_V2 = '0.0.2';

/** Whom to believe about entries, and what is known already of the signature that they belong to. */
export interface EntriesOptions {
  readonly logs: readonly TransparencyLog[];
  /** The key that entries must record; absent where it is the certificate of the signature. */
  readonly key?: TrustedKey | undefined;
  /** Verified RFC 3161 times, milliseconds. */
  readonly tokenTimes: readonly number[];
}

/** What the logs say of a signature. */
export interface VerifiedEntries {
  /** `id` of each log that vouches for an entry; several entries of one log count once. */
  readonly logs: ReadonlySet<string>;
  /** Milliseconds: when logs say, under a verified promise, that they received the entry. */
  readonly times: readonly number[];
  /** How many entries are of logs that are not trusted. They count for nothing. */
  readonly unknownLogs: number;
}

/**
 * Verifies all log entries of an entity, whatever a policy demands of them. Each must be about this
 * signature; each of a trusted log must be proven by promise or inclusion, and by both where it has
 * both. Entries of logs that are not trusted are only counted.
 *
 * How many logs are enough, and whether the times are good, is for the caller to say: no entries give
 * an empty answer. Throws the codes of `bindEntry`, `verifyPromise` and `verifyInclusion`.
 */
export function verifyEntries(entity: SignedEntity, options: EntriesOptions): VerifiedEntries {
  for (const entry of entity.entries) bindEntry(entry, entity, options.key);
  const known = entity.entries.filter((entry) => logsOf(entry, options.logs).length > 0);
  const proven = known.map((entry) => verifyEntry(entry, options));
  return {
    logs: new Set(proven.map(({ log }) => log.id)),
    times: proven.flatMap(({ time }) => time ?? []),
    unknownLogs: entity.entries.length - known.length,
  };
}

interface Proven {
  readonly log: TransparencyLog;
  readonly time?: number;
}

function verifyEntry(entry: LogEntry, { logs, tokenTimes }: EntriesOptions): Proven {
  const { promise, proof } = entry;
  if (promise === undefined) {
    if (proof === undefined) throw proofInvalid('there is neither a promise nor a proof');
    checkUnsigned(entry, proof);
    return verifyInclusion(entry, logs, tokenTimes);
  }
  const promised = verifyPromise(entry, logs);
  if (proof === undefined) return promised;
  // Bundles v0.1 may carry a proof that nobody signed. The promise stands alone; the proof must not lie.
  if (proof.checkpoint === undefined) checkPath(entry.body, proof);
  else verifyInclusion(entry, [promised.log], [promised.time]);
  return promised;
}

/**
 * Rekor v2 promises nothing and tells no time: what its entries say beside their proof is signed by
 * nobody. It must not contradict the proof, for readers that go by it.
 */
function checkUnsigned(
  { kind, version, logIndex, integratedTime }: LogEntry,
  proof: InclusionProof,
): void {
  if (version !== REKOR_V2 || kind === 'intoto') return;
  if (logIndex !== proof.logIndex) throw proofInvalid('inclusion proof is for another index');
  if (integratedTime !== 0n) throw proofInvalid('entry states a time that nobody signed');
}

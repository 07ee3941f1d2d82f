// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Thresholds } from '../authority/index.ts';
import { VerificationError } from '../error.ts';
import type {
  CertificateAuthority,
  TransparencyLog,
  TrustedKey,
  TrustMaterial,
} from '../trust/index.ts';
import { verifyTimestamps, type VerifiedTimestamps } from '../trust/index.ts';
import type { CheckList } from './fact.ts';
import { verifyEntries, type VerifiedEntries } from './log/index.ts';
import type { ReadSignature } from './read.ts';

/** Whom to believe about the time of a signature, and how many of them it takes. */
interface Witnesses {
  readonly material: {
    readonly timestampAuthorities: readonly CertificateAuthority[];
    readonly tlogs: TrustMaterial['tlogs'];
  };
  readonly thresholds: Pick<Thresholds, 'logEntries' | 'timestamps'>;
}

/** Nobody is believed, and nobody is asked. */
export const noTrust: Witnesses = {
  material: { timestampAuthorities: [], tlogs: [] },
  thresholds: { logEntries: 0, timestamps: 0 },
};

/** What timestamp authorities say of a signature. */
export interface Stamped {
  /** Times at which trusted ones saw it. */
  readonly times: readonly number[];
  /** Why others of its timestamps do not count. */
  readonly refused: readonly VerificationError[];
}

/** Times at which trusted timestamp authorities saw the signature. Throws where too few of them did. */
export function checkTimestamps(
  { entity, imprints }: ReadSignature,
  { material, thresholds }: Witnesses,
  list: CheckList,
): Stamped {
  const { timestampAuthorities: authorities } = material;
  // Tokens that nobody could vouch for are not looked at.
  if (authorities.length === 0 && thresholds.timestamps === 0) return { times: [], refused: [] };
  return list.run('timestamps', 'enough timestamp authorities saw it', () => {
    const verified = verifyTimestamps(entity.timestamps, { imprints, authorities });
    checkEnoughTimestamps(verified, entity.timestamps.length, thresholds.timestamps);
    return verified;
  });
}

function checkEnoughTimestamps(
  { authorities, refused }: VerifiedTimestamps,
  attached: number,
  wanted: number,
): void {
  if (authorities.size >= wanted) return;
  if (attached === 0) throw new VerificationError('TIMESTAMP_MISSING', 'has no timestamp');
  const [first] = refused;
  if (authorities.size === 0 && first !== undefined) throw first;
  throw tooFew(authorities.size, wanted, 'timestamp authorities');
}

/** What checking the log entries of a signature takes. */
interface LogCheck extends Witnesses {
  readonly tokenTimes: readonly number[];
  /** The key that entries must record; absent where it is the certificate of the signature. */
  readonly key?: TrustedKey | undefined;
}

/**
 * Times at which trusted logs took up the signature. Throws where too few logs know it, and, whatever is
 * asked for, where an entry that came along is of another signature.
 */
export function checkLogs(
  { entity }: ReadSignature,
  { material, thresholds, tokenTimes, key }: LogCheck,
  list: CheckList,
): readonly number[] {
  const logs: readonly TransparencyLog[] = material.tlogs;
  if (entity.entries.length === 0 && thresholds.logEntries === 0) return [];
  return list.run('log-entries', 'its log entries are its own, and of enough logs', () => {
    const verified = verifyEntries(entity, { logs, key, tokenTimes });
    checkEnoughLogs(verified, entity.entries.length, thresholds.logEntries);
    return verified.times;
  });
}

function checkEnoughLogs(
  { logs, unknownLogs }: VerifiedEntries,
  attached: number,
  wanted: number,
): void {
  if (logs.size >= wanted) return;
  if (attached === 0) throw new VerificationError('TLOG_MISSING', 'has no log entry');
  if (unknownLogs === attached)
    throw new VerificationError('TLOG_KEY_UNTRUSTED', 'its log entries are of unknown logs');
  throw tooFew(logs.size, wanted, 'transparency logs');
}

/** The error where some vouch for a signature, and not enough. */
export function tooFew(found: number, wanted: number, what: string): VerificationError {
  const count = `${found.toString()} of ${wanted.toString()}`;
  return new VerificationError('THRESHOLD_NOT_MET', `${count} needed ${what} vouch for it`);
}

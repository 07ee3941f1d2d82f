// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { ReasonCode, RejectedResult, Verdict } from '../../../verification/index.ts';

/** Why a running workload may be acted on. */
export type Cause = 'ExceptionEnded' | 'TrustRevoked' | 'SignatureAbsent';

/**
 * What the evidence by which an image last satisfied a requirement says of it today. `holds`: it still
 * satisfies it. `revoked`: trust in those who signed was taken away. `lapsed`: it does not, for another
 * reason: time went by, or more is asked for. `unknown`: it cannot be told. `none`: there is no such evidence.
 */
export type KeptStanding = 'holds' | 'revoked' | 'lapsed' | 'unknown' | 'none';

/** What decides whether there is a cause. */
export interface CauseQuestion {
  /** What is said of the requirement now. */
  readonly result: Pick<RejectedResult, 'code' | 'underlying'>;
  readonly kept: KeptStanding;
  /** Whether an exception was seen to cover it, before. */
  readonly wasExempt: boolean;
  /** Whether all that the registry has was read. */
  readonly readWhole: boolean;
}

/** All that says that there is nothing: junk says something else. */
const ABSENT: ReadonlySet<ReasonCode> = new Set(['NO_SIGNATURE', 'ATTESTATION_MISSING']);
/** What is said of evidence that is as it was where those who signed it, or what it is of, are not accepted any more. */
const REVOKED: ReadonlySet<ReasonCode> = new Set([
  'KEY_UNTRUSTED',
  'KEY_EXPIRED',
  'SIGNATURE_INVALID',
  'IDENTITY_MISMATCH',
  'THRESHOLD_NOT_MET',
  'CERT_CHAIN_INVALID',
  'CERT_REVOKED',
  'SCT_INVALID',
  'TIMESTAMP_UNTRUSTED',
  'TLOG_KEY_UNTRUSTED',
  'DIGEST_NOT_ALLOWED',
  'REPOSITORY_NOT_ALLOWED',
]);

/**
 * Why an image that does not satisfy a requirement may be acted on; `undefined` where it may only be
 * reported. What a registry answers is a cause only where it answers nothing at all, and then it is to be
 * confirmed; as long as evidence is kept that holds, whatever else it answers is its own trouble.
 */
export function causeOf(question: CauseQuestion): Cause | undefined {
  switch (question.kept) {
    case 'holds':
      return question.readWhole && isAbsent(question) ? 'SignatureAbsent' : undefined;
    case 'revoked':
      return 'TrustRevoked';
    case 'unknown':
      return undefined;
    case 'lapsed':
    case 'none':
      return question.readWhole && hasEnded(question) ? 'ExceptionEnded' : undefined;
  }
}

function isAbsent({ result }: CauseQuestion): boolean {
  return ABSENT.has(result.underlying ?? result.code);
}

function hasEnded({ result, wasExempt }: CauseQuestion): boolean {
  return wasExempt || result.code === 'EXCEPTION_EXPIRED';
}

/**
 * How kept evidence stands for a requirement that it satisfied, by what today's policy and trust say of it
 * now, and what they say as of the instant when it was read: what only time ended was not revoked.
 */
export function standingOf(
  requirement: string,
  now: Verdict | undefined,
  then: Verdict | undefined,
): KeptStanding {
  const [today, before] = [now, then].map((verdict) =>
    verdict?.results.find((result) => result.requirement === requirement),
  );
  if (today === undefined || before === undefined) return 'unknown';
  if (today.outcome === 'verified') return 'holds';
  if (today.outcome !== 'rejected' || before.outcome === 'inconclusive') return 'unknown';
  return before.outcome === 'rejected' && REVOKED.has(today.code) ? 'revoked' : 'lapsed';
}

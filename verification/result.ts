// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { InconclusiveReason, ReasonCode, RejectedReason } from './reasons.ts';

/** What one step of a verification found; the list of them is what `explain` prints. */
export interface CheckResult {
  /** Name of the step, e.g. `payload-subject`. */
  readonly check: string;
  readonly outcome: 'passed' | 'failed' | 'inconclusive' | 'skipped';
  /** Present unless the step passed. */
  readonly code?: ReasonCode;
  /** One line for people; never holds credentials. */
  readonly detail: string;
}

/** What one piece of evidence (or one list) had to say for one authority. */
export interface EvidenceTrail {
  /** Where it came from, e.g. `legacy-tag sha256:…`. */
  readonly origin: string;
  readonly authority: string;
  readonly checks: readonly CheckResult[];
}

/** The identity that a proof rests on. */
export interface SignerProof {
  /** Name of the authority in the policy. */
  readonly authority: string;
  /** What signed: key fingerprint, or certificate identity. */
  readonly identity: string;
  readonly issuer?: string;
}

/** The part of an exception that results and reports name. */
export interface ExceptionUse {
  readonly namespace: string;
  readonly name: string;
  /** RFC 3339. */
  readonly expiresAt: string;
  /** Documentation fields of the spec as flat strings, for report properties. */
  readonly documentation: Readonly<Record<string, string>>;
}

interface ResultBase {
  /** Name of the requirement in the policy: `rule` in reports. */
  readonly requirement: string;
  /** Report category of the requirement. */
  readonly category: 'Image Signature' | 'Image Attestation' | 'Signing Exception';
  readonly message: string;
  /** What was looked at, for `explain`. Empty where nothing needed looking at. */
  readonly trail: readonly EvidenceTrail[];
}

/** The requirement holds: `proof` is never empty for signatures, and names the list entry otherwise. */
export interface VerifiedResult extends ResultBase {
  readonly outcome: 'verified';
  readonly signers: readonly SignerProof[];
  /** Milliseconds since the epoch; the last instant at which it holds, where time alone will end it. */
  readonly holdsUntil?: number;
}
/** Evidence says no. */
export interface RejectedResult extends ResultBase {
  readonly outcome: 'rejected';
  readonly code: RejectedReason;
  /** The code without the exception's say, where `code` is one of `EXCEPTION_*`. */
  readonly underlying?: RejectedReason;
  /** The exception that did not help, where `code` is one of `EXCEPTION_*`. */
  readonly exception?: ExceptionUse;
}
/** Nothing could be told. */
export interface InconclusiveResult extends ResultBase {
  readonly outcome: 'inconclusive';
  readonly code: InconclusiveReason;
}
/** A live exception covers the requirement; evidence was not asked. */
export interface ExemptResult extends ResultBase {
  readonly outcome: 'exempt';
  readonly exception: ExceptionUse;
}

/** What became of one requirement. */
export type RequirementResult = VerifiedResult | RejectedResult | InconclusiveResult | ExemptResult;

/** At least one: a verdict over no requirement cannot be built. */
export type NonEmpty<T> = readonly [T, ...T[]];

/**
 * The verdict of one policy on one image. Tagged by `outcome`; built only by `verdictOf`, which
 * takes at least one result: any rejected wins, then any inconclusive, then any exempt.
 */
export type Verdict =
  | {
      readonly outcome: 'verified';
      readonly policy: string;
      readonly results: NonEmpty<VerifiedResult>;
    }
  | {
      readonly outcome: 'exempt';
      readonly policy: string;
      readonly results: NonEmpty<RequirementResult>;
    }
  | {
      readonly outcome: 'rejected';
      readonly policy: string;
      readonly results: NonEmpty<RequirementResult>;
      readonly first: RejectedResult;
    }
  | {
      readonly outcome: 'inconclusive';
      readonly policy: string;
      readonly results: NonEmpty<RequirementResult>;
      readonly first: InconclusiveResult;
    };

/**
 * Folds the results of one policy into its verdict. Throws where they are of no outcome that is known:
 * whatever is not proven or waived is not a pass.
 */
export function verdictOf(policy: string, results: NonEmpty<RequirementResult>): Verdict {
  const rejected = results.find((r) => r.outcome === 'rejected');
  if (rejected !== undefined) return { outcome: 'rejected', policy, results, first: rejected };
  const open = results.find((r) => r.outcome === 'inconclusive');
  if (open !== undefined) return { outcome: 'inconclusive', policy, results, first: open };
  const proven = results.filter((r) => r.outcome === 'verified');
  const [head, ...tail] = proven;
  if (head !== undefined && proven.length === results.length) {
    return { outcome: 'verified', policy, results: [head, ...tail] };
  }
  const waived = results.filter((r) => r.outcome === 'exempt');
  if (waived.length > 0 && waived.length + proven.length === results.length) {
    return { outcome: 'exempt', policy, results };
  }
  throw new Error('a result is of no known outcome');
}

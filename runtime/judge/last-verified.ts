// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import {
  isInconclusive,
  type CompiledPolicy,
  type Evidence,
  type EvidenceState,
  type InconclusiveReason,
  type ReasonCode,
  type Verdict,
} from '../../verification/index.ts';
import type { Clock } from '../clock.ts';
import type { KeptEvidence, VerifiedEvidence } from '../verified-evidence/index.ts';
import { evidenceKey, gapsOf, type Collection, type EvidenceRequest } from './evidence-cache.ts';

/** What stands beside a verdict by kept evidence: since when it may be wrong, and why. */
export interface LastVerified {
  /** When the evidence was read. */
  readonly collectedAt: Date;
  /** Why it is not known what the registry has now. */
  readonly code: InconclusiveReason;
  readonly message: string;
}

/** Where evidence is kept, and of which policies. */
export interface LastVerifiedOptions {
  readonly store: VerifiedEvidence;
  /** Whether to keep evidence for a policy that does not judge by it itself; false where absent. */
  readonly keep?: (policy: CompiledPolicy) => boolean;
}

/** Kept evidence in the place of what could not be read. */
export interface StandIn {
  readonly evidence: EvidenceState;
  readonly lastVerified: LastVerified;
}

/** What one policy said by some evidence. */
export interface Said {
  readonly policy: CompiledPolicy;
  readonly evidence: EvidenceState;
  readonly verdict: Verdict;
}
/** Evidence that was read. */
export type Collected = Extract<EvidenceState, { readonly state: 'collected' }>;
type CollectedSaid = Said & { readonly evidence: Collected };

/** All that kept evidence may stand in for: an outage, never an answer. */
const OUTAGES: ReadonlySet<ReasonCode> = new Set(['REGISTRY_UNAVAILABLE', 'REVOCATION_UNKNOWN']);
const NOTHING = 0;
const VERIFIED = 1;
const REFUSED = 2;

/**
 * The evidence by which images last satisfied policies (design §3, `onInconclusive`): notes it where it
 * was read anew, and lets it stand in where an outage is all that keeps a policy from a verdict.
 */
export class LastVerifiedEvidence {
  readonly #options: LastVerifiedOptions;
  readonly #clock: Clock;
  /** What was noted of a reading already, by policy: nothing is noted twice. */
  readonly #noted = new WeakMap<Collection, WeakMap<CompiledPolicy, number>>();

  constructor(options: LastVerifiedOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
  }

  /** Whether evidence is kept for a policy. */
  isKeptFor(policy: CompiledPolicy): boolean {
    return policy.lastVerifiedMaxAgeMs !== undefined || this.#options.keep?.(policy) === true;
  }

  /** Whether a policy said something of evidence that was not noted yet of this reading. */
  isNews({ policy, evidence, verdict }: CollectedSaid, collection: Collection): boolean {
    const outcome = noteworthy(verdict, evidence.evidence);
    return ((this.#noted.get(collection)?.get(policy) ?? 0) & outcome) !== outcome;
  }

  /** Notes what a policy said of evidence. */
  note(
    { policy, evidence, verdict }: CollectedSaid,
    collection: Collection,
    request: EvidenceRequest,
  ): void {
    const outcome = noteworthy(verdict, evidence.evidence);
    if (outcome === NOTHING) return;
    const noted = this.#noted.get(collection) ?? new WeakMap<CompiledPolicy, number>();
    noted.set(policy, (noted.get(policy) ?? NOTHING) | outcome);
    this.#noted.set(collection, noted);
    this.#options.store.note({
      key: keptKey(policy, request),
      evidence: evidence.evidence,
      collectedAt: collection.startedAt,
      verified: outcome === VERIFIED,
      satisfied: verdict.results
        .filter((result) => result.outcome === 'verified')
        .map(({ requirement }) => requirement),
    });
  }

  /** The evidence by which an image last satisfied a policy, whatever its age. Never rejects. */
  find(policy: CompiledPolicy, request: EvidenceRequest): Promise<KeptEvidence | undefined> {
    return this.#options.store.find(keptKey(policy, request));
  }

  /** What may stand in for the evidence of a policy that could not be read. Never rejects. */
  async standInFor(said: Said, request: EvidenceRequest): Promise<StandIn | undefined> {
    const { policy, verdict } = said;
    if (!isOutage(said) || verdict.outcome !== 'inconclusive') return undefined;
    const kept = await this.find(policy, request);
    if (kept === undefined || kept.superseded) return undefined;
    const { code, message } = verdict.first;
    const lastVerified = { collectedAt: new Date(kept.collectedAt), code, message };
    if (!this.mayCount(policy, lastVerified)) return undefined;
    return { evidence: { state: 'collected', evidence: kept.evidence }, lastVerified };
  }

  /** Whether kept evidence is young enough now. What was read in the future was not read then. */
  mayCount(policy: CompiledPolicy, { collectedAt }: LastVerified): boolean {
    const age = this.#clock.now().getTime() - collectedAt.getTime();
    return age >= 0 && age <= (policy.lastVerifiedMaxAgeMs ?? -1);
  }
}

/** Whether nothing but an outage keeps a policy from a verdict that lets kept evidence stand in for it. */
export function isOutage({ policy, evidence, verdict }: Said): boolean {
  if (policy.lastVerifiedMaxAgeMs === undefined || verdict.outcome !== 'inconclusive') return false;
  const only = verdict.results.every((r) => r.outcome !== 'inconclusive' || OUTAGES.has(r.code));
  if (!only) return false;
  switch (evidence.state) {
    case 'failed':
      return OUTAGES.has(evidence.error.code) && !evidence.error.isAbsence;
    case 'collected':
      return unread(evidence.evidence).every(
        ({ code, isAbsence }) => OUTAGES.has(code) && isAbsence !== true,
      );
    case 'not-needed':
      return false;
  }
}

function noteworthy(verdict: Verdict, evidence: Evidence): number {
  switch (verdict.outcome) {
    case 'verified':
      return VERIFIED;
    case 'exempt':
      return verdict.results.some((r) => r.outcome === 'verified' && r.signers.length > 0)
        ? VERIFIED
        : NOTHING;
    case 'rejected':
      return unread(evidence).length === 0 ? REFUSED : NOTHING;
    case 'inconclusive':
      return NOTHING;
  }
}

function unread(evidence: Evidence): ReturnType<typeof gapsOf> {
  return gapsOf(evidence).filter(({ code }) => isInconclusive(code));
}

/** Apart by policy, too: what satisfied one of them need not have satisfied another. */
function keptKey(policy: CompiledPolicy, request: EvidenceRequest): string {
  return JSON.stringify([policy.name, evidenceKey(request)]);
}

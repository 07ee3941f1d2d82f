// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { CertificateIdentity } from '../authority/index.ts';
import type { ReasonCode } from '../reasons.ts';
import type { CheckResult, SignerProof } from '../result.ts';
import { toVerificationError } from '../error.ts';
import type { Validity } from '../trust/index.ts';

/** Who signed, and when that counts. Nothing of it depends on the present. */
export interface VerifiedSigner {
  readonly proof: SignerProof;
  readonly claims: CertificateIdentity['claims'];
  /** When the signature was made, as each of those who are trusted to know says it; milliseconds. */
  readonly times: readonly number[];
  /** During which time the signature counts; outside of it, `otherwise` is why it does not. */
  readonly window: Validity;
  readonly otherwise: 'KEY_EXPIRED' | 'CERT_EXPIRED_AT_SIGNING';
}

/** Evidence that does not hold for an authority, or that something kept from being told. */
export interface RefusedFact {
  readonly outcome: 'refused';
  readonly code: ReasonCode;
  readonly detail: string;
  readonly checks: readonly CheckResult[];
}

/**
 * What cryptography established about one piece of evidence for one authority and one image digest.
 * A pure function of those three, hence cacheable; the wall clock has no part in it.
 */
export type SignatureFact =
  | {
      readonly outcome: 'signed';
      readonly signer: VerifiedSigner;
      /** Annotations that the signed content carries. */
      readonly annotations: ReadonlyMap<string, string>;
      readonly checks: readonly CheckResult[];
    }
  | RefusedFact
  /** Genuine or not, it is no signature over an image (an attestation, say). */
  | { readonly outcome: 'not-a-signature'; readonly checks: readonly CheckResult[] };

/** What was established about one attestation for an authority, a digest, and what a requirement asks of it. */
export type AttestationFact =
  | {
      readonly outcome: 'attested';
      readonly signer: VerifiedSigner;
      readonly checks: readonly CheckResult[];
    }
  | RefusedFact
  /** It is no attestation of the type that is asked for. */
  | {
      readonly outcome: 'of-another-type';
      readonly predicateType?: string;
      readonly checks: readonly CheckResult[];
    };

/** Characters of a message that are kept: facts live in a cache, and a message may quote the evidence. */
const MAX_DETAIL = 512;

/** Runs checks in order and records them; the first that fails ends the run. */
export class CheckList {
  readonly checks: CheckResult[] = [];

  /** Runs one check. What it throws is recorded as its failure and thrown on as a VerificationError. */
  run<T>(check: string, detail: string, step: () => T): T {
    try {
      const value = step();
      this.checks.push({ check, outcome: 'passed', detail });
      return value;
    } catch (thrown) {
      const error = toVerificationError(thrown);
      this.checks.push({ check, outcome: 'failed', code: error.code, detail: clip(error.message) });
      throw error;
    }
  }
}

/** Builds a fact from a run of checks: whatever is thrown becomes a refusal, never a pass. */
export function factOf<T extends { readonly outcome: string }>(
  run: (list: CheckList) => T,
): T | RefusedFact {
  const list = new CheckList();
  try {
    return run(list);
  } catch (thrown) {
    const error = toVerificationError(thrown);
    return {
      outcome: 'refused',
      code: error.code,
      detail: clip(error.message),
      checks: list.checks,
    };
  }
}

function clip(message: string): string {
  return message.length <= MAX_DETAIL ? message : `${message.slice(0, MAX_DETAIL)}…`;
}

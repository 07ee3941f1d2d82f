// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { VerifiedSigner } from './fact.ts';
import type { ReasonCode } from '../reasons.ts';
import type { Validity } from '../trust/index.ts';

/** Why something that is genuine does not count at present. */
export interface Untimely {
  readonly code: ReasonCode;
  readonly detail: string;
}

/**
 * When a signature counts: not before any of its times, since nothing was signed in the future, and
 * within its window.
 */
export function signerWindow({ times, window }: VerifiedSigner): Validity {
  return { from: Math.max(window.from, ...times), until: window.until };
}

/** Why a signer does not count at an instant; `undefined` where it does. */
export function untimelySigner(signer: VerifiedSigner, now: number): Untimely | undefined {
  const future = signer.times.find((time) => time > now);
  if (future !== undefined) {
    const detail = `is said to be signed in the future, at ${new Date(future).toISOString()}`;
    return { code: 'TIMESTAMP_UNTRUSTED', detail };
  }
  const { window, otherwise, proof } = signer;
  if (now >= window.from && now <= window.until) return undefined;
  const detail = `${proof.identity} does not count at present, and nobody vouches for an earlier time`;
  return { code: otherwise, detail };
}

/**
 * The last instant at which an attestation is young enough. Of several times the earliest counts: anyone
 * can have an old signature stamped anew. One without a time is too old at once.
 */
export function freshUntil({ times }: VerifiedSigner, maxAgeMs: number | undefined): number {
  if (maxAgeMs === undefined) return Infinity;
  return times.length === 0 ? -Infinity : Math.min(...times) + maxAgeMs;
}

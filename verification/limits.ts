// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

/** Every bound of the library in one place, with units (design §4). 0 or negative is refused. */
export interface Limits {
  /** Bytes of a manifest or index. */
  readonly manifestBytes: number;
  /** Bytes of one signature blob or bundle. A larger bundle is an attestation. */
  readonly signatureBytes: number;
  /** Bytes of one attestation. */
  readonly attestationBytes: number;
  /** Referrers read in all, over all pages. */
  readonly referrers: number;
  /** Bytes of the manifests of all referrers. */
  readonly referrerBytes: number;
  /** Pages of the referrers API. */
  readonly referrerPages: number;
  /** Signatures evaluated an image. */
  readonly signatures: number;
  /** Attestations evaluated an image, besides those in bundles that are small enough for a signature. */
  readonly attestations: number;
  /** Nesting of JSON that an attacker may have written. */
  readonly jsonDepth: number;
  /** Redirects followed for one request. */
  readonly redirects: number;
  /** Milliseconds to open a connection. */
  readonly connectMs: number;
  /** Milliseconds for one request, headers and body. */
  readonly requestMs: number;
  /** Milliseconds for a whole collection. */
  readonly collectionMs: number;
  /** Bytes of all signatures that one collection keeps of one digest. */
  readonly collectionBytes: number;
  /**
   * Bytes of all attestations that one collection keeps of one digest. Twice as much (an image and its
   * index), read and parsed, has to fit into the cache of evidence.
   */
  readonly attestationCollectionBytes: number;
  /** Collections at a time that keep more bytes of attestations than they may of signatures. */
  readonly attestationCollections: number;
  /** Bytes of a body that reports an error or carries a token. */
  readonly errorBytes: number;
  /** Characters of a glob pattern. */
  readonly patternChars: number;
  /** Requests in flight to one registry host. */
  readonly hostConcurrency: number;
  /** Failures of a registry host in a row after which it is not asked for a pause. */
  readonly hostFailures: number;
  /** Milliseconds of that pause; then one request tries. */
  readonly hostPauseMs: number;
  /** Milliseconds for which a host that asks for patience is not asked, at most. */
  readonly patienceMs: number;
  /** Exceptions indexed by policy, namespace and digest. */
  readonly exceptions: number;
}

/** The defaults of design §4. */
export const DEFAULT_LIMITS: Limits = {
  manifestBytes: 4 * 1024 * 1024,
  signatureBytes: 1024 * 1024,
  attestationBytes: 32 * 1024 * 1024,
  referrers: 1000,
  referrerBytes: 16 * 1024 * 1024,
  referrerPages: 10,
  signatures: 100,
  attestations: 100,
  jsonDepth: 64,
  redirects: 5,
  connectMs: 3000,
  requestMs: 8000,
  collectionMs: 60_000,
  collectionBytes: 4 * 1024 * 1024,
  attestationCollectionBytes: 48 * 1024 * 1024,
  attestationCollections: 4,
  errorBytes: 64 * 1024,
  patternChars: 1024,
  hostConcurrency: 32,
  hostFailures: 8,
  hostPauseMs: 5000,
  patienceMs: 60_000,
  exceptions: 10_000,
};

/** Merges overrides into the defaults; throws a RangeError naming the limit that is not positive. */
export function limits(overrides: Partial<Limits> = {}): Limits {
  const merged: Limits = { ...DEFAULT_LIMITS, ...overrides };
  for (const [name, value] of Object.entries(merged) as [keyof Limits, number][]) {
    if (!Number.isSafeInteger(value) || value <= 0)
      throw new RangeError(`limit ${name}: must be a positive integer`);
  }
  return merged;
}

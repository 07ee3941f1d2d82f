// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { createHash } from 'node:crypto';
import type { Digest } from './reference.ts';

/** Algorithms of digests that we accept. */
export type DigestAlgorithm = 'sha256' | 'sha512';

/** The digest of the bytes. */
export function digestOf(bytes: Uint8Array, algorithm: DigestAlgorithm = 'sha256'): Digest {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;
}

/** True where the bytes hash to the digest, by the algorithm that the digest names. */
export function matchesDigest(digest: Digest, bytes: Uint8Array): boolean {
  return digestOf(bytes, digest.startsWith('sha512:') ? 'sha512' : 'sha256') === digest;
}

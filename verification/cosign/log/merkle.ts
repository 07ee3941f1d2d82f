// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { createHash } from 'node:crypto';
import type { InclusionProof } from '../entity.ts';

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);
const HASH_BYTES = 32;
/** Levels of a tree whose size fits 63 bits. */
const MAX_HASHES = 63;

/**
 * The root that a proof leads to from a leaf (RFC 6962 hashing, RFC 9162 §2.1.3.2), `undefined` where
 * the proof has too few, too many or odd hashes or an index outside of the tree. Whose root that is,
 * the caller must know from elsewhere.
 */
export function rootOfProof(
  leaf: Uint8Array,
  { logIndex, treeSize, hashes }: Pick<InclusionProof, 'logIndex' | 'treeSize' | 'hashes'>,
): Buffer | undefined {
  if (logIndex < 0n || logIndex >= treeSize || hashes.length > MAX_HASHES) return undefined;
  if (hashes.some((hash) => hash.byteLength !== HASH_BYTES)) return undefined;
  let node = logIndex;
  let last = treeSize - 1n;
  let root = sha256(LEAF, leaf);
  for (const hash of hashes) {
    if (last === 0n) return undefined;
    if (isOdd(node) || node === last) {
      root = sha256(NODE, hash, root);
      // A last node without a sibling rises unchanged.
      while (node !== 0n && !isOdd(node)) [node, last] = [node >> 1n, last >> 1n];
    } else {
      root = sha256(NODE, root, hash);
    }
    [node, last] = [node >> 1n, last >> 1n];
  }
  return last === 0n ? root : undefined;
}

function isOdd(value: bigint): boolean {
  return (value & 1n) === 1n;
}

function sha256(...parts: readonly Uint8Array[]): Buffer {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
}

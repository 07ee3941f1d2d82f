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
  let place: Place = { node: logIndex, last: treeSize - 1n, root: sha256(LEAF, leaf) };
  for (const hash of hashes) {
    if (place.last === 0n) return undefined;
    place = climb(place, hash);
  }
  return place.last === 0n ? place.root : undefined;
}

/** A node on the way up: its index and that of the last node on its level, and the hash so far. */
interface Place {
  readonly node: bigint;
  readonly last: bigint;
  readonly root: Buffer;
}

function climb({ node, last, root }: Place, hash: Buffer): Place {
  if (!isOdd(node) && node !== last)
    return { node: node >> 1n, last: last >> 1n, root: sha256(NODE, root, hash) };
  // A last node without a sibling rises unchanged.
  let levels = 1n;
  for (let at = node; at !== 0n && !isOdd(at); at >>= 1n) levels += 1n;
  return { node: node >> levels, last: last >> levels, root: sha256(NODE, hash, root) };
}

function isOdd(value: bigint): boolean {
  return (value & 1n) === 1n;
}

function sha256(...parts: readonly Uint8Array[]): Buffer {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
}

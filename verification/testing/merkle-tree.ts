// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { createHash } from 'node:crypto';

/** A Merkle tree of RFC 6962, as its text defines it: slow and obvious. */
export class MerkleTree {
  readonly #leaves: Buffer[] = [];

  /** Adds a leaf; answers its index. */
  append(leaf: Uint8Array): number {
    return this.#leaves.push(hashOf(0, leaf)) - 1;
  }

  get size(): number {
    return this.#leaves.length;
  }

  /** Hash of the whole tree. */
  root(): Buffer {
    return rootOf(this.#leaves);
  }

  /** The hashes that lead from a leaf to the root. */
  path(index: number): readonly Buffer[] {
    return pathOf(index, this.#leaves);
  }
}

/** MTH of RFC 6962 §2.1, over hashes of leaves. */
function rootOf(leaves: readonly Buffer[]): Buffer {
  const [only] = leaves;
  if (only === undefined) return createHash('sha256').digest();
  if (leaves.length === 1) return only;
  const middle = splitOf(leaves.length);
  return hashOf(1, rootOf(leaves.slice(0, middle)), rootOf(leaves.slice(middle)));
}

/** PATH of RFC 6962 §2.1.1. */
function pathOf(index: number, leaves: readonly Buffer[]): readonly Buffer[] {
  if (leaves.length <= 1) return [];
  const middle = splitOf(leaves.length);
  const [left, right] = [leaves.slice(0, middle), leaves.slice(middle)];
  return index < middle
    ? [...pathOf(index, left), rootOf(right)]
    : [...pathOf(index - middle, right), rootOf(left)];
}

/** The largest power of two below a number. */
function splitOf(size: number): number {
  let power = 1;
  while (power * 2 < size) power *= 2;
  return power;
}

function hashOf(prefix: number, ...parts: readonly Uint8Array[]): Buffer {
  const hash = createHash('sha256').update(Uint8Array.of(prefix));
  for (const part of parts) hash.update(part);
  return hash.digest();
}

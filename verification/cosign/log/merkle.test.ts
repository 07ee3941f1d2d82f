// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import fc from 'fast-check';
import { MerkleTree } from '../../testing/merkle-tree.ts';
import type { InclusionProof } from '../entity.ts';
import { rootOfProof } from './merkle.ts';

const leaf = (index: number): Buffer => Buffer.from(`leaf ${index.toString()}`);

function treeOf(size: number): MerkleTree {
  const tree = new MerkleTree();
  for (let i = 0; i < size; i += 1) tree.append(leaf(i));
  return tree;
}

function proofOf(
  tree: MerkleTree,
  index: number,
): Pick<InclusionProof, 'logIndex' | 'treeSize' | 'hashes'> {
  return { logIndex: BigInt(index), treeSize: BigInt(tree.size), hashes: tree.path(index) };
}

describe('rootOfProof', () => {
  it('leads from every leaf of every small tree to its root', () => {
    for (let size = 1; size <= 33; size += 1) {
      const tree = treeOf(size);
      for (let index = 0; index < size; index += 1)
        assert.deepEqual(rootOfProof(leaf(index), proofOf(tree, index)), tree.root());
    }
  });
  it('leads nowhere else from another leaf, index, size or path', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 40 }), fc.nat(39), fc.nat(39), (size, at, other) => {
        const index = at % size;
        const tree = treeOf(size);
        const proof = proofOf(tree, index);
        const root = tree.root();
        const leadsToRoot = (bytes: Buffer, change: Partial<typeof proof>): boolean =>
          rootOfProof(bytes, { ...proof, ...change })?.equals(root) === true;
        assert.equal(leadsToRoot(leaf(index + 1), {}), false);
        assert.equal(leadsToRoot(leaf(index), { hashes: [...proof.hashes, root] }), false);
        assert.equal(leadsToRoot(leaf(index), { hashes: proof.hashes.slice(1) }), false);
        if (other % size !== index)
          assert.equal(leadsToRoot(leaf(index), { logIndex: BigInt(other % size) }), false);
      }),
    );
  });
  it('does not take a node for a leaf', () => {
    const tree = treeOf(4);
    const [left] = treeOf(4).path(2).slice(1);
    const [right] = treeOf(4).path(0).slice(1);
    const node = Buffer.concat([left!, right!]);
    const proof = { logIndex: 0n, treeSize: 1n, hashes: [] };
    assert.notDeepEqual(rootOfProof(node, proof), tree.root());
  });
  const tree = treeOf(5);
  const proof = proofOf(tree, 3);
  for (const [what, change] of [
    ['an index beyond the tree', { logIndex: 5n }],
    ['a negative index', { logIndex: -1n }],
    ['an empty tree', { treeSize: 0n }],
    ['a hash that is too short', { hashes: [...tree.path(3).slice(1), Buffer.alloc(31)] }],
    ['no hashes', { hashes: [] }],
    ['a hundred thousand hashes', { hashes: Array<Buffer>(100_000).fill(tree.root()) }],
    ['a size that the path is too short for', { treeSize: 1n << 62n }],
  ] as const) {
    it(`answers nothing for ${what}`, () =>
      assert.equal(rootOfProof(leaf(3), { ...proof, ...change }), undefined));
  }
});

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { digestOf } from '../../image/index.ts';
import { limits, type Limits } from '../../limits.ts';
import type { Candidate } from './candidates.ts';
import { boundCandidates, chooseCandidates } from './choose.ts';
import { GapRecorder } from './gaps.ts';

function candidate(name: string, size: number, format: Candidate['format'] = 'bundle'): Candidate {
  const layer = { mediaType: 'x', digest: digestOf(Buffer.from(name)), size, annotations: {} };
  return { format, origin: 'referrers-api', layer };
}

function flood(count: number, format: Candidate['format'], size = 10): Candidate[] {
  return Array.from({ length: count }, (_, i) =>
    candidate(`junk${i.toString()}`, size + i, format),
  );
}

interface Sizes {
  readonly signatures: readonly number[];
  readonly attestations: readonly number[];
  readonly gaps: readonly string[];
}

function choose(
  sources: readonly (readonly Candidate[])[],
  overrides: Partial<Limits>,
  attestations = true,
): Sizes {
  const gaps = new GapRecorder();
  const chosen = chooseCandidates(sources, { limits: limits(overrides), attestations, gaps });
  const sizes = (list: readonly Candidate[]): number[] => list.map((c) => c.layer.size);
  for (const gap of gaps.list) assert.equal(gap.code, 'LIMIT_EXCEEDED');
  return {
    signatures: sizes(chosen.signatures),
    attestations: sizes(chosen.attestations),
    gaps: gaps.list.map((gap) => gap.detail.split(' or more')[0] ?? ''),
  };
}

describe('chooseCandidates', () => {
  it('gives every source its turn, small blobs first', () => {
    const sources = [flood(50, 'bundle'), [candidate('good', 5000)]];
    assert.deepEqual(choose(sources, { signatures: 3 }, false), {
      signatures: [10, 5000, 11],
      attestations: [],
      gaps: ['48 signatures'],
    });
  });

  it('gives every source of attestations its turn, small ones first', () => {
    const sources = [flood(50, 'dsse'), [candidate('good', 5000, 'dsse')]];
    assert.deepEqual(choose(sources, { attestations: 3 }), {
      signatures: [],
      attestations: [10, 5000, 11],
      gaps: ['48 attestations'],
    });
  });

  it('keeps the limits on one blob and on all of them', () => {
    const tight = { signatureBytes: 1000, collectionBytes: 1500 };
    const sources = [
      [candidate('a', 1001, 'simple-signing')],
      [candidate('b', 1001, 'simple-signing')],
      [candidate('c', 1000)],
      [candidate('d', 600)],
      [candidate('e', 500)],
    ];
    assert.deepEqual(choose(sources, tight, false), {
      signatures: [1000, 500],
      attestations: [],
      gaps: ['3 signatures'],
    });
  });

  it('A9: keeps the limits on one attestation and on all of them', () => {
    const tight = { signatureBytes: 10, attestationBytes: 1000, attestationCollectionBytes: 1500 };
    const sources = [
      [candidate('a', 1001, 'dsse')],
      [candidate('b', 1001)],
      [candidate('c', 1000, 'dsse')],
      [candidate('d', 600)],
      [candidate('e', 500, 'dsse')],
    ];
    assert.deepEqual(choose(sources, tight), {
      signatures: [],
      attestations: [1000, 500],
      gaps: ['3 attestations'],
    });
  });

  it('X41: never lets attestations take the place of signatures, nor signatures theirs', () => {
    const few = { signatures: 5, attestations: 5 };
    const signature = candidate('signature', 500, 'simple-signing');
    const attestation = candidate('attestation', 500, 'dsse');
    const junk = flood(10_000, 'dsse');
    const drowned = choose([junk, [signature, attestation]], few);
    assert.deepEqual([drowned.signatures, drowned.gaps], [[500], ['9996 attestations']]);
    for (const format of ['simple-signing', 'bundle'] as const) {
      const { attestations, gaps } = choose([flood(10_000, format), [attestation]], few);
      assert.equal(attestations[0], 500);
      assert.equal(gaps.length, 1);
      assert.match(gaps[0] ?? '', /signatures$/);
    }
  });

  it('takes bundles that find no place among signatures for attestations, after all others', () => {
    const sources = [
      [candidate('a', 700), candidate('b', 800), candidate('c', 900), candidate('d', 950)],
      [candidate('e', 5000, 'dsse')],
    ];
    const tight = { signatures: 1, attestations: 3 };
    assert.deepEqual(choose(sources, tight), {
      signatures: [700],
      attestations: [5000, 800, 900],
      gaps: ['1 signatures'],
    });
    assert.deepEqual(choose(sources, tight, false).gaps, ['3 signatures']);
  });

  it('leaves nothing out where it passes over attestations that nobody asks for', () => {
    const sources = [flood(500, 'dsse'), [candidate('large', 1001)]];
    assert.deepEqual(choose(sources, { signatureBytes: 1000 }, false), {
      signatures: [],
      attestations: [],
      gaps: [],
    });
  });

  it('counts what is the same once, unless it is said to have another size', () => {
    const same = candidate('same', 10);
    assert.deepEqual(choose([[same, same], [same]], { signatures: 1 }).gaps, []);
    const liar = candidate('same', 9);
    assert.deepEqual(choose([[same], [liar]], { signatures: 2 }).signatures, [10, 9]);
  });
});

describe('boundCandidates', () => {
  it('A9: keeps one more of each sort than is ever chosen, the smallest', () => {
    const few = limits({ signatures: 2, attestations: 3 });
    const all = [...flood(5000, 'dsse', 100), ...flood(5000, 'simple-signing')];
    assert.deepEqual(
      boundCandidates(all, few).map((c) => [c.format, c.layer.size]),
      [
        ...[10, 11, 12, 13, 14, 15].map((size) => ['simple-signing', size]),
        ...[100, 101, 102, 103].map((size) => ['dsse', size]),
      ],
    );
  });
});

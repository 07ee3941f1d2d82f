// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { digestOf } from '../../image/index.ts';
import { limits } from '../../limits.ts';
import { chooseCandidates, type Candidate } from './candidates.ts';
import { GapRecorder } from './gaps.ts';

function candidate(name: string, size: number, format: Candidate['format'] = 'bundle'): Candidate {
  const layer = { mediaType: 'x', digest: digestOf(Buffer.from(name)), size, annotations: {} };
  return { format, origin: 'referrers-api', layer };
}

describe('chooseCandidates', () => {
  it('gives every source its turn, small blobs first', () => {
    const gaps = new GapRecorder();
    const flood = Array.from({ length: 50 }, (_, i) => candidate(`junk${i.toString()}`, 10 + i));
    const chosen = chooseCandidates(
      [flood, [candidate('good', 5000)]],
      limits({ signatures: 3 }),
      gaps,
    );
    assert.deepEqual(
      chosen.map((c) => c.layer.size),
      [10, 5000, 11],
    );
    assert.deepEqual(
      gaps.list.map((g) => g.code),
      ['LIMIT_EXCEEDED'],
    );
  });

  it('keeps the limits on one blob and on all of them', () => {
    const gaps = new GapRecorder();
    const tight = limits({ signatureBytes: 1000, collectionBytes: 1500 });
    const sources = [
      [candidate('a', 1001, 'simple-signing')],
      [candidate('b', 1001, 'simple-signing')],
      [candidate('c', 1000)],
      [candidate('d', 600)],
      [candidate('e', 500)],
    ];
    assert.deepEqual(
      chooseCandidates(sources, tight, gaps).map((c) => c.layer.size),
      [1000, 500],
    );
    assert.match(gaps.list[0]?.detail ?? '', /^3 signatures/);
  });

  it('counts what is the same once', () => {
    const gaps = new GapRecorder();
    const same = candidate('same', 10);
    assert.equal(
      chooseCandidates([[same, same], [same]], limits({ signatures: 1 }), gaps).length,
      1,
    );
    assert.deepEqual(gaps.list, []);
  });
});

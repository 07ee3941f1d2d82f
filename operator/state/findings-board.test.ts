// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'mocha';
import { FindingsBoard, type WorkloadFinding } from './findings-board.ts';
import type { WorstOutcome } from './impact-tally.ts';

const SUMMARY = { pass: 1, fail: 2, warn: 3, error: 4, skip: 5 };

function finding(
  name: string,
  outcomes: Readonly<Record<string, WorstOutcome>>,
  edits: Partial<WorkloadFinding> = {},
): WorkloadFinding {
  const policies = Object.entries(outcomes).map(([policy, outcome]) => {
    const wouldDeny = outcome === 'rejected' || outcome === 'inconclusive';
    return [policy, { outcome, wouldDeny }] as const;
  });
  return {
    label: `Pod shop/${name}`,
    namespace: 'shop',
    exempt: false,
    runsImages: true,
    policies: new Map(policies),
    uncovered: [],
    summary: SUMMARY,
    ...edits,
  };
}

describe('the board of findings', () => {
  let keys: readonly string[] | undefined;
  let told: string[];
  let board: FindingsBoard;

  const taken = (): readonly string[] => told.splice(0);

  beforeEach(() => {
    keys = ['a', 'b'];
    told = [];
    board = new FindingsBoard({
      expected: () => keys,
      onImpact: (policy) => told.push(policy),
      onPass: () => told.push('pass'),
      onCoverage: () => told.push('coverage'),
    });
  });

  it('tells nothing before every workload was judged once, or could not be', () => {
    keys = undefined;
    board.take('a', 1, finding('a', { team: 'rejected' }));
    assert.equal(board.impactOf('team', 1), undefined);
    assert.equal(board.coverage(), undefined);
    keys = ['a', 'b', 'c', 'd'];
    board.take('b', 1, finding('b', { team: 'verified' }));
    board.forget('c');
    assert.equal(board.isComplete, false);
    // One that came while the others were judged counts, too.
    keys = ['a', 'b', 'd', 'e'];
    board.failed('d', 1);
    assert.equal(board.impactOf('team', 1), undefined);
    taken();
    board.take('e', 1, finding('e', { team: 'verified' }));
    assert.deepEqual(new Set(taken()), new Set(['team', 'coverage', 'pass']));
    assert.equal(board.impactOf('team', 1)?.workloads, 3);
    assert.notEqual(board.coverage(), undefined);
    // From now on a workload that is new is not waited for.
    keys = ['a', 'b', 'd', 'e', 'f'];
    assert.equal(board.isComplete, true);
  });

  it('tells of a cluster without workloads', () => {
    keys = [];
    const none = { workloads: 0, verified: 0, rejected: 0, inconclusive: 0, exempt: 0 };
    assert.deepEqual(board.impactOf('team', 7), { ...none, wouldDeny: 0, sample: [] });
    assert.deepEqual(board.coverage(), { uncovered: new Map(), exemptNamespaces: [] });
  });

  it('counts each workload once for a policy, as it was judged last', () => {
    board.take('a', 1, finding('a', { team: 'rejected', other: 'verified' }));
    board.take('b', 1, finding('b', { team: 'inconclusive' }));
    assert.deepEqual(board.impactOf('team', 1), {
      workloads: 2,
      verified: 0,
      rejected: 1,
      inconclusive: 1,
      exempt: 0,
      wouldDeny: 2,
      sample: ['Pod shop/a', 'Pod shop/b'],
    });
    board.take('a', 1, finding('a', { team: 'exempt' }));
    board.forget('b');
    const { exempt, wouldDeny, workloads } = board.impactOf('team', 1)!;
    assert.deepEqual([exempt, wouldDeny, workloads], [1, 0, 1]);
    assert.equal(board.impactOf('other', 1)?.workloads, 0);
  });

  it('tells of a policy only when what it means changed', () => {
    board.take('a', 1, finding('a', { team: 'verified', other: 'verified' }));
    board.take('b', 1, finding('b', {}));
    taken();
    board.take('a', 1, finding('a', { team: 'verified', other: 'rejected' }));
    assert.deepEqual(taken(), ['other']);
    board.take('a', 1, finding('a', { team: 'verified', other: 'rejected' }));
    board.failed('a', 1);
    assert.deepEqual(taken(), []);
    board.forget('a');
    assert.deepEqual(taken().toSorted(), ['coverage', 'other', 'team']);
  });

  it('shows ten workloads that would be denied, always the same', () => {
    const names = Array.from({ length: 30 }, (_, i) => (i * 7) % 30).map((n) => `w${n + 10}`);
    keys = names;
    for (const name of names) board.take(name, 1, finding(name, { team: 'rejected' }));
    const { sample, wouldDeny } = board.impactOf('team', 1)!;
    assert.equal(wouldDeny, 30);
    assert.deepEqual(
      sample,
      Array.from({ length: 10 }, (_, i) => `Pod shop/w${i + 10}`),
    );
  });

  it('tells of a new program only when the last workload was judged by it', () => {
    board.take('a', 1, finding('a', {}));
    board.take('b', 1, finding('b', {}));
    taken();
    board.take('a', 2, finding('a', { fresh: 'rejected' }));
    assert.equal(board.impactOf('fresh', 2), undefined);
    assert.equal(board.impactOf('older', 1)?.workloads, 0);
    assert.equal(board.coverage(), undefined);
    assert.deepEqual(taken(), ['fresh']);
    board.failed('b', 2);
    assert.deepEqual(taken(), ['pass']);
    assert.equal(board.impactOf('fresh', 2)?.workloads, 1);
    assert.notEqual(board.coverage(), undefined);
  });

  it('keeps what was found of a workload that cannot be judged now', () => {
    board.take('a', 1, finding('a', { team: 'rejected' }));
    board.take('b', 1, finding('b', {}));
    board.failed('a', 2);
    assert.equal(board.impactOf('team', 1)?.wouldDeny, 1);
  });

  it('names what no policy covers with its namespaces, and exempt namespaces that run images', () => {
    keys = ['a', 'b', 'c', 'd'];
    const pay = { namespace: 'pay', uncovered: ['r/x'] };
    board.take('a', 1, finding('a', {}, { uncovered: ['r/y', 'r/x'] }));
    board.take('b', 1, finding('b', {}, pay));
    const exempt = { namespace: 'kube-system', exempt: true, uncovered: ['r/z'] };
    board.take('c', 1, finding('c', {}, exempt));
    board.take('d', 1, finding('d', {}, { ...exempt, namespace: 'empty', runsImages: false }));
    assert.deepEqual(board.coverage(), {
      uncovered: new Map([
        ['r/x', ['pay', 'shop']],
        ['r/y', ['shop']],
      ]),
      exemptNamespaces: ['kube-system'],
    });
    taken();
    board.take('b', 1, finding('b', {}, pay));
    assert.deepEqual(taken(), []);
    board.take('b', 1, finding('b', {}, { ...pay, uncovered: [] }));
    assert.deepEqual(taken(), ['coverage']);
  });

  it('counts workloads by the worst that is said of them', () => {
    const quiet = { pass: 0, fail: 0, warn: 0, error: 0, skip: 0 };
    board.take('a', 1, finding('a', {}));
    board.take('b', 1, finding('b', {}, { summary: { ...SUMMARY, fail: 0 } }));
    board.take('c', 1, finding('c', {}, { summary: { ...quiet, pass: 3, skip: 1 } }));
    board.take('d', 1, finding('d', {}, { summary: quiet }));
    board.failed('e', 1);
    const counts = { pass: 0, fail: 1, warn: 0, error: 1, skip: 1, none: 1 };
    assert.deepEqual(board.workloads(), counts);
    board.forget('a');
    assert.equal(board.workloads().fail, 0);
  });
});

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { keptReport, sameReport, type PolicyReport } from './report.ts';

const WHOLE: PolicyReport = {
  apiVersion: 'wgpolicyk8s.io/v1alpha2',
  kind: 'PolicyReport',
  metadata: {
    name: 'countersign-0',
    namespace: 'shop',
    uid: 'u',
    resourceVersion: '7',
    labels: { 'app.kubernetes.io/managed-by': 'countersign' },
    annotations: { note: 'of somebody else' },
  },
  scope: { apiVersion: 'v1', kind: 'Pod', name: 'web', namespace: 'shop', uid: 'w' },
  results: [
    {
      policy: 'team',
      result: 'pass',
      message: 'signed by release',
      properties: { resultID: 'id', image: 'registry.example.com/web' },
      timestamp: { seconds: 1, nanos: 0 },
    },
    { policy: 'team', result: 'fail' },
  ],
  summary: { pass: 1, fail: 1, warn: 0, error: 0, skip: 0 },
};

describe('a report that is kept in memory', () => {
  it('tells where it is, what it is about and since when its results are so', () => {
    const { said, ...kept } = keptReport(WHOLE);
    assert.equal(said?.length, 44);
    assert.deepEqual(kept, {
      metadata: { name: 'countersign-0', namespace: 'shop', uid: 'u', resourceVersion: '7' },
      scope: WHOLE.scope,
      results: [{ properties: { resultID: 'id' }, timestamp: { seconds: 1, nanos: 0 } }, {}],
    });
  });

  it('tells by which exception a pod ran, and nothing more of what is not skipped', () => {
    const by = { resultID: 'id', exception: 'shop/hotfix', process: 'background' };
    const properties = { ...by, image: 'registry.example.com/web' };
    const results = [
      { policy: 'team', result: 'skip', properties },
      { policy: 'team', result: 'fail', properties },
    ] as const;
    assert.deepEqual(keptReport({ ...WHOLE, results }).results, [
      { result: 'skip', properties: by },
      { properties: { resultID: 'id' } },
    ]);
  });

  it('says the same as the whole one, in whatever version', () => {
    const metadata = { ...WHOLE.metadata, resourceVersion: '8', annotations: {} };
    assert.equal(sameReport(keptReport(WHOLE), { ...WHOLE, metadata }), true);
    assert.equal(sameReport({ ...WHOLE, metadata }, WHOLE), true);
  });

  const { summary } = WHOLE;
  const others: Readonly<Record<string, PolicyReport>> = {
    results: { ...WHOLE, results: WHOLE.results?.slice(1) ?? [] },
    'a message': { ...WHOLE, results: WHOLE.results?.map((r) => ({ ...r, message: 'm' })) ?? [] },
    labels: { ...WHOLE, metadata: { ...WHOLE.metadata, labels: {} } },
    owners: { ...WHOLE, metadata: { ...WHOLE.metadata, ownerReferences: [] } },
    'a source': { ...WHOLE, source: 'countersign' },
    'a summary': {
      ...WHOLE,
      ...(summary === undefined ? {} : { summary: { ...summary, pass: 2 } }),
    },
  };
  for (const [what, other] of Object.entries(others)) {
    it(`differs from one with other ${what}`, () => {
      assert.equal(sameReport(keptReport(WHOLE), other), false);
      assert.equal(sameReport(keptReport(WHOLE), keptReport(other)), false);
    });
  }

  it('believes nobody who writes what only we keep', () => {
    const forged = { ...WHOLE, results: [], said: keptReport(WHOLE).said ?? '' };
    assert.equal(sameReport(keptReport(WHOLE), keptReport(forged)), false);
  });
});

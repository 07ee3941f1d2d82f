// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'mocha';
import { FakeApi } from '../__fixtures__/fake-api.ts';
import { reportApi } from '../__fixtures__/reporting.ts';
import { ReportCollection, type ReportMirror } from './collection.ts';
import type { PolicyReport } from './report.ts';

const WG = reportApi('policyreport');
const OPEN = reportApi('openreports');

describe('the collection of reports', () => {
  let made: Record<string, ReportMirror & { hasSynced: boolean }>;
  let dropped: object[];
  let used: unknown[];
  let collection: ReportCollection;

  beforeEach(() => {
    made = {};
    dropped = [];
    used = [];
    collection = new ReportCollection({
      mirror: ({ resource, labelSelector }) => {
        assert.equal(labelSelector, 'app.kubernetes.io/managed-by=countersign');
        const store = new FakeApi().mirror<PolicyReport>('/none');
        const mirror = { store, hasSynced: false, synced: Promise.resolve() };
        made[resource.plural] = mirror;
        return mirror;
      },
      drop: (mirror) => dropped.push(mirror),
      indexes: {},
      onUse: (...mirrors) => used.push(mirrors),
    });
  });

  it('has nowhere to write before an API is used, nor before its mirror is synced', () => {
    const cluster = (): unknown => collection.clusterTarget?.api;
    const target = (): unknown => collection.target?.api;
    assert.deepEqual([collection.api, target()], [undefined, undefined]);
    collection.use(WG);
    assert.deepEqual([collection.api, target()], [WG, undefined]);
    made['policyreports']!.hasSynced = true;
    assert.equal(target(), WG);
    assert.equal(cluster(), undefined);
    made['clusterpolicyreports']!.hasSynced = true;
    assert.equal(cluster(), WG);
    made['policyreports']!.hasSynced = false;
    assert.equal(target(), undefined);
  });

  it('lets go of the mirrors of an API that is used no more', () => {
    collection.use(WG);
    const before = [made['policyreports'], made['clusterpolicyreports']];
    collection.use(OPEN);
    assert.deepEqual(dropped, before);
    assert.equal(collection.api, OPEN);
    collection.use(undefined);
    assert.deepEqual([dropped.length, collection.api], [4, undefined]);
  });

  it('changes nothing where the same API is used', () => {
    collection.use(undefined);
    collection.use(OPEN);
    collection.use(OPEN);
    assert.deepEqual([used.length, dropped.length], [1, 0]);
  });
});

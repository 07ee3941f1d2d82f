// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { silentLogger } from '../../../runtime/log/index.ts';
import { FakeApi } from '../../__fixtures__/fake-api.ts';
import { ReportWriter, type ReportApi, type ReportApiSetting } from '../../reporting/index.ts';
import { ReportApiReconciler } from './reconciler.ts';

const WG = '/apis/wgpolicyk8s.io/v1alpha2';
const OPEN = '/apis/openreports.io/v1alpha1';
const TYPES = {
  policyreport: ['policyreports', 'clusterpolicyreports'].map(
    (p) => `wgpolicyk8s.io/v1alpha2/${p}`,
  ),
  openreports: ['reports', 'clusterreports'].map((p) => `openreports.io/v1alpha1/${p}`),
};
const NAME = 'countersign-0123456789abcdef';
const labels = { 'app.kubernetes.io/managed-by': 'countersign' };

function setup(setting: ReportApiSetting = 'auto') {
  const api = new FakeApi();
  api.served = [...TYPES.policyreport, ...TYPES.openreports];
  const said: string[] = [];
  const state = { api: undefined as ReportApi | undefined, available: true, missed: false };
  let available = 0;
  const reconciler = new ReportApiReconciler({
    api,
    setting,
    collection: {
      get api() {
        return state.api;
      },
      get target() {
        if (state.api === undefined || !state.available) return undefined;
        return { api: state.api, reports: api.mirror('/none') };
      },
      use: (next) => {
        state.api = next;
      },
    },
    writer: new ReportWriter({ api, onWrite: () => undefined }),
    store: {
      takeMissed: () => {
        const { missed } = state;
        state.missed = false;
        return missed;
      },
    },
    onAvailable: () => (available += 1),
    logger: {
      ...silentLogger,
      info: (message) => said.push(message),
      warn: (message) => said.push(message),
    },
  });
  const reconcile = () => reconciler.reconcile(new AbortController().signal);
  const deleted = (): unknown => api.writes.map(({ verb, path }) => `${verb} ${path}`);
  const nameOf = (): string | undefined => state.api?.name;
  return { api, state, nameOf, said, reconcile, deleted, available: () => available };
}

describe('the choice of the API of reports', () => {
  it('takes ours away from the other API, by label and name, and nothing else', async () => {
    const { api, nameOf, reconcile, deleted } = setup();
    api.seed(`${OPEN}/namespaces/a/reports/${NAME}`, {
      metadata: { name: NAME, namespace: 'a', labels },
    });
    api.seed(`${OPEN}/namespaces/a/reports/mine`, {
      metadata: { name: 'mine', namespace: 'a', labels },
    });
    api.seed(`${OPEN}/clusterreports/countersign`, { metadata: { name: 'countersign', labels } });
    api.seed(`${WG}/namespaces/a/policyreports/${NAME}`, {
      metadata: { name: NAME, namespace: 'a', labels },
    });
    await reconcile();
    assert.equal(nameOf(), 'policyreport');
    assert.deepEqual(deleted(), [
      `delete ${OPEN}/namespaces/a/reports/${NAME}`,
      `delete ${OPEN}/clusterreports/countersign`,
    ]);
    for (const { body } of api.writes) {
      const { preconditions } = body as { preconditions: Readonly<Record<string, string>> };
      assert.deepEqual(Object.keys(preconditions), ['uid', 'resourceVersion']);
    }
    await reconcile();
    assert.equal(api.writes.length, 2);
  });

  it('takes ours away from both where reports are switched off', async () => {
    const { api, said, reconcile, deleted } = setup('none');
    api.seed(`${WG}/clusterpolicyreports/countersign`, {
      metadata: { name: 'countersign', labels },
    });
    api.seed(`${OPEN}/clusterreports/countersign`, { metadata: { name: 'countersign', labels } });
    assert.deepEqual(await reconcile(), { requeueAfterMs: 60_000 });
    assert.deepEqual(deleted(), [
      `delete ${WG}/clusterpolicyreports/countersign`,
      `delete ${OPEN}/clusterreports/countersign`,
    ]);
    assert.deepEqual(said, ['reports are switched off']);
  });

  it('looks again soon while nothing is served, says so once, and takes what comes', async () => {
    const { api, state, nameOf, said, reconcile, available } = setup();
    api.served = [];
    state.missed = true;
    assert.deepEqual(await reconcile(), { requeueAfterMs: 15_000 });
    await reconcile();
    assert.equal(nameOf(), undefined);
    assert.equal(available(), 0);
    api.served = TYPES.openreports;
    assert.deepEqual(await reconcile(), { requeueAfterMs: 60_000 });
    await reconcile();
    assert.equal(nameOf(), 'openreports');
    assert.equal(available(), 1);
    assert.deepEqual(said, [
      'no reports can be written: the API server serves no such type',
      'reports are written',
    ]);
  });

  it('moves on where the API in use is served no more', async () => {
    const { api, nameOf, reconcile } = setup();
    await reconcile();
    api.served = TYPES.openreports;
    await reconcile();
    assert.equal(nameOf(), 'openreports');
    api.served = [...TYPES.policyreport, ...TYPES.openreports];
    await reconcile();
    assert.equal(nameOf(), 'openreports');
  });
});

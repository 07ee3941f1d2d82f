// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { KubeError } from '../../runtime/kube/index.ts';
import { FakeApi } from '../__fixtures__/fake-api.ts';
import { reportApi } from '../__fixtures__/reporting.ts';
import { chooseReportApi, servedReportApis, type ReportApiSetting } from './api.ts';

const WG = reportApi('policyreport');
const OPEN = reportApi('openreports');

describe('the API of reports', () => {
  for (const [setting, served, current, chosen] of [
    ['auto', [WG, OPEN], undefined, WG],
    ['auto', [OPEN], undefined, OPEN],
    ['auto', [], undefined, undefined],
    ['auto', [WG, OPEN], OPEN, OPEN],
    ['auto', [WG], OPEN, WG],
    ['auto', [], WG, undefined],
    ['policyreport', [WG, OPEN], undefined, WG],
    ['policyreport', [OPEN], undefined, undefined],
    ['openreports', [WG, OPEN], undefined, OPEN],
    ['openreports', [WG], undefined, undefined],
    ['none', [WG, OPEN], undefined, undefined],
  ] as const) {
    const names = served.map(({ name }) => name).join(' and ') || 'nothing';
    const used = current === undefined ? '' : `, with ${current.name} in use`;
    it(`is ${chosen?.name ?? 'none'} by ${setting} where ${names} is served${used}`, () => {
      const found = chooseReportApi(setting satisfies ReportApiSetting, new Set(served), current);
      assert.equal(found, chosen);
    });
  }

  it('is served where discovery tells of its reports of workloads', async () => {
    const api = new FakeApi();
    assert.deepEqual([...(await servedReportApis(api))], [WG]);
    api.served = [
      'wgpolicyk8s.io/v1alpha2/clusterpolicyreports',
      'openreports.io/v1alpha1/reports',
    ];
    assert.deepEqual([...(await servedReportApis(api))], [OPEN]);
    api.served = [];
    assert.deepEqual([...(await servedReportApis(api))], []);
  });

  it('is not known where the API server cannot be asked', async () => {
    const api = new FakeApi();
    api.fault = () => new KubeError(503, 'not now');
    await assert.rejects(servedReportApis(api), { name: 'KubeError', status: 503 });
  });
});

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { ObjectStore } from '../../runtime/kube/index.ts';
import {
  REPORT_APIS,
  ReportWriter,
  type PolicyReport,
  type ReportApi,
  type ReportTarget,
} from '../reporting/index.ts';
import { pathOf } from '../state/resources.ts';
import { REPORT_INDEXES } from '../controllers/workload/index.ts';
import type { FakeApi } from './fake-api.ts';

/** An API of reports by its name. */
export function reportApi(name: ReportApi['name']): ReportApi {
  const found = REPORT_APIS.find((one) => one.name === name);
  if (found === undefined) throw new Error(name);
  return found;
}

/** Reports of workloads in an API that is served, or not. */
export class FakeReports {
  readonly store: ObjectStore<PolicyReport>;
  readonly writer: ReportWriter;
  readonly #api: ReportApi;
  served: boolean;
  written = 0;

  constructor(api: FakeApi, served = true, name: ReportApi['name'] = 'policyreport') {
    this.#api = reportApi(name);
    this.served = served;
    this.store = api.mirror<PolicyReport>(pathOf(this.#api.reports), REPORT_INDEXES);
    this.writer = new ReportWriter({ api, onWrite: () => (this.written += 1) });
  }

  get target(): ReportTarget | undefined {
    return this.served ? { api: this.#api, reports: this.store } : undefined;
  }
}

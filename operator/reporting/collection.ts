// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { IndexFunction, ObjectView, Reflector } from '../../runtime/kube/index.ts';
import type { MirrorSpec } from '../framework/index.ts';
import type { ReportApi } from './api.ts';
import { keptReport, REPORT_SELECTOR, type PolicyReport } from './report.ts';

/** A mirror of our reports of one kind. */
export type ReportMirror = Pick<Reflector<PolicyReport>, 'store' | 'hasSynced' | 'synced'>;

/** Where reports of workloads are written now. */
export interface ReportTarget {
  readonly api: ReportApi;
  /** Ours that there are, as they are kept. */
  readonly reports: Pick<ObjectView<PolicyReport>, 'get' | 'byIndex'>;
}

/** Where the report of the cluster is written now. */
export interface ClusterReportTarget {
  readonly api: ReportApi;
  readonly reports: Pick<ObjectView<PolicyReport>, 'get'>;
}

/** What following reports needs. */
export interface ReportCollectionOptions {
  /** Starts a mirror at once. */
  readonly mirror: (spec: MirrorSpec<PolicyReport>) => ReportMirror;
  /** Ends a mirror. */
  readonly drop: (mirror: ReportMirror) => void;
  readonly indexes: Readonly<Record<string, IndexFunction<PolicyReport>>>;
  /** Told of the mirrors of an API that is used from now on. */
  readonly onUse: (reports: ReportMirror, clusterReports: ReportMirror) => void;
}

interface Used {
  readonly api: ReportApi;
  readonly reports: ReportMirror;
  readonly clusterReports: ReportMirror;
}

/** Our reports in the API that is in use, mirrored. Nothing is mirrored where there is none. */
export class ReportCollection {
  readonly #options: ReportCollectionOptions;
  #used: Used | undefined;

  constructor(options: ReportCollectionOptions) {
    this.#options = options;
  }

  /** The API in use, served at this moment or not. */
  get api(): ReportApi | undefined {
    return this.#used?.api;
  }

  /** Where reports of workloads can be written; `undefined` where none can be. */
  get target(): ReportTarget | undefined {
    if (this.#used?.reports.hasSynced !== true) return undefined;
    const { api, reports } = this.#used;
    return { api, reports: reports.store };
  }

  /** Where the report of the cluster can be written; `undefined` where it cannot. */
  get clusterTarget(): ClusterReportTarget | undefined {
    if (this.#used?.clusterReports.hasSynced !== true) return undefined;
    const { api, clusterReports } = this.#used;
    return { api, reports: clusterReports.store };
  }

  /** Uses another API, or none, from now on. */
  use(api: ReportApi | undefined): void {
    const { mirror, drop, indexes, onUse } = this.#options;
    if (api === this.#used?.api) return;
    const before = this.#used;
    this.#used = undefined;
    if (before !== undefined) for (const one of [before.reports, before.clusterReports]) drop(one);
    if (api === undefined) return;
    const labelSelector = REPORT_SELECTOR;
    const transform = keptReport;
    const reports = mirror({ resource: api.reports, labelSelector, indexes, transform });
    const clusterReports = mirror({ resource: api.clusterReports, labelSelector });
    this.#used = { api, reports, clusterReports };
    onUse(reports, clusterReports);
  }
}

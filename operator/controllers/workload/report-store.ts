// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Clock } from '../../../runtime/clock.ts';
import { isStatus, type IndexFunction, type ObjectView } from '../../../runtime/kube/index.ts';
import { pathOf, RESOURCES, type KubeApi } from '../../state/resources.ts';
import { keyOfObject } from './inventory.ts';
import type { WorkloadObject } from './objects.ts';
import { reportName, reportOf, sameReport, type PolicyReport } from './report.ts';
import type { ReportResult } from './results.ts';

/** Index that the store must have: reports by the key of the workload that they are about. */
export const REPORT_INDEXES: Readonly<Record<string, IndexFunction<PolicyReport>>> = {
  workload: ({ scope }) =>
    scope === undefined
      ? []
      : [
          keyOfObject({
            kind: scope.kind,
            metadata: { name: scope.name, namespace: scope.namespace },
          }),
        ],
};

/** What writing reports needs. */
export interface ReportStoreOptions {
  readonly api: Pick<KubeApi, 'get' | 'create' | 'replace' | 'delete'>;
  /** Our reports; `hasSynced` is false as long as the API server serves no such type. */
  readonly mirror: {
    readonly hasSynced: boolean;
    readonly store: Pick<ObjectView<PolicyReport>, 'get' | 'byIndex'>;
  };
  readonly clock: Clock;
  /** False where reports are switched off. */
  readonly enabled: boolean;
  /** Told of every write. */
  readonly onWrite: () => void;
}

/** Writes one report for every top-level workload, and only where it says anything new. */
export class ReportStore {
  readonly #options: ReportStoreOptions;

  constructor(options: ReportStoreOptions) {
    this.#options = options;
  }

  /** Whether reports can be written now. */
  get available(): boolean {
    return this.#options.enabled && this.#options.mirror.hasSynced;
  }

  /**
   * Brings the report of a workload in line with its results; without any there is no report. Answers
   * the report that was there before. Throws a conflict where somebody else wrote meanwhile.
   */
  async write(
    key: string,
    workload: WorkloadObject,
    results: readonly ReportResult[],
  ): Promise<PolicyReport | undefined> {
    if (!this.available) return undefined;
    const { mirror, clock } = this.#options;
    const name = reportName(workload);
    const { namespace = '' } = workload.metadata;
    const before = mirror.store.get(`${namespace}/${name}`);
    await this.removeStale(key, name);
    if (results.length === 0) {
      if (before !== undefined) await this.#delete(before);
      return before;
    }
    const next = reportOf(workload, results, { before, now: clock.now() });
    if (before === undefined) await this.#create(next);
    else if (!sameReport(before, next)) await this.#replace(next);
    return before;
  }

  /** Removes the reports about a key, except the one of this name: of a workload that is gone or owned. */
  async removeStale(key: string, except?: string): Promise<void> {
    if (!this.available) return;
    for (const report of this.#options.mirror.store.byIndex('workload', key)) {
      if (report.metadata.name !== except) await this.#delete(report);
    }
  }

  /** Where one of the name is there that the mirror does not show (its label was taken), it is replaced. */
  async #create(report: PolicyReport): Promise<void> {
    const { api, onWrite } = this.#options;
    try {
      await api.create(pathTo({ ...report.metadata, name: undefined }), report);
      onWrite();
    } catch (thrown) {
      if (!isStatus(thrown, 409)) throw thrown;
      const hidden = await api.get<PolicyReport>(pathTo(report.metadata));
      if (hidden === undefined) throw thrown;
      const { resourceVersion = '' } = hidden.metadata;
      await this.#replace({ ...report, metadata: { ...report.metadata, resourceVersion } });
    }
  }

  async #replace(report: PolicyReport): Promise<void> {
    const { api, onWrite } = this.#options;
    await api.replace(pathTo(report.metadata), report);
    onWrite();
  }

  async #delete(report: PolicyReport): Promise<void> {
    const { api, onWrite } = this.#options;
    if (await api.delete(pathTo(report.metadata))) onWrite();
  }
}

function pathTo({
  namespace,
  name,
}: {
  readonly namespace?: string;
  readonly name: string | undefined;
}): string {
  return pathOf(RESOURCES.reports, {
    ...(namespace === undefined ? {} : { namespace }),
    ...(name === undefined ? {} : { name }),
  });
}

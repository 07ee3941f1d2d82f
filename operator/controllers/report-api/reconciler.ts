// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { isStatus, type Resource } from '../../../runtime/kube/index.ts';
import type { Logger } from '../../../runtime/log/index.ts';
import type { ReconcileResult } from '../../../runtime/queue/index.ts';
import {
  chooseReportApi,
  REPORT_APIS,
  REPORT_SELECTOR,
  servedReportApis,
  type PolicyReport,
  type ReportApiSetting,
  type ReportCollection,
  type ReportWriter,
} from '../../reporting/index.ts';
import { pathOf, type KubeApi } from '../../state/resources.ts';

/** What choosing the API of reports needs. */
export interface ReportApiReconcilerOptions {
  readonly api: Pick<KubeApi, 'get' | 'list'>;
  readonly setting: ReportApiSetting;
  readonly collection: Pick<ReportCollection, 'api' | 'target' | 'use'>;
  readonly writer: Pick<ReportWriter, 'delete'>;
  /** Tells once of reports that could not be written. */
  readonly store: { takeMissed(): boolean };
  /** Told when they can be. */
  readonly onAvailable: () => void;
  readonly logger: Logger;
}

/** Between two looks while no report can be written, and while all is well. */
const LOOK_MS = { missing: 15_000, served: 60_000 };
const PAGE = 500;
/** The label alone does not make a report ours: its name does, too. */
const OURS = /^countersign(?:-[0-9a-f]{16})?$/;

/** Decides in which API reports are written, and takes ours away from where they are not. There is one key. */
export class ReportApiReconciler {
  readonly #options: ReportApiReconcilerOptions;
  #told: string | undefined;

  constructor(options: ReportApiReconcilerOptions) {
    this.#options = options;
  }

  /** Looks at what is served. Throws where the API server cannot be asked, or a deletion failed. */
  async reconcile(signal: AbortSignal): Promise<ReconcileResult> {
    const { api, setting, collection, store, onAvailable } = this.#options;
    const served = await servedReportApis(api);
    const next = chooseReportApi(setting, served, collection.api);
    this.#tell(next?.name ?? 'none');
    collection.use(next);
    if (collection.target !== undefined && store.takeMissed()) onAvailable();
    for (const other of served) {
      if (other === next) continue;
      await this.#clear(other.reports, signal);
      await this.#clear(other.clusterReports, signal);
    }
    const isFine = setting === 'none' || collection.target !== undefined;
    return { requeueAfterMs: isFine ? LOOK_MS.served : LOOK_MS.missing };
  }

  #tell(name: string): void {
    const { logger, setting } = this.#options;
    if (name === this.#told) return;
    this.#told = name;
    if (setting === 'none') logger.info('reports are switched off');
    else if (name !== 'none') logger.info('reports are written', { api: name });
    else {
      const groups = REPORT_APIS.filter((one) => setting === 'auto' || setting === one.name);
      const wanted = groups.map(({ reports }) => `${reports.group}/${reports.version}`);
      logger.warn('no reports can be written: the API server serves no such type', { wanted });
    }
  }

  /** Deletes our reports of one kind, each as it was listed. */
  async #clear(resource: Resource, signal: AbortSignal): Promise<void> {
    const { api, writer } = this.#options;
    let next = '';
    do {
      const list = { limit: PAGE, labelSelector: REPORT_SELECTOR, continue: next };
      const page = await api.list<PolicyReport>(pathOf(resource), list).catch((thrown: unknown) => {
        // One of the two types may be missing.
        if (isStatus(thrown, 404)) return undefined;
        throw thrown;
      });
      for (const report of page?.items ?? []) {
        signal.throwIfAborted();
        if (OURS.test(report.metadata.name)) await writer.delete(resource, report);
      }
      next = page?.metadata.continue ?? '';
    } while (next !== '');
  }
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Clock } from '../../../runtime/clock.ts';
import {
  saidOf,
  sameReport,
  type PolicyReport,
  type ReportCollection,
  type ReportResult,
  type ReportWriter,
} from '../../reporting/index.ts';
import type { WorkloadObject } from './objects.ts';
import { reportName, reportOf } from './report.ts';

/** What writing reports needs. */
export interface ReportStoreOptions {
  readonly collection: Pick<ReportCollection, 'target'>;
  readonly writer: ReportWriter;
  readonly clock: Clock;
}

/** Writes one report for every top-level workload, and only where it says anything new. */
export class ReportStore {
  readonly #options: ReportStoreOptions;
  /** What reports were replaced to say, by place, until the mirror shows it. */
  readonly #sent = new Map<string, string>();
  #missed = false;

  constructor(options: ReportStoreOptions) {
    this.#options = options;
  }

  /** Whether reports can be written now. */
  get available(): boolean {
    return this.#options.collection.target !== undefined;
  }

  /** Whether anything could not be written since this was asked last. */
  takeMissed(): boolean {
    const missed = this.#missed;
    this.#missed = false;
    return missed;
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
    const { collection, writer, clock } = this.#options;
    const { target } = collection;
    if (target === undefined) {
      this.#missed = true;
      return undefined;
    }
    const { api, reports } = target;
    const name = reportName(workload);
    const { namespace = '' } = workload.metadata;
    const before = reports.get(`${namespace}/${name}`);
    await this.removeStale(key, name);
    if (results.length === 0) {
      if (before !== undefined) await writer.delete(api.reports, before);
      return before;
    }
    const next = reportOf(workload, results, { api, before, now: clock.now() });
    const place = placeOf(next);
    if (before !== undefined && !sameReport(before, next)) this.#sent.set(place, saidOf(next));
    try {
      await writer.put(api.reports, next, before);
    } catch (thrown) {
      this.#sent.delete(place);
      throw thrown;
    }
    return before;
  }

  /** Whether a report changed because it was replaced here; to be asked once for each change. */
  isOwn(report: PolicyReport): boolean {
    const place = placeOf(report);
    const sent = this.#sent.get(place);
    this.#sent.delete(place);
    return sent !== undefined && sent === saidOf(report);
  }

  /** Removes the reports about a key, except the one of this name: of a workload that is gone or owned. */
  async removeStale(key: string, except?: string): Promise<void> {
    const { collection, writer } = this.#options;
    const { target } = collection;
    if (target === undefined) return;
    for (const report of target.reports.byIndex('workload', key)) {
      if (report.metadata.name !== except) await writer.delete(target.api.reports, report);
    }
  }
}

function placeOf({ metadata: { namespace = '', name } }: PolicyReport): string {
  return `${namespace}/${name}`;
}

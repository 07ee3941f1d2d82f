// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import pLimit from 'p-limit';
import { isStatus, type KubeObject, type Resource } from '../../runtime/kube/index.ts';
import { pathOf, type KubeApi } from '../state/resources.ts';
import { sameReport, type PolicyReport } from './report.ts';

/** What a write of a report came to. */
export type ReportWrite = 'created' | 'replaced' | 'deleted' | 'failed';

/** What writing needs. */
export interface ReportWriterOptions {
  readonly api: Pick<KubeApi, 'get' | 'create' | 'replace' | 'delete'>;
  /** Told of every write, and of every one that failed. */
  readonly onWrite: (outcome: ReportWrite) => void;
}

/**
 * Writes under way at the same time. An API server answers slowly where it has much to do: more at once
 * would only make it slower, and keep others waiting for a connection.
 */
const MOST_WRITES = 8;

/**
 * Writes reports, and only what says anything new. No write goes without a condition: it creates, or
 * it names the version that it replaces or deletes. A conflict is thrown: the mirror is behind.
 */
export class ReportWriter {
  readonly #options: ReportWriterOptions;
  readonly #gate = pLimit(MOST_WRITES);

  constructor(options: ReportWriterOptions) {
    this.#options = options;
  }

  /** Makes the report that there is into the next one; `before` is what the mirror shows of it. */
  async put(resource: Resource, next: PolicyReport, before?: PolicyReport): Promise<void> {
    if (before === undefined) await this.#gate(() => this.#create(resource, next));
    else if (!sameReport(before, next))
      await this.#gate(() => this.#replace(resource, next, before));
  }

  /** Deletes a report as it was seen; one that is gone is fine. */
  async delete(resource: Resource, report: KubeObject): Promise<void> {
    const { api } = this.#options;
    const { uid, resourceVersion } = report.metadata;
    const preconditions = {
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    };
    const path = pathTo(resource, report);
    await this.#gate(() => this.#told('deleted', () => api.delete(path, { preconditions })));
  }

  /** Where one of the name is there that the mirror does not show (its label was taken), it is replaced. */
  async #create(resource: Resource, report: PolicyReport): Promise<void> {
    const { api, onWrite } = this.#options;
    const { namespace } = report.metadata;
    try {
      await api.create(pathOf(resource, namespace === undefined ? {} : { namespace }), report);
      onWrite('created');
    } catch (thrown) {
      if (!isStatus(thrown, 409)) {
        onWrite('failed');
        throw thrown;
      }
      const hidden = await api.get<PolicyReport>(pathTo(resource, report));
      if (hidden === undefined) throw thrown;
      await this.#replace(resource, report, hidden);
    }
  }

  async #replace(resource: Resource, next: PolicyReport, before: PolicyReport): Promise<void> {
    const { api } = this.#options;
    const { resourceVersion = '' } = before.metadata;
    // An empty version would be no condition at all.
    if (resourceVersion === '') throw new Error('a report without resourceVersion');
    const body = { ...next, metadata: { ...next.metadata, resourceVersion } };
    await this.#told('replaced', () => api.replace(pathTo(resource, next), body));
  }

  /** Something that is gone was not written, and is no failure. */
  async #told(outcome: ReportWrite, write: () => Promise<unknown>): Promise<void> {
    const { onWrite } = this.#options;
    try {
      if ((await write()) !== false) onWrite(outcome);
    } catch (thrown) {
      onWrite('failed');
      throw thrown;
    }
  }
}

function pathTo(resource: Resource, { metadata: { name, namespace } }: KubeObject): string {
  return pathOf(resource, { name, ...(namespace === undefined ? {} : { namespace }) });
}

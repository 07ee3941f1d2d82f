// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { waitFor } from '../../harness/index.ts';
import type { Report, ReportResult } from '../../story/index.ts';
import {
  ProcessComponent,
  startWorld,
  type Component,
  type ComponentOptions,
  type World,
} from '../../world/index.ts';

/** The definitions of OpenReports, as its project publishes them. Not part of this repository. */
const OPENREPORTS = join(
  import.meta.dirname,
  '../../../../shared/crds-upstream/openreports.io_v1alpha1',
);
const OURS = 'app.kubernetes.io/managed-by=countersign';

/** A report as it is stored. */
export type StoredReport = Omit<Report, 'results' | 'metadata'> & {
  readonly source?: string;
  readonly metadata: Report['metadata'] & {
    readonly namespace?: string;
    readonly uid: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly ownerReferences?: readonly { readonly kind: string; readonly uid: string }[];
  };
  readonly results?: readonly (ReportResult & {
    readonly scored?: boolean;
    readonly severity?: string;
    readonly resources?: readonly { readonly kind: string; readonly name: string }[];
  })[];
};

/** What the status of a policy says of workloads. */
export interface Impact {
  readonly workloads: number;
  readonly verified: number;
  readonly rejected: number;
  readonly inconclusive: number;
  readonly exempt: number;
  readonly wouldDeny: number;
  readonly sample: readonly string[];
}

/** A world whose operator can be started again with other settings. */
export class ReportStage {
  readonly world: World;
  readonly #options: ComponentOptions;
  #operator: Component;

  private constructor(world: World, options: ComponentOptions) {
    this.world = world;
    this.#options = options;
    this.#operator = world.operator;
  }

  /** Starts the world, without nodes. */
  static async start(): Promise<ReportStage> {
    const made: ComponentOptions[] = [];
    const component = (options: ComponentOptions): Component => {
      made.push(options);
      return new ProcessComponent(options);
    };
    const world = await startWorld({ nodes: 0, component });
    const options = made.find(({ name }) => name === 'operator');
    if (options === undefined) throw new Error('no operator was made');
    return new ReportStage(world, options);
  }

  /** The operator that runs now. */
  get operator(): Component {
    return this.#operator;
  }

  /** Ends the operator, and starts one with these settings besides its own. */
  async restart(env: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.#operator.stop();
    const { env: own } = this.#options;
    this.#operator = new ProcessComponent({ ...this.#options, env: { ...own, ...env } });
    await this.#operator.start();
    await this.#operator.ready();
  }

  /** Whether the definitions of OpenReports are there to be applied. */
  static get hasOpenReports(): boolean {
    return existsSync(OPENREPORTS);
  }

  async applyOpenReports(): Promise<void> {
    const { kubectl } = this.world;
    for (const file of readdirSync(OPENREPORTS))
      await kubectl.apply(readFileSync(join(OPENREPORTS, file), 'utf8'), { serverSide: true });
    for (const name of ['reports', 'clusterreports'])
      await kubectl.must([
        'wait',
        '--for=condition=Established',
        '--timeout=20s',
        `crd/${name}.openreports.io`,
      ]);
  }

  /** Our reports of a kind. */
  async ours(kind: string): Promise<readonly StoredReport[]> {
    return await this.world.kubectl.list<StoredReport>(kind, undefined, OURS);
  }

  /** `result` of each result of a workload in a namespace; `undefined` without a report. */
  async told(kind: string, namespace: string, name: string): Promise<string | undefined> {
    const reports = await this.ours(kind);
    const found = reports.find((r) => r.scope?.name === name && r.metadata.namespace === namespace);
    return found?.results?.map(({ result }) => result).join(' ');
  }

  /** The results about the cluster, as `result policy rule`. */
  async clusterResults(kind = 'clusterpolicyreports'): Promise<StoredReport['results'] & object> {
    return (await this.ours(kind))[0]?.results ?? [];
  }

  async impactOf(policy: string): Promise<Impact | undefined> {
    const found = await this.world.kubectl.get<{ status?: { impact?: Impact } }>(
      'imagetrustpolicy',
      policy,
    );
    return found.status?.impact;
  }

  /** Waits until `ask` answers this, and tells what it answered instead. */
  async becomes(ask: () => Promise<unknown>, wanted: unknown, timeoutMs = 15_000): Promise<void> {
    let seen: unknown;
    await waitFor(
      async () => {
        seen = await ask();
        return JSON.stringify(seen) === JSON.stringify(wanted);
      },
      { timeoutMs, message: JSON.stringify(wanted), intervalMs: 200 },
    ).catch((cause: unknown) => {
      const log = this.#operator.logTail(20);
      throw new Error(`seen: ${JSON.stringify(seen)}\n${log}`, { cause });
    });
  }

  /** Writes of reports and policies that the API server has taken since it started. */
  async writes(): Promise<number> {
    const text = await this.world.kubectl.must(['get', '--raw', '/metrics']);
    const lines = text.split('\n').filter((line) => {
      const [labels = ''] = line.split('} ');
      return (
        line.startsWith('apiserver_request_total{') &&
        /group="(?:wgpolicyk8s\.io|openreports\.io|countersign\.dev)"/.test(labels) &&
        /verb="(?:POST|PUT|PATCH|APPLY|DELETE|DELETECOLLECTION)"/.test(labels)
      );
    });
    return lines.reduce((sum, line) => sum + Number(line.split('} ')[1]), 0);
  }

  /** A sample of the operator's metrics; `undefined` where there is none. */
  async metric(name: string): Promise<number | undefined> {
    const { body } = await this.#operator.probe('/metrics');
    const line = body.split('\n').find((one) => one.startsWith(`countersign_${name} `));
    return line === undefined ? undefined : Number(line.split(' ')[1]);
  }

  async stop(): Promise<void> {
    await this.#operator.stop();
    await this.world.stop();
  }
}

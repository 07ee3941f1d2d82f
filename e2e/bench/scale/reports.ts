// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { systemClock } from '../../../runtime/clock.ts';
import {
  KubeClient,
  Reflector,
  type KubeObject,
  type PooledKubeConfig,
} from '../../../runtime/kube/index.ts';
import { silentLogger } from '../../../runtime/log/index.ts';
import { waitFor } from '../../harness/index.ts';
import { reportLine, workloadKey } from './table.ts';

interface ReportObject extends KubeObject {
  readonly scope?: { readonly kind: string; readonly namespace: string; readonly name: string };
  readonly results?: readonly {
    readonly result: string;
    readonly properties: Readonly<Record<string, string>>;
  }[];
}

interface Line extends KubeObject {
  readonly key: string;
  readonly said: string;
}

const RESOURCE = { group: 'wgpolicyk8s.io', version: 'v1alpha2', plural: 'policyreports' };

/** Follows all reports of the cluster and holds them to a table. */
export class ReportWatch {
  readonly #reflector: Reflector<KubeObject>;
  readonly #client: KubeClient;
  #expected: ReadonlyMap<string, string> = new Map();
  readonly #wrong = new Set<string>();
  readonly #said = new Map<string, string>();
  #equalAt: number | undefined;

  constructor(config: PooledKubeConfig) {
    this.#client = new KubeClient(config);
    this.#reflector = new Reflector<KubeObject>({
      client: this.#client,
      clock: systemClock,
      logger: silentLogger,
      resource: RESOURCE,
      transform: (report) => lineOf(report),
    });
    this.#reflector.store.onChange((_key, current, previous) => {
      const { key, said } = (current ?? previous) as Line;
      if (current === undefined) this.#said.delete(key);
      else this.#said.set(key, said);
      this.#compare(key);
    });
    this.#reflector.start();
  }

  /** From now on this is what reports must say, by workload. */
  expect(expected: ReadonlyMap<string, string>): void {
    this.#expected = expected;
    this.#equalAt = undefined;
    this.#wrong.clear();
    for (const key of new Set([...expected.keys(), ...this.#said.keys()])) this.#compare(key);
  }

  /** Waits until all reports are as the table says; answers when that was (`performance.now`). */
  async untilEqual(timeoutMs: number): Promise<number> {
    await waitFor(() => this.#equalAt !== undefined && this.#wrong.size === 0, {
      timeoutMs,
      intervalMs: 100,
      message: 'reports as in the table',
    }).catch((error: unknown) => {
      throw new Error(this.#difference(), { cause: error });
    });
    return this.#equalAt ?? Number.NaN;
  }

  /** Reads all reports once more, apart from the watch; throws where one differs, is missing or is too much. */
  async assertEqual(): Promise<void> {
    const found = new Map<string, string>();
    let next = '';
    do {
      const path = '/apis/wgpolicyk8s.io/v1alpha2/policyreports';
      const page = await this.#client.list<ReportObject>(path, { limit: 500, continue: next });
      for (const { key, said } of page.items.map(lineOf)) {
        if (found.has(key)) throw new Error(`two reports for ${key}`);
        found.set(key, said);
      }
      next = page.metadata.continue ?? '';
    } while (next !== '');
    for (const [key, said] of found)
      if (this.#expected.get(key) !== said) throw new Error(`${key}: ${said}`);
    if (found.size !== this.#expected.size) throw new Error('reports are missing');
  }

  async stop(): Promise<void> {
    await this.#reflector.stop();
  }

  #compare(key: string): void {
    if (this.#expected.get(key) === this.#said.get(key)) this.#wrong.delete(key);
    else this.#wrong.add(key);
    this.#equalAt = this.#wrong.size === 0 ? performance.now() : undefined;
  }

  #difference(): string {
    const some = [...this.#wrong].slice(0, 5).map((key) => {
      const expected = this.#expected.get(key) ?? 'nothing';
      return `${key}\nexpected: ${expected}\nfound:    ${this.#said.get(key) ?? 'nothing'}`;
    });
    return `${this.#wrong.size.toString()} reports differ from the table\n${some.join('\n')}`;
  }
}

function lineOf(report: ReportObject): Line {
  const { name, namespace = '', uid, resourceVersion } = report.metadata;
  const scope = report.scope ?? { kind: 'none', namespace, name };
  const said = (report.results ?? [])
    .map(({ result, properties }) =>
      reportLine({
        container: properties['container'] ?? '',
        digest: properties['digest'] ?? '',
        result,
        reason: properties['reason'] ?? '',
      }),
    )
    .sort()
    .join('\n');
  const versions = {
    ...(uid === undefined ? {} : { uid }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
  };
  return { metadata: { name, namespace, ...versions }, key: workloadKey(scope), said };
}

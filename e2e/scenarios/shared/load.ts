// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { KubeClient, KubeError, loadKubeConfig } from '../../../runtime/kube/index.ts';
import { pod } from '../../world/index.ts';

/** What load consists of. */
export interface LoadOptions {
  readonly kubeconfig: string;
  readonly namespace: string;
  /** Images of pods that must be admitted. */
  readonly admitted: readonly string[];
  /** Images of pods that must be denied by us, with this code. */
  readonly denied: readonly { readonly image: string; readonly code: string }[];
}

/** What came of it. */
export interface LoadResult {
  readonly admissions: number;
  readonly denials: number;
  /** Whatever was answered otherwise. */
  readonly failures: readonly string[];
}

const WORKERS = 2;

/** Pods asked for all along, as dry runs: each is judged by the real webhooks. */
export class Load {
  readonly #options: LoadOptions;
  readonly #connection: ReturnType<typeof loadKubeConfig>;
  readonly #client: KubeClient;
  readonly #workers: readonly Promise<void>[];
  readonly #failures: string[] = [];
  #admissions = 0;
  #denials = 0;
  #running = true;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#connection = loadKubeConfig({ kubeconfigPath: options.kubeconfig });
    this.#client = new KubeClient(this.#connection);
    this.#workers = Array.from({ length: WORKERS }, () => this.#work());
  }

  /** Requests that were answered as they must be, so far. */
  get answered(): number {
    return this.#admissions + this.#denials;
  }

  async stop(): Promise<LoadResult> {
    this.#running = false;
    await Promise.all(this.#workers);
    await this.#connection.close();
    return { admissions: this.#admissions, denials: this.#denials, failures: this.#failures };
  }

  async #work(): Promise<void> {
    const { admitted, denied } = this.#options;
    while (this.#running) {
      for (const image of admitted) {
        const answer = await this.#ask(image);
        if (answer === undefined) this.#admissions += 1;
        else this.#failures.push(answer);
      }
      for (const { image, code } of denied) {
        const answer = (await this.#ask(image)) ?? 'admitted what had to be denied';
        if (answer.includes('denied the request') && answer.includes(code)) this.#denials += 1;
        else this.#failures.push(answer);
      }
    }
  }

  /** What is wrong with a pod; undefined where it is admitted. */
  async #ask(image: string): Promise<string | undefined> {
    const { namespace } = this.#options;
    try {
      await this.#client.create(
        `/api/v1/namespaces/${namespace}/pods`,
        pod({ name: 'load', namespace, image }),
        { query: { dryRun: 'All' } },
      );
      return undefined;
    } catch (thrown) {
      if (thrown instanceof KubeError) return `${new Date().toISOString()} ${thrown.message}`;
      throw thrown;
    }
  }
}

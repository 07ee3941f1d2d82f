// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import {
  FLUX_NAMESPACE,
  waitFor,
  type Kubectl,
  type KubernetesObject,
} from '../../harness/index.ts';

/** A Kustomization of Flux as it stands. */
export interface Kustomization extends KubernetesObject {
  readonly spec: Readonly<Record<string, unknown>>;
  readonly status?: {
    readonly observedGeneration?: number;
    readonly conditions?: readonly FluxCondition[];
    readonly lastAppliedRevision?: string;
    readonly lastAttemptedRevision?: string;
    readonly lastHandledReconcileAt?: string;
    readonly inventory?: { readonly entries: readonly { readonly id: string }[] };
  };
}

interface FluxCondition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
  readonly lastTransitionTime: string;
}

const GUIDE: string = join(
  import.meta.dirname,
  ...['..', '..', '..', 'docs', 'guides', 'gitops.md'],
);

/** The objects of Flux that the guide shows, as it shows them. */
export function objectsOfGuide(): readonly KubernetesObject[] {
  const blocks = readFileSync(GUIDE, 'utf8').matchAll(/^```yaml\n(.*?)^```$/gms);
  return [...blocks]
    .flatMap(([, text = '']) => parseAllDocuments(text))
    .map((document) => document.toJS() as KubernetesObject)
    .filter(({ apiVersion = '' }) => apiVersion.includes('.toolkit.fluxcd.io/'));
}

/** Reads the Ready condition of a Kustomization; `undefined` before the first look. */
export function readyOf({ status }: Kustomization): FluxCondition | undefined {
  return status?.conditions?.find(({ type }) => type === 'Ready');
}

/** Follows Kustomizations. */
export class Kustomizations {
  readonly #kubectl: Kubectl;

  constructor(kubectl: Kubectl) {
    this.#kubectl = kubectl;
  }

  /** Reads one. */
  get(name: string): Promise<Kustomization> {
    return this.#kubectl.get<Kustomization>('kustomization.kustomize', name, FLUX_NAMESPACE);
  }

  /** Waits until it says yes or no about a revision that it tried, and returns what it says. */
  async verdict(name: string, revision: string, timeoutMs = 60_000): Promise<FluxCondition> {
    return this.#until(name, timeoutMs, (kustomization) => {
      const ready = readyOf(kustomization);
      const tried = kustomization.status?.lastAttemptedRevision === revision;
      return tried && ready !== undefined && ready.status !== 'Unknown' ? ready : undefined;
    });
  }

  /** Waits until it is Ready with a revision. */
  async ready(name: string, revision: string, timeoutMs = 90_000): Promise<FluxCondition> {
    return this.#until(name, timeoutMs, (kustomization) => {
      const ready = readyOf(kustomization);
      const applied = kustomization.status?.lastAppliedRevision === revision;
      return applied && ready?.status === 'True' ? ready : undefined;
    });
  }

  /** Has it reconciled at once, and waits until that is done and Ready. */
  async again(name: string): Promise<void> {
    const at = new Date().toISOString();
    const value = `reconcile.fluxcd.io/requestedAt=${at}`;
    const options = { namespace: FLUX_NAMESPACE };
    await this.#kubectl.must(
      ['annotate', '--overwrite', 'kustomization.kustomize', name, value],
      options,
    );
    await this.#until(name, 60_000, (kustomization) => {
      const done = kustomization.status?.lastHandledReconcileAt === at;
      return done && readyOf(kustomization)?.status === 'True' ? true : undefined;
    });
  }

  async #until<T>(
    name: string,
    timeoutMs: number,
    ask: (kustomization: Kustomization) => T | undefined,
  ): Promise<T> {
    let seen: Kustomization | undefined;
    try {
      const answer = await waitFor<T | undefined>(
        async () => {
          seen = await this.get(name);
          return ask(seen);
        },
        { timeoutMs, intervalMs: 500, message: `Kustomization ${name}` },
      );
      return answer;
    } catch (error) {
      throw new Error(`${name}: ${JSON.stringify(seen?.status)}`, { cause: error });
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type * as KubeModule from '../../runtime/kube/index.ts';
import type { KubeClient, KubeObject, PooledKubeConfig } from '../../runtime/kube/index.ts';
import { UsageError } from '../usage-error.ts';
import { ClusterError, type Cluster, type ClusterOptions } from './cluster.ts';

type Kube = typeof KubeModule;

const PAGE = 500;
const MAX_ITEMS = 50_000;
const SELF = { group: 'authentication.k8s.io', version: 'v1', plural: 'selfsubjectreviews' };

interface SelfSubjectReview extends KubeObject {
  readonly status?: { readonly userInfo?: { readonly username?: string } };
}

/**
 * Opens a cluster by a kubeconfig. The client is loaded here and nowhere else in this program: commands
 * that need no cluster do not wait for it. Throws UsageError where the kubeconfig cannot be used.
 */
export async function openCluster(options: ClusterOptions): Promise<Cluster> {
  const kube = await import('../../runtime/kube/index.ts');
  const config = configOf(kube, options);
  const client = new kube.KubeClient(config, options.clock);
  return clusterOf({ kube, config, client, call: { timeoutMs: options.timeoutMs } });
}

function configOf(kube: Kube, { kubeconfig, context, as }: ClusterOptions): PooledKubeConfig {
  try {
    const config = kube.loadKubeConfig({
      ...(kubeconfig === undefined ? {} : { kubeconfigPath: kubeconfig }),
      ...(context === undefined ? {} : { context }),
      ...(as === undefined ? {} : { impersonate: as }),
    });
    if (config.server !== '') return config;
    throw new Error('kubeconfig: the cluster has no server');
  } catch (thrown) {
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    throw new UsageError(`the kubeconfig cannot be used: ${message}`, { cause: thrown });
  }
}

interface Parts {
  readonly kube: Kube;
  readonly config: PooledKubeConfig;
  readonly client: KubeClient;
  readonly call: { readonly timeoutMs: number };
}

function clusterOf({ kube, config, client, call }: Parts): Cluster {
  const { resourcePath: pathOf } = kube;
  const told = async <T>(step: Promise<T>): Promise<T> => {
    try {
      return await step;
    } catch (thrown) {
      throw errorOf(kube, thrown);
    }
  };
  const me = { user: undefined as Promise<string> | undefined };
  return {
    namespace: config.namespace ?? 'default',
    get: async (address) => await told(client.get(pathOf(address), call)),
    list: async (address, selector = '') =>
      await told(
        allPages(async (next) => {
          const page = { limit: PAGE, continue: next, labelSelector: selector };
          return await client.list(pathOf(address), page, call);
        }),
      ),
    create: async (address, body) => await told(client.create(pathOf(address), body, call)),
    patch: async (address, body, { type, fieldManager, force, dryRun }) =>
      await told(
        client.patch(pathOf(address), body, type, {
          ...call,
          ...(fieldManager === undefined ? {} : { fieldManager }),
          ...(force === undefined ? {} : { force }),
          ...(dryRun === true ? { query: { dryRun: 'All' } } : {}),
        }),
      ),
    delete: async (address, { metadata: { uid, resourceVersion } }) => {
      if (uid === undefined || resourceVersion === undefined)
        throw new ClusterError(0, 'the object to delete was never read');
      return await told(
        client.delete(pathOf(address), { ...call, preconditions: { uid, resourceVersion } }),
      );
    },
    whoAmI: async () => {
      me.user ??= told(callerOf(client, pathOf(SELF), call));
      return await me.user;
    },
    close: async () => {
      await config.close();
    },
  };
}

async function allPages<T>(
  pageAt: (next: string) => Promise<{
    readonly items: readonly T[];
    readonly metadata: { readonly continue?: string };
  }>,
): Promise<readonly T[]> {
  const items: T[] = [];
  let next = '';
  do {
    const page = await pageAt(next);
    items.push(...page.items);
    next = page.metadata.continue ?? '';
  } while (next !== '' && items.length < MAX_ITEMS);
  if (next !== '')
    throw new Error(`there are more than ${MAX_ITEMS.toString()} objects: name a namespace`);
  return items;
}

async function callerOf(
  client: KubeClient,
  path: string,
  call: { readonly timeoutMs: number },
): Promise<string> {
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' };
  const review = await client.create<SelfSubjectReview>(path, body, call);
  const user = review.status?.userInfo?.username ?? '';
  if (user === '') throw new Error('the API server does not say who the caller is');
  return user;
}

function errorOf(kube: Kube, thrown: unknown): ClusterError {
  const cause = { cause: thrown };
  if (!(thrown instanceof kube.KubeError)) {
    return new ClusterError(0, thrown instanceof Error ? thrown.message : String(thrown), cause);
  }
  const { status, message, objectName } = thrown;
  if (status === 0) return new ClusterError(0, `the API server did not answer: ${message}`, cause);
  const isKindMissing = status === 404 && (objectName ?? '') === '';
  const hint = isKindMissing ? ' (is Countersign installed there?)' : '';
  return new ClusterError(status, `${message}${hint}`, cause);
}

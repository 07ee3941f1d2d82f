// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { KubeClient, type PooledKubeConfig } from '../../../runtime/kube/index.ts';
import { waitFor, type KubernetesObject } from '../../harness/index.ts';
import { deployment, namespace, pod, type World } from '../../world/index.ts';
import { inParallel } from './parallel.ts';
import { namespaceOf, NAMESPACES, PODS, type ScaleWorkload } from './table.ts';

const CREATES = 32;
const PLURALS = {
  Pod: 'api/v1/namespaces/*/pods',
  Deployment: 'apis/apps/v1/namespaces/*/deployments',
  StatefulSet: 'apis/apps/v1/namespaces/*/statefulsets',
  DaemonSet: 'apis/apps/v1/namespaces/*/daemonsets',
  Job: 'apis/batch/v1/namespaces/*/jobs',
} as const;

/** Makes the namespaces, with the service account that pods need. */
export async function makeNamespaces(world: World): Promise<void> {
  const names = Array.from({ length: NAMESPACES }, (_, n) => namespaceOf(n));
  await world.kubectl.apply(names.map((name) => namespace(name)));
  await waitFor(
    async () => {
      const accounts = await world.kubectl.list('serviceaccounts');
      const has = new Set(accounts.map((a) => a.metadata?.namespace));
      return names.every((name) => has.has(name));
    },
    { timeoutMs: 30_000, message: 'service accounts' },
  );
}

/** Makes the workloads and waits until all pods run. */
export async function makeWorkloads(
  world: World,
  config: PooledKubeConfig,
  workloads: readonly (ScaleWorkload & { readonly images: Readonly<Record<string, string>> })[],
): Promise<void> {
  const client = new KubeClient(config);
  const nodes = world.kwok?.nodes ?? [];
  await inParallel([...workloads.entries()], CREATES, async ([n, workload]) => {
    const path = `/${PLURALS[workload.kind].replace('*', workload.namespace)}`;
    const object = objectOf(workload, nodes[n % nodes.length] ?? '');
    await client.create(path, object, { timeoutMs: 30_000 });
  });
  await waitFor(async () => (await runningPods(client)) >= PODS, {
    timeoutMs: 900_000,
    intervalMs: 2_000,
    message: 'all pods running',
  });
}

async function runningPods(client: KubeClient): Promise<number> {
  let count = 0;
  let next = '';
  do {
    const page = await client.list<Required<Pick<KubernetesObject, 'kind'>> & PodLike>(
      '/api/v1/pods',
      { limit: 500, continue: next, fieldSelector: 'status.phase=Running' },
    );
    count += page.items.filter((item) => item.metadata.namespace?.startsWith('scale-')).length;
    next = page.metadata.continue ?? '';
  } while (next !== '');
  return count;
}

interface PodLike {
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

function objectOf(
  workload: ScaleWorkload & { readonly images: Readonly<Record<string, string>> },
  node: string,
): KubernetesObject {
  const { kind, name, pods } = workload;
  const containers = Object.entries(workload.images).map(([container, image]) => ({
    name: container,
    image,
  }));
  const common = { name, namespace: workload.namespace, containers };
  if (kind === 'Pod') {
    const bare = pod(common);
    return { ...bare, spec: { ...(bare['spec'] as object), nodeName: node } };
  }
  const made = deployment({ ...common, replicas: pods });
  const { selector, template } = made['spec'] as { selector: object; template: TemplateLike };
  switch (kind) {
    case 'Deployment':
      return made;
    case 'StatefulSet': {
      const spec = { replicas: pods, serviceName: name, podManagementPolicy: 'Parallel' };
      return { ...made, kind, spec: { ...spec, selector, template } };
    }
    case 'DaemonSet':
      return { ...made, kind, spec: { selector, template } };
    case 'Job': {
      const never = { ...template, spec: { ...template.spec, restartPolicy: 'Never' } };
      const spec = { parallelism: pods, completions: pods, template: never };
      return { ...made, apiVersion: 'batch/v1', kind, spec };
    }
  }
}

interface TemplateLike {
  readonly spec: object;
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { KubernetesObject } from '../../harness/index.ts';
import { pod } from '../../world/index.ts';

/** A kind that makes pods, or the pod itself. */
export interface Kind {
  readonly apiVersion: string;
  readonly kind: string;
}

/** What a workload of a test is made of. */
export interface WorkloadOptions {
  readonly name: string;
  readonly namespace: string;
  readonly image: string;
}

/** The kinds that Kubernetes has. */
export const KINDS: readonly Kind[] = [
  { apiVersion: 'v1', kind: 'Pod' },
  { apiVersion: 'v1', kind: 'ReplicationController' },
  { apiVersion: 'apps/v1', kind: 'Deployment' },
  { apiVersion: 'apps/v1', kind: 'StatefulSet' },
  { apiVersion: 'apps/v1', kind: 'DaemonSet' },
  { apiVersion: 'apps/v1', kind: 'ReplicaSet' },
  { apiVersion: 'batch/v1', kind: 'Job' },
  { apiVersion: 'batch/v1', kind: 'CronJob' },
];

/** A workload of a kind with one pod. */
export function workloadOf({ apiVersion, kind }: Kind, options: WorkloadOptions): KubernetesObject {
  const { name, namespace } = options;
  if (kind === 'Pod') return pod(options);
  const labels = { app: `${kind.toLowerCase()}-${name}` };
  const template = templateOf(labels, options);
  const job = { template: { ...template, spec: { ...template.spec, restartPolicy: 'Never' } } };
  const specs: Readonly<Record<string, object>> = {
    ReplicationController: { replicas: 1, selector: labels, template },
    StatefulSet: { serviceName: 'none', selector: { matchLabels: labels }, template },
    Job: job,
    // Not before somebody makes a Job from it.
    CronJob: { schedule: '0 0 29 2 *', jobTemplate: { spec: job } },
  };
  const spec = specs[kind] ?? { selector: { matchLabels: labels }, template };
  return { apiVersion, kind, metadata: { name, namespace }, spec };
}

/** A ReplicaSet that an object controls, as a controller of that kind makes it. */
export function ownedSet(
  options: WorkloadOptions & { readonly owner: KubernetesObject; readonly replicas?: number },
): KubernetesObject {
  const { name, namespace, owner, replicas = 1 } = options;
  const labels = { app: name };
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { name, namespace, ownerReferences: [controlledBy(owner)] },
    spec: { replicas, selector: { matchLabels: labels }, template: templateOf(labels, options) },
  };
}

/** A pod as the kubelet makes it for a static one of its node. */
export function mirrorPod(
  name: string,
  namespace: string,
  { image, node }: { readonly image: string; readonly node: KubernetesObject },
): KubernetesObject {
  const hash = '0123456789abcdef0123456789abcdef';
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace,
      annotations: {
        'kubernetes.io/config.mirror': hash,
        'kubernetes.io/config.hash': hash,
        'kubernetes.io/config.source': 'file',
        'kubernetes.io/config.seen': '2026-11-21T00:00:00Z',
      },
      ownerReferences: [controlledBy(node)],
    },
    spec: {
      nodeName: node.metadata?.name,
      containers: [{ name: 'app', image }],
      tolerations: [{ operator: 'Exists', effect: 'NoExecute' }],
      terminationGracePeriodSeconds: 0,
    },
  };
}

/** The definition of a kind in namespaces that says nothing of what is in it. */
export function definition(group: string, kind: string): KubernetesObject {
  const plural = `${kind.toLowerCase()}s`;
  const schema = {
    openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
  };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      names: { kind, plural },
      scope: 'Namespaced',
      versions: [{ name: 'v1', served: true, storage: true, schema }],
    },
  };
}

function controlledBy({ apiVersion, kind, metadata }: KubernetesObject): object {
  return { apiVersion, kind, name: metadata?.name, uid: metadata?.uid, controller: true };
}

function templateOf(labels: Readonly<Record<string, string>>, { image }: WorkloadOptions) {
  const spec = { containers: [{ name: 'app', image }], terminationGracePeriodSeconds: 0 };
  return { metadata: { labels }, spec };
}

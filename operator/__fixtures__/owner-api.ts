// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { KubeError, type CallOptions, type ObjectMetadata } from '../../runtime/kube/index.ts';
import type { WorkloadObject } from '../controllers/workload/index.ts';
import { controlledBy } from './workloads.ts';

const APIS: Readonly<Record<string, readonly object[]>> = {
  'argoproj.io/v1alpha1': [
    { name: 'rollouts', kind: 'Rollout', namespaced: true },
    { name: 'rollouts/status', kind: 'Rollout', namespaced: true },
    { name: 'fleets', kind: 'Fleet', namespaced: true },
    { name: 'clusterrollouts', kind: 'ClusterRollout', namespaced: false },
  ],
};

/** The API server as far as it answers for owners: objects by path, and what it refuses. */
export class OwnerApi {
  readonly reads: string[] = [];
  readonly accepted: string[] = [];
  readonly objects = new Map<string, ObjectMetadata>();
  refuse: (path: string) => KubeError | undefined = () => undefined;

  /** Puts owners there, as somebody else would. */
  put(...owners: readonly WorkloadObject[]): void {
    for (const { kind = '', metadata } of owners)
      this.objects.set(rolloutPath(`${kind.toLowerCase()}s`, metadata.name), metadata);
  }

  async get<T>(path: string, { accept = '' }: CallOptions = {}): Promise<T | undefined> {
    await Promise.resolve();
    this.reads.push(path);
    const refused = this.refuse(path);
    if (refused !== undefined) throw refused;
    const resources = APIS[path.slice('/apis/'.length)];
    if (resources !== undefined) return { resources } as T;
    if (path.split('/').length === 4) throw new KubeError(404, '404 page not found');
    this.accepted.push(accept);
    const metadata = this.objects.get(path);
    return metadata === undefined ? undefined : ({ kind: 'PartialObjectMetadata', metadata } as T);
  }
}

/** Where the API server keeps what `rollout` makes. */
export function rolloutPath(plural: string, name: string): string {
  return `/apis/argoproj.io/v1alpha1/namespaces/checkout/${plural}/${name}`;
}

/** An owner of a kind that is not mirrored, in the namespace `checkout`. */
export function rollout(name: string, owner?: WorkloadObject, kind = 'Rollout'): WorkloadObject {
  const owners = owner === undefined ? {} : { ownerReferences: [controlledBy(owner)] };
  const metadata = { name, namespace: 'checkout', uid: `uid-of-${name}`, ...owners };
  return { apiVersion: 'argoproj.io/v1alpha1', kind, metadata: metadata as ObjectMetadata };
}

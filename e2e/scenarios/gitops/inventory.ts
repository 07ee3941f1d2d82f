// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { type Kubectl, type KubernetesObject } from '../../harness/index.ts';
import type { Kustomization } from './kustomizations.ts';

/**
 * What moves when anybody writes one of the objects that Kustomizations applied: by object its
 * identity and generation, or its version where nothing but its spec could move that.
 */
export async function versionsOf(
  kubectl: Kubectl,
  kustomizations: readonly Kustomization[],
): Promise<ReadonlyMap<string, string>> {
  const ids = kustomizations.flatMap(({ status }) => status?.inventory?.entries ?? []);
  const targets = Map.groupBy(ids.map(targetOf), ({ namespace }) => namespace);
  const versions = new Map<string, string>();
  for (const [namespace, found] of targets) {
    const names = found.map(({ resource, name }) => `${resource}/${name}`);
    const inNamespace = namespace === '' ? {} : { namespace };
    const { items } = JSON.parse(
      await kubectl.must(['get', ...names, '--output=json'], inNamespace),
    ) as { items: readonly KubernetesObject[] };
    items.forEach((object, n) => versions.set(`${namespace} ${names[n] ?? ''}`, versionOf(object)));
  }
  return versions;
}

interface Target {
  readonly namespace: string;
  readonly name: string;
  readonly resource: string;
}

/** Of `namespace_name_group_kind`, as inventories have it. */
function targetOf({ id }: { readonly id: string }): Target {
  const [namespace = '', name = '', group = '', kind = ''] = id.split('_');
  return { namespace, name, resource: group === '' ? kind : `${kind}.${group}` };
}

function versionOf({ metadata, status }: KubernetesObject): string {
  const { uid = '', generation = 0, resourceVersion = '' } = metadata ?? {};
  return [uid, generation, status === undefined ? resourceVersion : 'status moves'].join(' ');
}

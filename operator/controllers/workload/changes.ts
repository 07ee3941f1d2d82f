// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { SigningException } from '../../../crds/index.ts';
import { permitsSame } from '../../../runtime/exceptions/index.ts';
import type { KubeObject, ObjectView } from '../../../runtime/kube/index.ts';
import type { PolicyReport } from '../../reporting/index.ts';
import type { ForeignOwners } from './foreign-owners.ts';
import type { WorkloadInventory } from './inventory.ts';
import { keyOfObject } from './key.ts';
import { KINDS, sameForJudgement, type WorkloadKind, type WorkloadObject } from './objects.ts';
import { keyOfScope } from './report.ts';

type Changes<T extends KubeObject> = Pick<ObjectView<T>, 'onChange'>;

/** What changes are taken from. */
export interface ChangeSources {
  readonly workloads: Readonly<
    Record<WorkloadKind, Changes<WorkloadObject> & Pick<ObjectView<WorkloadObject>, 'byIndex'>>
  >;
  readonly exceptions: Changes<SigningException>;
  readonly namespaces: Changes<KubeObject>;
}

/** Enqueues the workloads whose judgement, or whose report, a change may concern. */
export function followChanges(
  sources: ChangeSources,
  inventory: WorkloadInventory,
  enqueue: (key: string) => void,
): void {
  const all = (namespace: string): void => inventory.keys(namespace).forEach(enqueue);
  for (const kind of KINDS) {
    sources.workloads[kind].onChange((_key, current, previous) => {
      for (const key of concerned({ current, previous, inventory, sources })) enqueue(key);
    });
  }
  sources.exceptions.onChange((_key, current, previous) => {
    if (current !== undefined && previous !== undefined && permitsSame(current, previous)) return;
    const namespace = (current ?? previous)?.metadata.namespace;
    if (namespace !== undefined) all(namespace);
  });
  sources.namespaces.onChange((name, current, previous) => {
    if (labelsOf(current) !== labelsOf(previous)) all(name);
  });
}

/**
 * Enqueues what an owner of another kind owns when that becomes known, changes or goes: the workload
 * that it belongs to from now on, and what was one until now, whose report has to go.
 */
export function followOwners(
  owners: Pick<ForeignOwners, 'onChange' | 'byController'>,
  { workloads }: Pick<ChangeSources, 'workloads'>,
  inventory: WorkloadInventory,
  enqueue: (key: string) => void,
): void {
  owners.onChange((uid, states) => {
    const children = KINDS.flatMap((kind) => workloads[kind].byIndex('controller', uid));
    for (const object of [...states, ...children, ...owners.byController(uid)]) {
      enqueue(keyOfObject(object));
      enqueue(inventory.keyOf(object));
    }
  });
}

/** Enqueues the workload of a report that somebody else changed or took away, so that it is put right. */
export function followReports(
  reports: Changes<PolicyReport>,
  enqueue: (key: string) => void,
  isOwn: (report: PolicyReport) => boolean = () => false,
): void {
  reports.onChange((_key, current, previous) => {
    // A new one is mostly ours.
    if (previous?.scope === undefined) return;
    if (current?.metadata.resourceVersion === previous.metadata.resourceVersion) return;
    if (current === undefined || !isOwn(current)) enqueue(keyOfScope(previous.scope));
  });
}

interface Change {
  readonly current: WorkloadObject | undefined;
  readonly previous: WorkloadObject | undefined;
  readonly inventory: WorkloadInventory;
  readonly sources: ChangeSources;
}

function concerned({ current, previous, inventory, sources }: Change): ReadonlySet<string> {
  const keys = new Set<string>();
  if (current !== undefined && previous !== undefined && sameForJudgement(current, previous))
    return keys;
  for (const object of [current, previous]) {
    if (object === undefined) continue;
    keys.add(inventory.keyOf(object));
    // What it was or is by itself: a report of that may have to go.
    keys.add(keyOfObject(object));
  }
  if (current === undefined || previous === undefined) {
    for (const child of childrenOf(current ?? previous, sources)) keys.add(keyOfObject(child));
  }
  return keys;
}

/** What an object controls: found only now, or without an owner from now on. */
function childrenOf(
  object: WorkloadObject | undefined,
  { workloads }: ChangeSources,
): readonly WorkloadObject[] {
  const uid = object?.metadata.uid;
  if (uid === undefined || object?.kind === 'Pod') return [];
  return KINDS.flatMap((kind) => workloads[kind].byIndex('controller', uid));
}

function labelsOf(object: KubeObject | undefined): string {
  return JSON.stringify(Object.entries(object?.metadata.labels ?? {}).sort());
}

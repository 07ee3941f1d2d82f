// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { SigningException } from '../../crds/index.ts';
import { followersOf } from '../../verification/index.ts';
import type { Inventory } from '../cluster/workloads.ts';
import { blastRadiusOf } from './blast-radius.ts';
import type { Scene } from './scene.ts';
import { standAt, type Stand } from './stand.ts';

/** An exception that has been over for long enough. */
export interface Ended {
  readonly object: SigningException;
  /** `Expired` or `Revoked`. */
  readonly state: string;
  /** When it ended, milliseconds since the epoch. */
  readonly endedAt: number;
  /** Why it has to stay; `undefined` where it may go. */
  readonly kept: string | undefined;
}

/** What decides whether an exception may go. */
export interface PruneCase {
  readonly scene: Scene;
  /** What runs, by namespace; `undefined` where that was not read. */
  readonly inventories: ReadonlyMap<string, Inventory>;
  /** Milliseconds that it must have been over. */
  readonly olderThanMs: number;
  readonly now: Date;
}

/** The exceptions that have been over for long enough, and which of them have to stay. */
export function endedIn(asked: PruneCase): readonly Ended[] {
  const { scene, now, olderThanMs } = asked;
  return scene.objects.flatMap((object) => {
    const stand = standAt(object, scene, now);
    if (!stand.isOver || object.metadata.deletionTimestamp !== undefined) return [];
    const endedAt = endOf(object, scene);
    if (!(now.getTime() - endedAt >= olderThanMs)) return [];
    return [{ object, state: stand.state, endedAt, kept: keptBecause(object, stand, asked) }];
  });
}

/** A revocation cannot be older than the exception, whatever it says. */
function endOf(object: SigningException, scene: Scene): number {
  const expiresAt = Date.parse(object.spec.expiresAt);
  const compiled = scene.compiled(object);
  const revokedAt = Date.parse(compiled?.revoked?.at ?? '');
  if (compiled === undefined || Number.isNaN(revokedAt)) return expiresAt;
  const { createdAt } = compiled;
  return Math.min(
    expiresAt,
    Number.isFinite(createdAt) ? Math.max(revokedAt, createdAt) : expiresAt,
  );
}

function keptBecause(
  object: SigningException,
  stand: Stand,
  { scene, inventories, now }: PruneCase,
): string | undefined {
  return (
    unapprovedIncident(object, stand) ??
    inUse(object, inventories.get(object.metadata.namespace ?? '')) ??
    renewedBy(object, scene, now)
  );
}

/** It is in the way of the next incident until somebody approved it: deleting it would hide it. */
function unapprovedIncident({ spec }: SigningException, { approval }: Stand): string | undefined {
  if (spec.class !== 'Incident' || approval === 'approved' || approval === 'not-required')
    return undefined;
  return approval === 'unapproved'
    ? 'an incident that nobody approved (overdue)'
    : 'an incident of which it is not known whether somebody approved it';
}

function inUse(
  { spec, status }: SigningException,
  inventory: Inventory | undefined,
): string | undefined {
  if ((status?.usage?.workloads ?? 0) > 0) return 'workloads still run by it';
  if (inventory === undefined || inventory.unread.includes('Pod'))
    return 'it is not known whether something runs by it: you may not list pods';
  const running = blastRadiusOf(spec, inventory).admitted.filter(({ pods }) => pods > 0);
  if (running.length === 0) return undefined;
  return `still run: ${running.map(({ workload }) => workload).join(', ')}`;
}

/** How often an exception was renewed is counted by those that are there. */
function renewedBy(object: SigningException, scene: Scene, now: Date): string | undefined {
  const compiled = scene.compiled(object);
  if (compiled === undefined) return undefined;
  const { namespace } = object.metadata;
  const names = new Set(followersOf(compiled, scene.index));
  const current = scene.objects.find(
    (other) =>
      other.metadata.namespace === namespace &&
      names.has(other.metadata.name) &&
      !standAt(other, scene, now).isOver,
  );
  return current === undefined ? undefined : `${current.metadata.name} follows it and is not over`;
}

const GITOPS: readonly (readonly [string, string])[] = [
  ['kustomize.toolkit.fluxcd.io/name', 'Flux'],
  ['helm.toolkit.fluxcd.io/name', 'Flux'],
  ['argocd.argoproj.io/instance', 'Argo CD'],
  ['argocd.argoproj.io/tracking-id', 'Argo CD'],
];

/** Who applied an exception and would apply it again; empty where nothing tells. */
export function managerOf({ metadata }: SigningException): string {
  const marks = { ...metadata.labels, ...metadata.annotations };
  return GITOPS.find(([mark]) => Object.hasOwn(marks, mark))?.[1] ?? '';
}

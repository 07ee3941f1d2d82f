// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import {
  imageFields,
  podSpecOf,
  runningImages,
  serviceAccountOf,
  topOwner,
  WorkloadError,
} from '../../runtime/workload/index.ts';
import { parseImageReference } from '../../verification/index.ts';
import type { Inventory, WorkloadObject, WorkloadReport } from '../cluster/workloads.ts';

/** An image that a workload runs, or would run. */
export interface ImageUse {
  readonly container: string;
  /** As it is written. */
  readonly image: string;
  /** Every digest that it is known by: as written, as a node reports it, as it was resolved for a report. */
  readonly digests: ReadonlySet<string>;
}

/** What a workload runs, or would run. */
export interface WorkloadUse {
  /** `Kind/name` of what a person would name. */
  readonly workload: string;
  readonly serviceAccount: string;
  readonly images: readonly ImageUse[];
  /** Whether it is a pod that is there, and not only a template. */
  readonly isPod: boolean;
}

/** The pods that have not ended, and the templates of workloads that nothing else makes. */
export function usesOf(inventory: Inventory): readonly WorkloadUse[] {
  return inventory.objects.filter(isLive).flatMap((object) => {
    const top = ownerOf(object, inventory);
    const isPod = object.kind === 'Pod';
    if (!isPod && top !== object) return [];
    const use = useOf(object, reportOf(top, inventory));
    return use === undefined ? [] : [{ ...use, isPod, workload: nameOf(top) }];
  });
}

/** What a person would name for an object: the Deployment of a pod. */
export function ownerOf(object: WorkloadObject, { byUid }: Inventory): WorkloadObject {
  const top = topOwner(object, (_, owner) => byUid.get(owner.uid));
  return byUid.get(top.metadata.uid ?? '') ?? object;
}

/** What was reported of a workload. */
export function reportOf(
  { metadata: { uid } }: WorkloadObject,
  { reportByUid }: Inventory,
): WorkloadReport | undefined {
  return uid === undefined ? undefined : reportByUid.get(uid);
}

/** `Kind/name`. */
export function nameOf({ kind, metadata }: Pick<WorkloadObject, 'kind' | 'metadata'>): string {
  return `${kind}/${metadata.name}`;
}

/** Service account and images of one object; `undefined` where it is not shaped as its kind demands. */
export function useOf(
  object: WorkloadObject,
  report: WorkloadReport | undefined,
): Pick<WorkloadUse, 'serviceAccount' | 'images'> | undefined {
  try {
    const { spec } = podSpecOf(object.kind, object);
    const images = imageFields(object.kind, object).map(({ name, image }) => ({
      container: name,
      image,
      digests: new Set([
        ...writtenDigest(image),
        ...reportedDigests(image, report),
        ...runningDigests(name, object),
      ]),
    }));
    return { serviceAccount: serviceAccountOf(spec), images };
  } catch (thrown) {
    if (thrown instanceof WorkloadError) return undefined;
    throw thrown;
  }
}

function writtenDigest(image: string): readonly string[] {
  try {
    const { digest } = parseImageReference(image);
    return digest === undefined ? [] : [digest];
  } catch {
    return [];
  }
}

/** The operator resolved the tag lately. */
function reportedDigests(image: string, report: WorkloadReport | undefined): readonly string[] {
  return (report?.results ?? []).flatMap(({ properties }) => {
    const { image: judged, digest } = properties ?? {};
    const isSame = judged === image || judged === `${image}@${digest ?? ''}`;
    return isSame && digest !== undefined ? [digest] : [];
  });
}

function runningDigests(container: string, { status }: WorkloadObject): readonly string[] {
  return runningImages(status).flatMap((running) =>
    running.container === container && running.digest !== undefined ? [running.digest] : [],
  );
}

function isLive({ kind, metadata, status }: WorkloadObject): boolean {
  if (kind !== 'Pod') return true;
  const isOver = status?.phase === 'Succeeded' || status?.phase === 'Failed';
  return !isOver && metadata.deletionTimestamp === undefined;
}

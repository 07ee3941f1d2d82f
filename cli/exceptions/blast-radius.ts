// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { SigningExceptionSpec } from '../../crds/index.ts';
import type { Inventory } from '../cluster/workloads.ts';
import { usesOf, type WorkloadUse } from './uses.ts';

/** What an exception would let run now. */
export interface BlastRadius {
  readonly admitted: readonly AdmittedWorkload[];
  /** `Kind/name` of workloads of its service accounts whose images are by tag: what they are is not known. */
  readonly untold: readonly string[];
  /** Kinds that may not be listed, so that nothing is told of them. */
  readonly unread: readonly string[];
}

/** A workload, and which of its images it covers. */
export interface AdmittedWorkload {
  /** `Kind/name`. */
  readonly workload: string;
  readonly serviceAccount: string;
  /** Images as written that are covered. */
  readonly images: readonly string[];
  /** Pods that are there. */
  readonly pods: number;
}

type Scope = Pick<SigningExceptionSpec, 'digests' | 'serviceAccounts'>;

/** Which workloads of a namespace use a digest by a service account of an exception. */
export function blastRadiusOf(scope: Scope, inventory: Inventory): BlastRadius {
  const digests = new Set(scope.digests);
  const accounts = new Set(scope.serviceAccounts);
  const found = new Map<string, AdmittedWorkload>();
  const untold = new Set<string>();
  for (const use of usesOf(inventory)) {
    if (!accounts.has(use.serviceAccount)) continue;
    const images = coveredImages(use, digests);
    if (images.length > 0) found.set(keyOf(use), merged(use, images, found.get(keyOf(use))));
    else if (use.images.some((image) => image.digests.size === 0)) untold.add(use.workload);
  }
  const admitted = [...found.values()].sort((a, b) => (a.workload < b.workload ? -1 : 1));
  const told = new Set(admitted.map(({ workload }) => workload));
  return {
    admitted,
    untold: [...untold].filter((workload) => !told.has(workload)).sort(),
    unread: inventory.unread,
  };
}

function coveredImages({ images }: WorkloadUse, digests: ReadonlySet<string>): readonly string[] {
  return images
    .filter((image) => [...image.digests].some((digest) => digests.has(digest)))
    .map(({ image }) => image);
}

function keyOf({ workload, serviceAccount }: WorkloadUse): string {
  return `${workload} ${serviceAccount}`;
}

function merged(
  { workload, serviceAccount, isPod }: WorkloadUse,
  images: readonly string[],
  before: AdmittedWorkload | undefined,
): AdmittedWorkload {
  return {
    workload,
    serviceAccount,
    images: [...new Set([...(before?.images ?? []), ...images])].sort(),
    pods: (before?.pods ?? 0) + (isPod ? 1 : 0),
  };
}

/** Where not everything may be read, that nothing was found says little. */
function headingOf({ admitted, unread }: Pick<BlastRadius, 'admitted' | 'unread'>): string {
  if (admitted.length > 0) return 'It would admit now:';
  return unread.length === 0
    ? 'It would admit no workload that is there now.'
    : 'It would admit no workload among those that you may list.';
}

/** Lines for people: what it would admit, and what cannot be told. */
export function blastRadiusLines({ admitted, untold, unread }: BlastRadius): readonly string[] {
  const workloads = admitted.map(({ workload, serviceAccount, images, pods }) => {
    const count = pods === 0 ? 'no pods yet' : `${pods.toString()} ${pods === 1 ? 'pod' : 'pods'}`;
    return `  ${workload} as ${serviceAccount} (${count}): ${images.join(', ')}`;
  });
  return [
    headingOf({ admitted, unread }),
    ...workloads,
    ...(untold.length === 0
      ? []
      : [`Not known, since they run images by tag: ${untold.join(', ')}`]),
    ...(unread.length === 0
      ? []
      : [`Not known, since you may not list them: ${unread.join(', ')}`]),
  ];
}

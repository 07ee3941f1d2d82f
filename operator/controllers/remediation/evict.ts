// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { isStatus } from '../../../runtime/kube/index.ts';
import { imageFields, runningImages } from '../../../runtime/workload/index.ts';
import type { Digest } from '../../../verification/index.ts';
import { pathOf, RESOURCES, type KubeApi } from '../../state/resources.ts';
import type { WorkloadObject } from '../workload/index.ts';

/** The part of a workload's live pods that may go at a time; one may always. */
const PART = 0.25;

/** What became of the request to evict a pod: `blocked` by a PodDisruptionBudget, `gone` before. */
export type Eviction = 'done' | 'blocked' | 'gone';

/** Which pods of a workload to evict now, given all that live: those that run one of the images, a part of them at most. */
export function podsToEvict(
  live: readonly WorkloadObject[],
  digests: ReadonlySet<Digest>,
): readonly WorkloadObject[] {
  const leaving = live.filter(({ metadata }) => metadata.deletionTimestamp !== undefined);
  const budget = Math.max(1, Math.floor(live.length * PART)) - leaving.length;
  return live
    .filter((pod) => !leaving.includes(pod) && !isOfNode(pod) && runs(pod, digests))
    .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
    .slice(0, Math.max(0, budget));
}

/** Asks for the eviction of this very pod. Throws KubeError where that cannot be asked. */
export async function evict(
  api: Pick<KubeApi, 'create'>,
  { metadata }: WorkloadObject,
  signal: AbortSignal,
): Promise<Eviction> {
  const { name, namespace = '', uid = '' } = metadata;
  const body = {
    apiVersion: 'policy/v1',
    kind: 'Eviction',
    metadata: { name, namespace },
    deleteOptions: { preconditions: { uid } },
  };
  const path = pathOf(RESOURCES.pods, { namespace, name, subresource: 'eviction' });
  try {
    await api.create(path, body, { signal });
    return 'done';
  } catch (thrown) {
    if (isStatus(thrown, 429)) return 'blocked';
    if (isStatus(thrown, 404) || isStatus(thrown, 409)) return 'gone';
    throw thrown;
  }
}

/** A node runs it by itself: the API server only has its mirror. */
function isOfNode({ metadata }: WorkloadObject): boolean {
  return metadata.ownerReferences?.some(({ kind }) => kind === 'Node') ?? false;
}

function runs(pod: WorkloadObject, digests: ReadonlySet<Digest>): boolean {
  const named = writtenImages(pod.spec).map((image) => image.slice(image.indexOf('@') + 1));
  const reported = runningImages(pod.status).map(({ digest }) => digest);
  return [...named, ...reported].some((digest) => digests.has(digest as Digest));
}

function writtenImages(spec: WorkloadObject['spec']): readonly string[] {
  return imageFields('Pod', { spec }).map(({ image }) => image);
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { isDigest, type Digest } from '../../verification/index.ts';

/** What a node reports to run for one container: a hint, never the truth (GROUND §3). */
export interface RunningImage {
  readonly container: string;
  /** `imageID` as reported, without a scheme such as `docker-pullable://`. */
  readonly imageId: string;
  /** The digest of `imageId` where it names one, e.g. `repo@sha256:…`. */
  readonly digest?: Digest;
}

const STATUS_LISTS = [
  'initContainerStatuses',
  'containerStatuses',
  'ephemeralContainerStatuses',
] as const;

/** The part of a pod's status that is read. */
export interface PodStatusLike {
  readonly initContainerStatuses?: readonly ContainerStatusLike[];
  readonly containerStatuses?: readonly ContainerStatusLike[];
  readonly ephemeralContainerStatuses?: readonly ContainerStatusLike[];
}

/** The part of a container's status that is read. */
export interface ContainerStatusLike {
  readonly name?: string;
  readonly imageID?: string;
}

/** The images that a pod's status reports, by container; empty ones are left out. */
export function runningImages(status: PodStatusLike | undefined): readonly RunningImage[] {
  return STATUS_LISTS.flatMap((list) => status?.[list] ?? []).flatMap((container) => {
    const { name, imageID } = container;
    if (name === undefined || imageID === undefined || imageID === '') return [];
    const imageId = imageID.replace(/^[a-z-]+:\/\//, '');
    const digest = imageId.slice(imageId.lastIndexOf('@') + 1);
    return [
      {
        container: name,
        imageId,
        ...(imageId.includes('@') && isDigest(digest) ? { digest } : {}),
      },
    ];
  });
}

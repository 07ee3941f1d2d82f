// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

export {
  changedImages,
  imageFields,
  podSpecOf,
  pullSecretsOf,
  serviceAccountOf,
  WORKLOAD_KINDS,
  WorkloadError,
  type ImageField,
} from './images.ts';
export { topOwner, type OwnedLike, type OwnerLookup, type OwnerReferenceLike } from './owner.ts';
export { runningImages, type PodStatusLike, type RunningImage } from './running.ts';

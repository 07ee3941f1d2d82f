// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

export {
  KubeClient,
  type CallOptions,
  type DeleteOptions,
  type ListOptions,
  type PatchOptions,
  type PatchType,
  type StreamOptions,
} from './client.ts';
export {
  loadKubeConfig,
  PooledKubeConfig,
  type CallAuthority,
  type KubeConnection,
  type LoadOptions,
} from './connection.ts';
export { isStatus, KubeError } from './error.ts';
export {
  resourcePath,
  splitKey,
  type KubeList,
  type KubeObject,
  type ObjectMetadata,
  type OwnerReference,
  type Resource,
  type ResourceAddress,
} from './objects.ts';
export { Reflector, type ReflectorOptions, type ReflectorStatus } from './reflector.ts';
export {
  ObjectStore,
  type ChangeHandler,
  type IndexFunction,
  type ObjectStoreOptions,
  type ObjectView,
} from './store.ts';
export { allSynced } from './synced.ts';

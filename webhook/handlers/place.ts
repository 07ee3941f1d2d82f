// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { KeychainProvider, KeychainRequest } from '../../runtime/registry/index.ts';
import type {
  CompiledPolicy,
  Digest,
  ImageReference,
  Keychain,
  Labels,
  RegistryOptions,
} from '../../verification/index.ts';
import type { Deadline } from '../deadline.ts';
import type { Place } from './effect.ts';
import type { Target } from './target.ts';

/** Labels of namespaces: from the cache, else by one bounded read. */
export interface NamespaceLabels {
  /** The labels from the cache; `undefined` where the namespace is not in it. */
  cached(namespace: string): Labels;
  /** Reads them once; `undefined` where that fails: the strictest reading then applies. Never rejects. */
  read(namespace: string, signal: AbortSignal): Promise<Labels>;
}

const READ_MS = 1000;

/** Where the images of a target are used. Waits only for a namespace that is not in the cache. */
export function placeOf(
  target: Target,
  namespaces: NamespaceLabels,
  deadline: Deadline,
): Place | Promise<Place> {
  const { subject, namespace, serviceAccount } = target;
  const labels = namespaces.cached(namespace);
  if (labels !== undefined) return { subject, namespace, namespaceLabels: labels, serviceAccount };
  return namespaces
    .read(namespace, deadline.within(READ_MS))
    .then((namespaceLabels) => ({ subject, namespace, namespaceLabels, serviceAccount }));
}

/** The credentials for a target's images. Waits only for pull secrets that are to be read. */
export function keychainOf(
  target: Target,
  keychains: KeychainProvider,
): Keychain | Promise<Keychain> {
  const { subject, namespace, pullSecrets, serviceAccount } = target;
  // The API server has copied the pull secrets of the service account into a pod, not into a template.
  const fromAccount = subject === 'template' && pullSecrets.length === 0;
  const request: KeychainRequest = {
    namespace,
    pullSecrets,
    ...(fromAccount ? { serviceAccount } : {}),
  };
  return keychains.keychainNow(request) ?? keychains.keychainFor(request);
}

/** How the registry is reached for a tag: as the first policy says that names a CA. */
export function tagRegistryOf(policies: readonly CompiledPolicy[]): RegistryOptions {
  const ca = policies.find((policy) => policy.registry.ca !== undefined)?.registry.ca;
  return ca === undefined ? {} : { ca };
}

/** Whether the reference names a digest. */
export function hasDigest(
  image: ImageReference,
): image is ImageReference & { readonly digest: Digest } {
  return image.digest !== undefined;
}

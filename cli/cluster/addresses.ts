// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { ResourceAddress } from '../../runtime/kube/index.ts';
import { GROUP, imageTrustPolicyKind, signingExceptionKind, VERSION } from '../../crds/index.ts';

/** The exceptions of a namespace, or of all; one of them where it is named. */
export function exceptionsAt(
  namespace?: string,
  name?: string,
  subresource?: 'status',
): ResourceAddress {
  return {
    group: GROUP,
    version: VERSION,
    plural: signingExceptionKind.plural,
    ...(namespace === undefined ? {} : { namespace }),
    ...(name === undefined ? {} : { name }),
    ...(subresource === undefined ? {} : { subresource }),
  };
}

/** A policy. */
export function policyAt(name: string): ResourceAddress {
  return { group: GROUP, version: VERSION, plural: imageTrustPolicyKind.plural, name };
}

/** A ConfigMap. */
export function configMapAt(namespace: string, name: string): ResourceAddress {
  return { group: '', version: 'v1', plural: 'configmaps', namespace, name };
}

/** A collection of namespaced objects of a group; the core group where it is empty. */
export function collectionAt(
  group: string,
  version: string,
  plural: string,
  namespace: string,
): ResourceAddress {
  return { group, version, plural, namespace };
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { SigningException } from '../../crds/index.ts';

/**
 * All of an exception that decides what it permits, and its version. Deletion is among it, for a finalizer
 * may keep the object, and of the status what people wrote there to approve or revoke it.
 */
export function decisiveParts(object: SigningException): SigningException {
  const { name, namespace, uid, resourceVersion, creationTimestamp, deletionTimestamp } =
    object.metadata;
  const status = decisiveStatus(object.status);
  return {
    metadata: {
      name,
      ...given({ namespace, uid, resourceVersion, creationTimestamp, deletionTimestamp }),
    },
    spec: object.spec,
    ...(status === undefined ? {} : { status }),
  };
}

function decisiveStatus(status: SigningException['status']): SigningException['status'] {
  const { approvals, revoked } = status ?? {};
  if (approvals === undefined && revoked === undefined) return undefined;
  return { observedGeneration: -1, ...given({ approvals, revoked }) };
}

type Given<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** The members that are there. */
function given<T extends object>(members: T): Given<T> {
  return Object.fromEntries(
    Object.entries(members).filter(([, value]) => value !== undefined),
  ) as Given<T>;
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

/** A reference to the object that controls another. */
export interface OwnerReferenceLike {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
}

/** An object that may be owned. */
export interface OwnedLike {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly ownerReferences?: readonly OwnerReferenceLike[];
  };
}

/** Finds a cached object by its reference; `undefined` where it is not known. */
export type OwnerLookup = (namespace: string, owner: OwnerReferenceLike) => OwnedLike | undefined;

const MAX_STEPS = 8;

/**
 * Walks controller references up to the object that a person would name (the Deployment of a pod).
 * A step counts only where the owner exists with the same uid: owner references are written by
 * tenants. Stops at the last proven object, after at most 8 steps.
 */
export function topOwner(object: OwnedLike, lookup: OwnerLookup): OwnedLike {
  let current = object;
  for (let step = 0; step < MAX_STEPS; step += 1) {
    const owner = current.metadata.ownerReferences?.find(
      (reference) => reference.controller === true,
    );
    if (owner === undefined) return current;
    const found = lookup(object.metadata.namespace ?? '', owner);
    if (found === undefined || owner.uid === '' || found.metadata.uid !== owner.uid) return current;
    current = found;
  }
  return current;
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { isStatus, type KubeObject } from '../../runtime/kube/index.ts';
import { canonicalJson } from '../../verification/index.ts';
import type { KubeApi } from '../state/resources.ts';

/** A status to be written. */
export interface StatusChange {
  /** Path of the object's `status`. */
  readonly path: string;
  readonly object: KubeObject & { readonly status?: object };
  readonly next: object;
}

/**
 * Writes a status where it says anything new, as a merge patch against the version that was read: what
 * somebody else wrote meanwhile is a conflict (KubeError 409), never overwritten. True where it wrote.
 */
export async function patchStatus(
  api: Pick<KubeApi, 'patch'>,
  { path, object, next }: StatusChange,
): Promise<boolean> {
  const before = object.status ?? {};
  if (canonicalJson(before) === canonicalJson(next)) return false;
  const { resourceVersion } = object.metadata;
  const body = { metadata: { resourceVersion }, status: mergePatch(before, next) };
  try {
    await api.patch(path, body, 'merge');
    return true;
  } catch (thrown) {
    // It is gone: there is nothing to tell any more.
    if (isStatus(thrown, 404)) return false;
    throw thrown;
  }
}

/** The merge patch (RFC 7386) that makes `before` into `next`; lists are replaced as a whole. */
export function mergePatch(before: object, next: object): Record<string, unknown> {
  const patch: Record<string, unknown> = {};
  const old = before as Readonly<Record<string, unknown>>;
  for (const key of Object.keys(old)) {
    if (!Object.hasOwn(next, key)) patch[key] = null;
  }
  for (const [key, value] of Object.entries(next) as [string, unknown][]) {
    if (value === undefined) patch[key] = null;
    else patch[key] = isMap(value) && isMap(old[key]) ? mergePatch(old[key], value) : value;
  }
  return patch;
}

function isMap(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

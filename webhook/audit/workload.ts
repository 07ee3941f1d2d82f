// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { AuditWorkload } from '../../runtime/audit/index.ts';
import type { AdmissionRequest, JsonObject } from '../admission/decode.ts';

/**
 * The highest owner that the request names: the controller of the object, as whoever wrote it claims,
 * or the object itself. Nothing is looked up, so of a Deployment's pod it is the ReplicaSet.
 */
export function workloadOf({ kind, object }: AdmissionRequest): AuditWorkload {
  const metadata = metadataOf(object);
  const owners = metadata['ownerReferences'];
  const owner = Array.isArray(owners) ? owners.find(isController) : undefined;
  if (owner !== undefined) return { kind: textOf(owner['kind']), name: textOf(owner['name']) };
  const { name, generateName } = metadata as { readonly name?: unknown; generateName?: unknown };
  return { kind, name: textOf(name) === '' ? textOf(generateName) : textOf(name) };
}

/** The annotations of the object; anything, as a request may hold. */
export function annotationsOf({ object }: AdmissionRequest): unknown {
  return metadataOf(object)['annotations'];
}

function isController(owner: unknown): owner is JsonObject {
  return (
    typeof owner === 'object' && owner !== null && (owner as JsonObject)['controller'] === true
  );
}

function metadataOf(object: JsonObject | undefined): JsonObject {
  const metadata = object?.['metadata'];
  return typeof metadata === 'object' && metadata !== null ? (metadata as JsonObject) : {};
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

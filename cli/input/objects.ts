// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { z } from 'zod';
import { API_VERSION, type ObjectMeta } from '../../crds/index.ts';
import { toVerificationError } from '../../verification/index.ts';
import { UsageError } from '../usage-error.ts';
import type { FieldPath, SourceObject } from './documents.ts';

/** An object of ours: its kind and metadata are checked, its spec is not. */
export interface OwnObject {
  readonly metadata: ObjectMeta;
  readonly spec: unknown;
}

const name = z
  .string()
  .max(253)
  .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/);
const metadata = z.looseObject({
  name,
  namespace: z
    .string()
    .max(63)
    .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/)
    .optional(),
  deletionTimestamp: z.string().optional(),
});

/** Checks that an object is of the kind that is wanted; anything else in a file is a UsageError, never skipped. */
export function ownObject(source: SourceObject, kind: string): OwnObject {
  const schema = z.strictObject({
    apiVersion: z.literal(API_VERSION),
    kind: z.literal(kind),
    metadata,
    spec: z.unknown(),
    status: z.unknown().optional(),
  });
  const result = schema.safeParse(source.value);
  if (!result.success) {
    const issue = result.error.issues[0];
    const path = (issue?.path ?? []).map((step) =>
      typeof step === 'number' ? step : String(step),
    );
    const what = path.length === 0 ? kind : path.join('.');
    throw new UsageError(`${source.locate(path)}: ${what}: ${issue?.message ?? 'malformed'}`);
  }
  const { spec, metadata: found } = result.data;
  const { namespace, deletionTimestamp } = found;
  return {
    spec,
    metadata: {
      name: found.name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
    },
  };
}

/** Runs the compilation of an object; what it throws begins with a field path, which is found in the file. */
export function compiled<T>(source: SourceObject, label: string, compile: () => T): T {
  try {
    return compile();
  } catch (thrown) {
    const { message } = toVerificationError(thrown);
    throw new UsageError(`${source.locate(pathOf(message))}: ${label}: ${message}`, {
      cause: thrown,
    });
  }
}

/** `spec.digests[0]: …` and `spec.digests.0: …` as steps. */
function pathOf(message: string): FieldPath {
  const [written = ''] = /^(?:spec|metadata)[^:\s]*(?=:)/.exec(message) ?? [];
  const steps = written.match(/[^.[\]]+/g) ?? [];
  return steps.map((step) => (/^\d+$/.test(step) ? Number(step) : step));
}

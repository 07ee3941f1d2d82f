// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { z } from 'zod';
import {
  APPROVAL_TYPE,
  readApproval,
  type ApprovalPredicate,
  type CompiledException,
} from '../../verification/index.ts';
import { asUsage, UsageError } from '../usage-error.ts';

/** A bundle that another program made, and what it says; its signature is not verified. */
export interface AttachedBundle {
  readonly bundle: object;
  readonly approval: ApprovalPredicate;
}

const envelope = z.looseObject({ dsseEnvelope: z.looseObject({ payload: z.string() }) });
const statement = z.looseObject({
  predicateType: z.literal(APPROVAL_TYPE),
  subject: z.array(z.looseObject({ digest: z.record(z.string(), z.string()) })),
  predicate: z.unknown(),
});

/**
 * Reads a Sigstore bundle, JSON, that approves an exception in a cluster. Throws UsageError for one
 * that holds no approval, or one of something else, which would not count.
 */
export function readAttached(
  file: string,
  text: string,
  { exception, cluster }: { readonly exception: CompiledException; readonly cluster: string },
): AttachedBundle {
  const bundle = envelope.safeParse(jsonOf(text));
  const payload = Buffer.from(bundle.data?.dsseEnvelope.payload ?? '', 'base64').toString();
  const signed = statement.safeParse(jsonOf(payload));
  if (!bundle.success || !signed.success)
    throw new UsageError(
      `${file}: is no Sigstore bundle of a statement of the type ${APPROVAL_TYPE}`,
    );
  const { subject, predicate } = signed.data;
  const hashes = subject.map(({ digest }) => `sha256:${digest['sha256'] ?? ''}`);
  if (!hashes.includes(exception.specHash))
    throw new UsageError(
      `${file}: approves another spec than this, which is ${exception.specHash}`,
    );
  const approval = asUsage(`${file}: `, () => readApproval(predicate));
  const { namespace, name } = exception;
  if (approval.cluster !== cluster || approval.namespace !== namespace || approval.name !== name) {
    const place = `${approval.namespace}/${approval.name} in ${approval.cluster}`;
    throw new UsageError(`${file}: approves ${place}, not ${namespace}/${name} in ${cluster}`);
  }
  return { bundle: bundle.data, approval };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

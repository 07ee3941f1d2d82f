// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { createHash } from 'node:crypto';
import { z } from 'zod';
import { instant, type SigningExceptionSpec } from '../../crds/index.ts';
import { canonicalJson } from '../encoding/index.ts';
import { VerificationError } from '../error.ts';

/** Predicate type of a signed approval. */
export const APPROVAL_TYPE = 'https://countersign.dev/exception-approval/v1';

const name = z.string().min(1).max(253);

const predicate = z.strictObject({
  cluster: name,
  namespace: name,
  name,
  latestExpiresAt: instant,
  expiresAt: instant,
});

/** What an approver signs, besides the hash of the spec, which is the subject of the statement. */
export interface ApprovalPredicate {
  /** Name of the cluster, or of the fleet, as the setting of the operator says it. */
  readonly cluster: string;
  readonly namespace: string;
  readonly name: string;
  /** RFC 3339: the latest `expiresAt` of the exception that is approved. */
  readonly latestExpiresAt: string;
  /** RFC 3339: until when the approval counts. */
  readonly expiresAt: string;
}

/** The in-toto statement that approves an exception. */
export interface ApprovalStatement {
  readonly _type: 'https://in-toto.io/Statement/v1';
  readonly subject: readonly [
    { readonly name: string; readonly digest: { readonly sha256: string } },
  ];
  readonly predicateType: typeof APPROVAL_TYPE;
  readonly predicate: ApprovalPredicate;
}

/**
 * The fields that decide what an exception permits, in the one form that is hashed; documentation has
 * no part in them. Neither has `expiresAt`, for which an approval names the latest one: an exception
 * may be made to end earlier without being approved again.
 */
export function approvedMaterial(spec: SigningExceptionSpec): string {
  return canonicalJson({
    policyRef: spec.policyRef,
    requirements: spec.requirements === undefined ? undefined : [...spec.requirements].sort(),
    allRequirements: spec.allRequirements === true ? true : undefined,
    digests: [...spec.digests].sort(),
    serviceAccounts: [...spec.serviceAccounts].sort(),
    notBefore: new Date(spec.notBefore).toISOString(),
    class: spec.class,
    requestedBy: spec.requestedBy,
  });
}

/** `specHash` of the status: the hash of {@link approvedMaterial}. Throws RangeError where `notBefore` is no instant. */
export function exceptionSpecHash(spec: SigningExceptionSpec): `sha256:${string}` {
  return `sha256:${createHash('sha256').update(approvedMaterial(spec)).digest('hex')}`;
}

/** The statement to sign for an exception as it is. */
export function approvalStatement(
  specHash: string,
  approval: ApprovalPredicate,
): ApprovalStatement {
  return {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [
      {
        name: `${approval.namespace}/${approval.name}`,
        digest: { sha256: specHash.replace(/^sha256:/, '') },
      },
    ],
    predicateType: APPROVAL_TYPE,
    predicate: predicate.parse(approval),
  };
}

/** Reads the predicate of an approval. Throws PAYLOAD_MALFORMED with the field where it is not one. */
export function readApproval(value: unknown): ApprovalPredicate {
  const result = predicate.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new VerificationError(
    'PAYLOAD_MALFORMED',
    `predicate.${(issue?.path ?? []).join('.')}: ${issue?.message ?? 'malformed'}`,
  );
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { SigningException } from '../../crds/index.ts';
import {
  approvalStatement,
  exceptionSpecHash,
  type ApprovalPredicate,
} from '../../verification/index.ts';
import type { KeyIssuer } from '../../verification/testing/index.ts';

/** The exception with an approval by the issuer for the cluster `prod`, as long as it lasts; `edits` replaces what that says. */
export function approvedBy(
  issuer: KeyIssuer,
  exception: SigningException,
  edits: Partial<ApprovalPredicate> = {},
): SigningException {
  const { metadata, spec } = exception;
  const specHash = exceptionSpecHash(spec);
  const statement = approvalStatement(specHash, {
    cluster: 'prod',
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    latestExpiresAt: spec.expiresAt,
    expiresAt: spec.expiresAt,
    ...edits,
  });
  const payload = Buffer.from(JSON.stringify(statement));
  const bundle = issuer.bundle(specHash, { payload }).toString();
  return { ...exception, spec: { ...spec, approvals: [...(spec.approvals ?? []), { bundle }] } };
}

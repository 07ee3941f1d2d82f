// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { CompiledAuthority } from '../authority/index.ts';
import { checkAttestation, type VerifiedSigner } from '../cosign/index.ts';
import { APPROVAL_TYPE, readApproval, type ApprovalPredicate } from '../exception/index.ts';
import type { Digest } from '../image/index.ts';
import type { Evidence, RawSignature } from '../ports.ts';
import { isInconclusive } from '../reasons.ts';
import type { CheckResult } from '../result.ts';

/** What a bundle in `spec.approvals` is worth for one approver. The present has no part in it. */
export type SignedApproval =
  | {
      readonly outcome: 'signed';
      readonly signer: VerifiedSigner;
      readonly approval: ApprovalPredicate;
      readonly checks: readonly CheckResult[];
    }
  | {
      readonly outcome: 'refused';
      readonly authority: string;
      readonly detail: string;
      readonly checks: readonly CheckResult[];
      /** Whether something broke down: it is asked again. */
      readonly isOpen: boolean;
    };

/** Verifies one bundle as an approval of a spec by one authority. Total and synchronous. */
export function checkApproval(
  bundle: RawSignature,
  specHash: Digest,
  authority: CompiledAuthority,
): SignedApproval {
  let approval: ApprovalPredicate | undefined;
  const fact = checkAttestation(bundle, evidenceOf(bundle, specHash), {
    authority,
    predicateType: APPROVAL_TYPE,
    accept: ({ statement }, list) => {
      approval = list.run('approval', 'predicate is an approval', () =>
        readApproval(statement.predicate),
      );
    },
  });
  const { checks } = fact;
  if (fact.outcome === 'attested' && approval !== undefined)
    return { outcome: 'signed', signer: fact.signer, approval, checks };
  const refused = { outcome: 'refused', authority: authority.name, checks, isOpen: false } as const;
  if (fact.outcome !== 'refused') return { ...refused, detail: `is no ${APPROVAL_TYPE}` };
  const isOtherSpec = fact.code === 'SUBJECT_MISMATCH';
  const detail = isOtherSpec ? 'is of another spec than this' : `${fact.code}: ${fact.detail}`;
  return { ...refused, detail, isOpen: isInconclusive(fact.code) };
}

/** The hash of a spec stands where the digest of an image does; there is no manifest that could be signed. */
function evidenceOf(bundle: RawSignature, specHash: Digest): Evidence {
  return {
    digest: specHash,
    manifest: { mediaType: '', bytes: new Uint8Array() },
    signatures: [bundle],
    gaps: [],
  };
}

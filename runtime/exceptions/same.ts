// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { SigningException } from '../../crds/index.ts';
import { canonicalJson } from '../../verification/index.ts';

/** Whether two states of an exception permit the same: what the rest of the status tells decides nothing. */
export function permitsSame(one: SigningException, other: SigningException): boolean {
  return meaningOf(one) === meaningOf(other);
}

function meaningOf({ metadata, spec, status }: SigningException): string {
  const { uid, creationTimestamp, deletionTimestamp } = metadata;
  const { approvals, revoked } = status ?? {};
  return canonicalJson({ uid, creationTimestamp, deletionTimestamp, spec, approvals, revoked });
}

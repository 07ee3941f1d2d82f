// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { isDeepStrictEqual } from 'node:util';
import type { SigningException } from '../../crds/index.ts';

/** Whether two states of an exception permit the same: what the rest of the status tells decides nothing. */
export function permitsSame(one: SigningException, other: SigningException): boolean {
  return isDeepStrictEqual(decisive(one), decisive(other));
}

function decisive({ metadata, spec, status }: SigningException): readonly unknown[] {
  const { name, namespace, uid, creationTimestamp, deletionTimestamp } = metadata;
  const { approvals, revoked } = status ?? {};
  return [name, namespace, uid, creationTimestamp, deletionTimestamp, spec, approvals, revoked];
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { isDeepStrictEqual } from 'node:util';
import type { SigningException } from '../../crds/index.ts';
import { decisiveParts } from './decisive.ts';

/** Whether two states of an exception permit the same: what the rest of the status tells decides nothing. */
export function permitsSame(one: SigningException, other: SigningException): boolean {
  return isDeepStrictEqual(withoutVersion(one), withoutVersion(other));
}

/** Every write makes another version, whatever it changed. */
function withoutVersion(object: SigningException): SigningException {
  const parts = decisiveParts(object);
  return { ...parts, metadata: { ...parts.metadata, resourceVersion: '' } };
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { KeyAuthority } from '../authority/index.ts';
import { parsePublicKeys } from '../trust/index.ts';
import type { KeyIssuer } from './issuer.ts';

/** An authority of the keys of the issuers, at any time and without logs. */
export function keyAuthority(
  name: string,
  issuers: readonly Pick<KeyIssuer, 'publicKeyPem'>[],
): KeyAuthority {
  const keys = issuers.flatMap(({ publicKeyPem }) => parsePublicKeys(publicKeyPem));
  const hash = `keys ${keys.map(({ fingerprint }) => fingerprint).join(' ')}`;
  return { kind: 'key', name, hash, keys, window: { from: -Infinity, until: Infinity } };
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Keychain } from '../../ports.ts';

/** No credentials for anybody. */
export const anonymousKeychain: Keychain = {
  identity: 'anonymous',
  credentialFor: () => undefined,
};

/** The first keychain of the list that has a credential decides; none, and access is anonymous. */
export function combineKeychains(keychains: readonly Keychain[]): Keychain {
  const [only] = keychains;
  if (only === undefined) return anonymousKeychain;
  if (keychains.length === 1) return only;
  return {
    // Unambiguous whatever the names hold, since they become parts of cache keys.
    identity: JSON.stringify(keychains.map((keychain) => keychain.identity)),
    credentialFor: (host, repository) => {
      for (const keychain of keychains) {
        const credential = keychain.credentialFor(host, repository);
        if (credential !== undefined) return credential;
      }
      return undefined;
    },
  };
}

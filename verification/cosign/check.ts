// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Digest } from '../image/index.ts';
import type { Evidence, RawSignature } from '../ports.ts';
import type { TrustedKey } from '../trust/index.ts';
import { checkBundle } from './bundle.ts';
import type { SignatureFact } from './fact.ts';
import { checkSimpleSigning } from './simple-signing.ts';

/** An authority as far as the checks of one signature need it. */
export interface KeyAuthority {
  readonly name: string;
  readonly keys: readonly TrustedKey[];
}

/** Judges one signature of the evidence for one authority. Total and synchronous. */
export function checkSignature(
  signature: RawSignature,
  evidence: Evidence,
  authority: KeyAuthority,
): SignatureFact {
  const against: { authority: string; keys: readonly TrustedKey[]; digest: Digest } = {
    authority: authority.name,
    keys: authority.keys,
    digest: evidence.digest,
  };
  switch (signature.format) {
    case 'simple-signing':
      return checkSimpleSigning(signature, against);
    case 'bundle':
      return checkBundle(signature, { ...against, manifest: evidence.manifest.bytes });
    case 'dsse':
      return { outcome: 'not-a-signature', checks: [] };
  }
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import seeds from '@sigstore/tuf/seeds.json' with { type: 'json' };
import { VerificationError } from '../../error.ts';
import type { TrustedRootText } from '../../ports.ts';
import { TRUSTED_ROOT } from './metadata.ts';

const PUBLIC_GOOD = 'https://tuf-repo-cdn.sigstore.dev';

/** A repository as it is shipped: where it is, what trust in it starts from, and what it said then. */
export interface TufSeed {
  readonly mirror: string;
  /** Text of `root.json`. */
  readonly root: string;
  /** Text of `trusted_root.json`. */
  readonly trustedRoot: string;
}

/** The public-good instance, as shipped with the package of Sigstore's TUF client. */
export function publicGoodSeed(): TufSeed {
  const seed = seeds[PUBLIC_GOOD];
  return {
    mirror: PUBLIC_GOOD,
    root: decode(seed['root.json']),
    trustedRoot: decode(seed.targets[TRUSTED_ROOT]),
  };
}

/**
 * The `trusted_root.json` of the public-good instance as shipped, without any network: the first
 * good value, which may be older than what is published.
 */
export function seedTrustedRoot(): TrustedRootText {
  return { text: publicGoodSeed().trustedRoot, fromSeed: true };
}

function decode(text: string | undefined): string {
  if (text === undefined || text === '')
    throw new VerificationError('INTERNAL', 'the seed of the public-good instance is missing');
  return Buffer.from(text, 'base64').toString('utf8');
}

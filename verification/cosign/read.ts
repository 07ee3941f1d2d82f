// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Statement } from '../attestation/index.ts';
import { toVerificationError } from '../error.ts';
import { isInconclusive } from '../reasons.ts';
import type { SignedEntity } from './entity.ts';

/** What the signed bytes say about an image, and how to hold it to the image at hand. */
export type Claim =
  /** The payload of an envelope, an in-toto statement where it is one. */
  | {
      readonly kind: 'statement';
      readonly payloadType: string;
      readonly statement: () => Statement;
    }
  /** A simple signing payload. */
  | { readonly kind: 'simple-signing'; readonly payload: Uint8Array }
  /** The manifest itself was signed; the digest of it that the bundle states, and its hash. */
  | { readonly kind: 'manifest'; readonly algorithm: string; readonly stated: Buffer };

/** A signature as read from its wrapping: well formed, and not verified in any way. */
export interface ReadSignature {
  readonly entity: SignedEntity;
  readonly claim: Claim;
  /** The byte strings that a timestamp of this signature may be over. */
  readonly imprints: readonly Buffer[];
}

/** Answers, or throws, for an object what came of reading it the first time; a fault of our own is not kept. */
export function readOnce<K extends object, T>(read: (of: K) => T): (of: K) => T {
  const known = new WeakMap<K, () => T>();
  return (of) => {
    const again = known.get(of);
    if (again !== undefined) return again();
    try {
      const value = read(of);
      known.set(of, () => value);
      return value;
    } catch (thrown) {
      if (!isInconclusive(toVerificationError(thrown).code))
        known.set(of, () => {
          throw thrown;
        });
      throw thrown;
    }
  };
}

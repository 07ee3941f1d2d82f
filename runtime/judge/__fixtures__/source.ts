// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Digest, Evidence, EvidenceSource, ImageReference, Keychain, SourceOptions } from '../../../verification/index.ts';

/** A collection that was started and that a test ends. */
export interface Collection {
  readonly image: ImageReference & { readonly digest: Digest };
  readonly options: SourceOptions;
  readonly answer: (evidence: Evidence) => void;
  readonly fail: (error: unknown) => void;
}

/** A source whose every collection waits until the test ends it; it does not heed signals. */
export class HeldSource implements EvidenceSource {
  readonly collections: Collection[] = [];

  collect(image: ImageReference & { readonly digest: Digest }, options: SourceOptions): Promise<Evidence> {
    const { promise, resolve, reject } = Promise.withResolvers<Evidence>();
    this.collections.push({ image, options, answer: resolve, fail: reject });
    return promise;
  }

  resolveTag(): Promise<Digest> {
    return Promise.reject(new Error('not asked for in these tests'));
  }

  /** How many collections were ever started. */
  get count(): number {
    return this.collections.length;
  }

  /** The newest collection; throws where none was started. */
  get last(): Collection {
    const last = this.collections.at(-1);
    if (last === undefined) throw new Error('no collection was started');
    return last;
  }
}

/** A keychain without credentials, of an identity. */
export function keychainOf(identity: string): Keychain {
  return { identity, credentialFor: () => undefined };
}

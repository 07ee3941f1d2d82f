// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { LRUCache } from 'lru-cache';
import {
  parseImageReference,
  toVerificationError,
  VerificationError,
  type ImageReference,
} from '../../verification/index.ts';

/** A reference as written, read; or the REF_INVALID that it is. */
export type ReadReference = ImageReference | VerificationError;

const KEPT = 20_000;
const MAX_KEPT_CHARS = 1024;

/** Reads image references and keeps what was read: the same few strings come with every pod. */
export class ReferenceReader {
  readonly #known = new LRUCache<string, ReadReference>({ max: KEPT });

  /** Never throws. */
  read(written: string): ReadReference {
    const known = this.#known.get(written);
    if (known !== undefined) return known;
    const reference = parse(written);
    if (written.length <= MAX_KEPT_CHARS) this.#known.set(written, reference);
    return reference;
  }
}

/** Whether the reference could be read. */
export function isReference(read: ReadReference): read is ImageReference {
  return !(read instanceof VerificationError);
}

function parse(written: string): ReadReference {
  try {
    return parseImageReference(written);
  } catch (thrown) {
    return toVerificationError(thrown);
  }
}

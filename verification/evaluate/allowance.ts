// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

/** What one judgement may establish by itself. A keyless signature costs two milliseconds or three. */
const FACTS = 12;
const BYTES = 128 * 1024;

/**
 * Bounds what one judgement establishes while others wait: who pushes a hundred small signatures must not
 * hold up more than who pushes one large one.
 */
export class Allowance {
  #facts = FACTS;
  #bytes = BYTES;

  /** Takes one fact about so many bytes; false where that is more than what is left. */
  take(bytes: number): boolean {
    if (this.#facts === 0 || this.#bytes < bytes) return false;
    this.#facts -= 1;
    this.#bytes -= bytes;
    return true;
  }
}

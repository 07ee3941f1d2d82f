// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { toVerificationError, VerificationError } from '../../error.ts';
import type { EvidenceGap } from '../../ports.ts';
import type { ReasonCode } from '../../reasons.ts';

/** Enough to explain; a thousand missing referrers say no more than a few. */
const MAX_PER_CODE = 5;

/** Notes what could not be read, so that one broken part never spoils the others. */
export class GapRecorder {
  readonly #gaps: EvidenceGap[] = [];

  /** What was noted so far; a few of each code. */
  get list(): readonly EvidenceGap[] {
    return [...this.#gaps];
  }

  /** Notes a gap. */
  note(code: ReasonCode, what: string, detail: string): void {
    if (this.#gaps.filter((gap) => gap.code === code).length < MAX_PER_CODE) {
      this.#gaps.push({ code, what, detail });
    }
  }

  /** The outcome of the work, or `undefined` and a gap where it fails. Never rejects. */
  async attempt<T>(what: string, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (thrown) {
      const { code, message } = toVerificationError(thrown);
      this.note(code, what, message);
      return undefined;
    }
  }
}

/** The error of something that should be there. */
export function notFound(what: string): VerificationError {
  return new VerificationError('REGISTRY_UNAVAILABLE', `${what}: not found`);
}

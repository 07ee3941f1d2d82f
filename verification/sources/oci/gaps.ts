// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { toVerificationError, VerificationError } from '../../error.ts';
import type { EvidenceGap } from '../../ports.ts';
import type { ReasonCode } from '../../reasons.ts';

/** Enough to explain; a thousand missing referrers say no more than a few. */
const MAX_ALIKE = 5;

/** Notes what could not be read, so that one broken part never spoils the others. */
export class GapRecorder {
  readonly #gaps: EvidenceGap[] = [];

  /** What was noted so far; a few of each code and kind. */
  get list(): readonly EvidenceGap[] {
    return [...this.#gaps];
  }

  /** Notes a gap, unless there are enough like it: what attestations lack must not hide what signatures do. */
  note(code: ReasonCode, what: string, detail: string): void {
    this.#add({ code, what, detail });
  }

  /** The outcome of the work, or `undefined` and a gap where it fails. Never rejects. */
  async attempt<T>(what: string, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (thrown) {
      const { code, message, isAbsence } = toVerificationError(thrown);
      this.#add({ code, what, detail: message, ...(isAbsence ? { isAbsence } : {}) });
      return undefined;
    }
  }

  #add(gap: EvidenceGap): void {
    const kind = kindOf(gap.what);
    // What is missing and what could not be reached are told apart: neither may hide the other.
    const alike = this.#gaps.filter(
      (other) =>
        other.code === gap.code && other.isAbsence === gap.isAbsence && kindOf(other.what) === kind,
    );
    if (alike.length < MAX_ALIKE) this.#gaps.push(gap);
  }
}

/** Its first word: `referrer`, `blob`, `attestation` … */
function kindOf(what: string): string {
  return what.split(' ', 1)[0] ?? '';
}

/** The error of something that should be there. */
export function notFound(what: string): VerificationError {
  return new VerificationError('REGISTRY_UNAVAILABLE', `${what}: not found`, { isAbsence: true });
}

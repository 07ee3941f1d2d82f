// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { EvidenceNote, KeptEvidence, VerifiedEvidence } from '../../runtime/verified-evidence/index.ts';

/** Keeps evidence in memory. */
export class KeptInMemory implements VerifiedEvidence {
  readonly #kept = new Map<string, KeptEvidence>();

  note({ key, evidence, collectedAt, verified, satisfied = [] }: EvidenceNote): void {
    const before = this.#kept.get(key);
    if (verified) this.#kept.set(key, { evidence, collectedAt, superseded: false, satisfied });
    else if (before !== undefined) this.#kept.set(key, { ...before, superseded: true });
  }

  find(key: string): Promise<KeptEvidence | undefined> {
    return Promise.resolve(this.#kept.get(key));
  }
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { parseImageReference, type CompiledPolicy } from '../../../verification/index.ts';
import type { FindingsFollower, Found, Judged } from '../workload/index.ts';
import type { Absences } from './absences.ts';

/** What follows findings works with. */
export interface SuspectsOptions {
  readonly absences: Absences;
  /** Called for each workload that may have to be acted on. */
  readonly enqueue: (key: string) => void;
}

/** A requirement of a policy for an image. */
export interface Asked {
  readonly digest: string;
  readonly policy: string;
  readonly requirement: string;
}

/** Whether a policy asks for more than reports. */
export function asksForAction({ spec }: CompiledPolicy): boolean {
  return spec.reverification.onRejected !== 'Report';
}

/**
 * The images of workloads that may have to be acted on, as re-verification found them last, and what
 * exceptions covered before. It only tells where to look: what is done is decided anew.
 */
export class Suspects implements FindingsFollower {
  readonly #options: SuspectsOptions;
  readonly #suspects = new Map<string, readonly Judged[]>();
  readonly #waived = new Map<string, Set<string>>();

  constructor(options: SuspectsOptions) {
    this.#options = options;
  }

  found(key: string, { workload, findings, before, exempt }: Found): void {
    const judged = findings.filter((finding) => 'digest' in finding);
    const { namespace = '' } = workload.metadata;
    this.#noteVerified(key, judged, namespace);
    this.#noteWaived(key, judged, before);
    const suspects = exempt ? [] : judged.filter(isSuspect);
    if (suspects.length === 0) this.#suspects.delete(key);
    else {
      this.#suspects.set(key, suspects);
      this.#options.enqueue(key);
    }
  }

  gone(key: string): void {
    this.#suspects.delete(key);
    this.#waived.delete(key);
    this.#options.absences.forget(key);
  }

  /** The images of a workload that may have to be acted on. */
  of(key: string): readonly Judged[] {
    return this.#suspects.get(key) ?? [];
  }

  /** Whether an exception was seen to cover a requirement, and nothing has satisfied it since. */
  wasExempt(key: string, asked: Asked): boolean {
    return this.#waived.get(key)?.has(nameOf(asked)) ?? false;
  }

  #noteVerified(key: string, judged: readonly Judged[], namespace: string): void {
    for (const { observed, image, digest, policies } of judged) {
      const isVerified = policies.some(
        ({ policy, verdict }) =>
          asksForAction(policy) && policy.needsEvidence && verdict.outcome === 'verified',
      );
      if (!isVerified) continue;
      const { host } = parseImageReference(image);
      this.#options.absences.verified(
        key,
        { host, digest },
        { observed, image, digest, namespace },
      );
    }
  }

  #noteWaived(key: string, judged: readonly Judged[], before: Found['before']): void {
    const waived = new Set([...(this.#waived.get(key) ?? []), ...skippedIn(before)]);
    for (const { name, outcome } of judged.flatMap(outcomesOf)) {
      if (outcome === 'exempt') waived.add(name);
      if (outcome === 'verified') waived.delete(name);
    }
    const present = new Set<string>(judged.map(({ digest }) => digest));
    const kept = [...waived].filter((name) => present.has(name.slice(0, name.indexOf('|'))));
    if (kept.length === 0) this.#waived.delete(key);
    else this.#waived.set(key, new Set(kept));
  }
}

/** What exceptions covered when the report was written; it may have been edited. */
function skippedIn(report: Found['before']): readonly string[] {
  return (report?.results ?? []).flatMap(({ result, policy = '', rule = '', properties = {} }) =>
    result === 'skip'
      ? [nameOf({ digest: properties['digest'] ?? '', policy, requirement: rule })]
      : [],
  );
}

function outcomesOf({ digest, policies }: Judged) {
  return policies.flatMap(({ policy, verdict }) =>
    verdict.results.map(({ requirement, outcome }) => ({
      name: nameOf({ digest, policy: policy.name, requirement }),
      outcome,
    })),
  );
}

function isSuspect({ policies }: Judged): boolean {
  return policies.some(
    ({ policy, mode, verdict }) =>
      asksForAction(policy) && mode === 'Enforce' && verdict.outcome === 'rejected',
  );
}

function nameOf({ digest, policy, requirement }: Asked): string {
  return [digest, policy, requirement].join('|');
}

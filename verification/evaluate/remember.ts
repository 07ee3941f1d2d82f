// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { CompiledRequirement } from '../policy/index.ts';
import type { Evidence } from '../ports.ts';
import type { VerifiedResult } from '../result.ts';
import type { Validity } from '../trust/index.ts';

/** Results by requirement and evidence, each with the time during which it holds. */
export type Remembered = WeakMap<
  CompiledRequirement,
  WeakMap<Evidence, { readonly result: VerifiedResult; readonly window: Validity }>
>;

interface Place {
  readonly requirement: CompiledRequirement;
  readonly evidence: Evidence;
}

/** The result that holds for a requirement and evidence at an instant, where it is known. */
export function remembered(
  { verified }: { readonly verified?: Remembered },
  { requirement, evidence, now }: Place & { readonly now: number },
): VerifiedResult | undefined {
  const known = verified?.get(requirement)?.get(evidence);
  if (known === undefined) return undefined;
  return now >= known.window.from && now <= known.window.until ? known.result : undefined;
}

/** Keeps a result that nothing but requirement, evidence and time has a part in. */
export function remember(
  { verified }: { readonly verified?: Remembered },
  {
    requirement,
    evidence,
    result,
    window,
  }: Place & {
    readonly result: VerifiedResult;
    readonly window: Validity;
  },
): void {
  const results: NonNullable<ReturnType<Remembered['get']>> =
    verified?.get(requirement) ?? new WeakMap();
  results.set(evidence, { result, window });
  verified?.set(requirement, results);
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { JudgeInput } from '../../../runtime/judge/index.ts';
import type { Ground, Judged, WorkloadObject } from '../workload/index.ts';
import type { Charge } from './charges.ts';

/** What is done. */
export type RemediationAction = 'evict' | 'rollback';
/** What came of it. */
export type RemediationOutcome = 'done' | 'blocked' | 'held' | 'skipped' | 'impossible' | 'failed';

/** An image of a workload with what it is charged with, all of which may be acted on. */
export interface Guilty {
  readonly judged: Judged;
  readonly input: JudgeInput;
  readonly charges: readonly Charge[];
}

/** A workload to act on. */
export interface Convicted {
  readonly workload: WorkloadObject;
  readonly ground: Ground;
  /** Never empty. */
  readonly guilty: readonly Guilty[];
  /** Asked again before each deed: whether all of them are still rejected. */
  readonly isStillSo: () => Promise<boolean>;
}

/** What is to be done about an image: where policies differ, the one that changes no object decides. */
export function actionFor(charges: readonly Charge[]): RemediationAction {
  const asked = charges.map(({ policy }) => policy.spec.reverification.onRejected);
  return asked.includes('Evict') ? 'evict' : 'rollback';
}

/** Images and what they are charged with, for people. */
export function described(guilty: readonly Guilty[]): string {
  const one = ({ policy, requirement, cause }: Charge): string =>
    `${cause} [${policy.name}/${requirement}]`;
  const told = guilty.map(
    ({ judged, charges }) => `${judged.image}: ${charges.map(one).join(', ')}`,
  );
  return [...new Set(told)].join('; ');
}

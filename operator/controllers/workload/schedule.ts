// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { isInconclusive, type ExceptionIndex } from '../../../verification/index.ts';
import type { Finding, Ground } from './examine.ts';
import { EARLIEST_LOOK } from './refreshes.ts';

/** What decides when a workload is looked at next. */
export interface ScheduleInput {
  readonly findings: readonly Finding[];
  readonly ground: Pick<Ground, 'namespace' | 'exceptions'>;
  readonly now: number;
  /** Between 0 and 1, for jitter. */
  readonly random: () => number;
}

/** What could not be told is tried again after about this time. */
const RETRY_MS = 60_000;
/** A boundary is passed one millisecond later for sure, whatever a timer rounds. */
const AFTER_MS = 1;

/**
 * Milliseconds until a workload is to be looked at again: the shortest interval of its policies, or the
 * next instant at which an exception for one of its images begins or ends. `undefined` where nothing
 * but a change can make a difference.
 */
export function nextLookMs({ findings, ground, now, random }: ScheduleInput): number | undefined {
  const jitter = EARLIEST_LOOK + random() / 5;
  const intervals = findings.flatMap(({ policies }) =>
    policies.map((p) => ('verdict' in p ? p.policy : p).intervalMs * jitter),
  );
  const retry = findings.some(isOpen) ? [RETRY_MS * jitter] : [];
  const boundaries = findings
    .flatMap((finding) => boundariesOf(finding, ground.namespace, ground.exceptions))
    .filter((instant) => instant > now)
    .map((instant) => instant - now + AFTER_MS);
  const waits = [...intervals, ...retry, ...boundaries];
  return waits.length === 0 ? undefined : Math.min(...waits);
}

function isOpen(finding: Finding): boolean {
  if ('error' in finding) return isInconclusive(finding.error.code);
  return finding.policies.some(({ verdict }) =>
    verdict.results.some((result) => result.outcome === 'inconclusive'),
  );
}

function boundariesOf(
  finding: Finding,
  namespace: string,
  exceptions: ExceptionIndex,
): readonly number[] {
  if ('error' in finding) return [];
  return finding.policies
    .flatMap(({ policy }) => exceptions.candidates(policy.name, namespace, finding.digest))
    .flatMap((exception) => [exception.notBefore, exception.expiresAt]);
}

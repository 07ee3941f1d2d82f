// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import {
  ApprovalAllowance,
  approvalBoundaries,
  hasUnverifiedApprovals,
  isInconclusive,
  type CompiledException,
  type CompiledPolicy,
} from '../../../verification/index.ts';
import type { Finding, Ground } from './examine.ts';

/** What decides when a workload is looked at next. */
export interface ScheduleInput {
  readonly findings: readonly Finding[];
  readonly ground: Pick<Ground, 'namespace' | 'exceptions'>;
  /** When the look began: what passed since then was not seen by it. */
  readonly since: number;
  readonly now: number;
  /** Between 0 and 1, for jitter. */
  readonly random: () => number;
}

/** What could not be told is tried again after about this time. */
const RETRY_MS = 60_000;
/** A boundary is passed one millisecond later for sure, whatever a timer rounds. */
const AFTER_MS = 1;

/**
 * Milliseconds until a workload is to be looked at again: when the evidence of one of its images is
 * due, or at the next instant at which an exception for one of them or the window of a key begins, or at
 * which an exception or its approval ends, or what was verified ends with the window of a key, a certificate up to its
 * root or the age of an attestation. What could not be told or read
 * comes sooner. `undefined` where nothing but a change can make a difference.
 */
export function nextLookMs(input: ScheduleInput): number | undefined {
  const { findings, ground, since, now, random } = input;
  // Never early: what is not due yet would not be read.
  const jitter = 1 + random() / 5;
  const dues = findings.flatMap(duesOf).map((ms) => (ms > 0 ? ms : RETRY_MS) * jitter);
  const uses = findings.flatMap((finding) => usesOf(finding, ground));
  // Before the boundaries verify some of them: the verdict did not know of these yet.
  const isUnsettled = uses.some((use) => hasUnverifiedApprovals(use.exception, use.policy));
  const retry = isUnsettled || findings.some(isOpen) ? [RETRY_MS * jitter] : [];
  const boundaries = findings
    .flatMap((finding) => [...beginningsOf(finding), ...endsOf(finding)])
    .concat(boundariesOf(uses))
    .filter((instant) => instant > since)
    .map((instant) => Math.max(instant - now, 0) + AFTER_MS);
  const waits = [...dues, ...retry, ...boundaries];
  // One after the other: there may be more of them than a call takes arguments.
  const soonest = waits.reduce((a, b) => Math.min(a, b), Infinity);
  return soonest === Infinity ? undefined : soonest;
}

function duesOf(finding: Finding): readonly number[] {
  if ('dueInMs' in finding) return [finding.dueInMs];
  return finding.policies.map((policy) => policy.intervalMs);
}

function isOpen(finding: Finding): boolean {
  if ('error' in finding) return isInconclusive(finding.error.code);
  return finding.policies.some(
    ({ verdict, lastVerified }) =>
      // What kept evidence bridges is an outage still.
      lastVerified !== undefined ||
      verdict.results.some((result) => result.outcome === 'inconclusive'),
  );
}

interface ExceptionUse {
  readonly exception: CompiledException;
  readonly policy: CompiledPolicy;
}

/** The exceptions that name a policy, the namespace and an image. */
function usesOf(
  finding: Finding,
  { namespace, exceptions }: ScheduleInput['ground'],
): readonly ExceptionUse[] {
  if ('error' in finding) return [];
  return finding.policies.flatMap(({ policy }) =>
    exceptions
      .candidates(policy.name, namespace, finding.digest)
      .map((exception) => ({ exception, policy })),
  );
}

function boundariesOf(uses: readonly ExceptionUse[]): readonly number[] {
  const allowance = new ApprovalAllowance();
  return uses.flatMap(({ exception, policy }) => [
    exception.notBefore,
    exception.expiresAt,
    ...approvalBoundaries(exception, policy, allowance),
  ]);
}

/** What a key signed may count from the instant on at which its window begins. */
function beginningsOf(finding: Finding): readonly number[] {
  if ('error' in finding) return [];
  return finding.policies
    .flatMap(({ policy }) => policy.requirements)
    .flatMap((requirement) => ('authorities' in requirement ? requirement.authorities : []))
    .flatMap((authority) => (authority.kind === 'key' ? [authority.window.from] : []));
}

/** A verified result holds up to its last instant, and is over after it; so does evidence that was kept. */
function endsOf(finding: Finding): readonly number[] {
  if ('error' in finding) return [];
  return finding.policies
    .flatMap(({ policy, verdict, lastVerified }) => [
      ...verdict.results.flatMap((result) =>
        result.outcome === 'verified' ? (result.holdsUntil ?? []) : [],
      ),
      ...(lastVerified === undefined
        ? []
        : [lastVerified.collectedAt.getTime() + (policy.lastVerifiedMaxAgeMs ?? 0)]),
    ])
    .map((instant) => instant + 1);
}

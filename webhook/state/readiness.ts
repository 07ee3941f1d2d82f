// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

/** What readiness depends on. */
export interface ReadinessInput {
  /** Whether there is a program to enforce; a lost one that is still held counts. */
  readonly programmed: boolean;
  /** Mirrors that must have taken a whole list, by name. */
  readonly mirrors: Readonly<Record<string, { readonly hasSynced: boolean }>>;
  /** Seconds since the API server last spoke of exceptions. */
  readonly exceptionsSilentSeconds: number;
  /** Whether a certificate is served. */
  readonly serving: boolean;
  /** Webhooks whose caBundle does not accept the certificate. */
  readonly refusing: readonly string[];
}

/** Longer silence about exceptions than this could hide that one was revoked. */
const MAX_SILENCE_SECONDS = 120;

/**
 * Whether what is known of exceptions is too old to be believed. Not being ready keeps new connections
 * away, but not the requests on those that are open.
 */
export function exceptionsAreStale(silentSeconds: number): boolean {
  return silentSeconds > MAX_SILENCE_SECONDS;
}

/** Why the replica is not ready; empty means ready (design §2). */
export function readinessProblems(input: ReadinessInput): readonly string[] {
  const unsynced = Object.entries(input.mirrors).flatMap(([name, mirror]) =>
    mirror.hasSynced ? [] : [`${name} are not read yet`],
  );
  return [
    ...(input.programmed ? [] : ['no program of policies yet']),
    ...unsynced,
    ...(exceptionsAreStale(input.exceptionsSilentSeconds)
      ? ['the watch of exceptions is stale']
      : []),
    ...(input.serving ? [] : ['no serving certificate yet']),
    ...input.refusing.map(
      (name) => `the caBundle of ${name} does not accept the serving certificate`,
    ),
  ];
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

/** What the environment may tell the harness. This file alone reads it. */
export interface HarnessSettings {
  /** Kubeconfig of an existing cluster to use instead of starting one. */
  readonly existingKubeconfig: string | undefined;
  /** Parts that must be there: their tests fail instead of being skipped. */
  readonly required: ReadonlySet<string>;
  /** Keep every file of the run, also of one that passed. */
  readonly keepFiles: boolean;
  /** The environment handed to child processes. */
  readonly childEnvironment: Readonly<NodeJS.ProcessEnv>;
}

/** Reads the settings anew on every call, so a test may change the environment. */
export function harnessSettings(): HarnessSettings {
  const { E2E_KUBECONFIG: existing, E2E_REQUIRE: required, E2E_KEEP: keep } = process.env;
  return {
    existingKubeconfig: existing === '' ? undefined : existing,
    required: new Set((required ?? '').split(',').filter((part) => part !== '')),
    keepFiles: keep !== undefined && keep !== '',
    childEnvironment: process.env,
  };
}

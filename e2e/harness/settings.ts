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
  /** Where the shared suite of Sigstore clients lies. */
  readonly conformanceDirectory: string;
  /** The environment handed to child processes. */
  readonly childEnvironment: Readonly<NodeJS.ProcessEnv>;
}

/** Beside the project, from the root of which everything is run. */
const VECTORS = '../shared/vectors/sigstore-conformance';

/** Reads the settings anew on every call, so a test may change the environment. */
export function harnessSettings(): HarnessSettings {
  const { E2E_KUBECONFIG: existing, E2E_REQUIRE: required, E2E_KEEP: keep } = process.env;
  const { CONFORMANCE_DIR: conformance = '' } = process.env;
  return {
    existingKubeconfig: existing === '' ? undefined : existing,
    required: new Set((required ?? '').split(',').filter((part) => part !== '')),
    conformanceDirectory: conformance === '' ? VECTORS : conformance,
    keepFiles: keep !== undefined && keep !== '',
    childEnvironment: process.env,
  };
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { startSigstore, type LocalSigstore } from './sigstore.ts';

let sigstore: Promise<LocalSigstore> | undefined;

/** One Sigstore for all scenarios of a run. Ended by the root hook of `e2e/world/hooks.ts`. */
export function sharedSigstore(): Promise<LocalSigstore> {
  sigstore ??= startSigstore();
  return sigstore;
}

/** Ends the shared Sigstore where one was started. */
export async function endSharedSigstore(): Promise<void> {
  const started = sigstore;
  sigstore = undefined;
  await (await started)?.stop();
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { orWhenAborted } from '../abort.ts';

/** Resolves when all of these have synced once; rejects with the reason of `signal` when that aborts first. */
export async function allSynced(
  reflectors: Iterable<{ readonly synced: Promise<void> }>,
  signal: AbortSignal,
): Promise<void> {
  const all = Promise.all([...reflectors].map((reflector) => reflector.synced));
  await orWhenAborted(
    all.then(() => undefined),
    signal,
    () => {
      const reason: unknown = signal.reason;
      throw reason instanceof Error ? reason : new Error('stopped before all was synced');
    },
  );
}

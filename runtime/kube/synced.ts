// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

/** Resolves when all of these have synced once; rejects with the reason of `signal` when that aborts first. */
export async function allSynced(
  reflectors: Iterable<{ readonly synced: Promise<void> }>,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  let onAbort: () => void = () => undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => {
      reject(
        signal.reason instanceof Error ? signal.reason : new Error('stopped before all was synced'),
      );
    };
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    await Promise.race([
      aborted,
      Promise.all([...reflectors].map((reflector) => reflector.synced)),
    ]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

/**
 * What `work` comes to, or what `whenAborted` answers (or throws) where the signal aborts first. The
 * work goes on, and what it throws later is nobody's: never an unhandled rejection.
 */
export async function orWhenAborted<T>(
  work: Promise<T>,
  signal: AbortSignal,
  whenAborted: () => T,
): Promise<T> {
  const { promise: aborted, resolve } = Promise.withResolvers<undefined>();
  const onAbort = (): void => resolve(undefined);
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });
  try {
    const done = work.then((value) => ({ value }));
    const first = await Promise.race([aborted, done]);
    return first === undefined ? whenAborted() : first.value;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

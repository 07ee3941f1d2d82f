// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

/**
 * Waits, until the signal fires at the latest; never rejects, and never keeps a process alive that has
 * nothing else to do.
 */
export async function quietSleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  const end = AbortSignal.any([signal, AbortSignal.timeout(milliseconds)]);
  if (end.aborted) return;
  await new Promise<void>((resolve) => {
    end.addEventListener('abort', () => resolve(), { once: true });
  });
}

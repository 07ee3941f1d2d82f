// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';

/** Milliseconds of CPU that this thread spends on some work: a busy machine makes them no more. */
export function cpuMilliseconds(work: () => unknown): number {
  const before = process.threadCpuUsage();
  work();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1000;
}

/** How much slower a machine may be than those on which the milliseconds were set. */
const SLOWER = 4;

/**
 * Answers what the work does; fails where it costs this thread so many milliseconds of CPU, on a machine
 * that is slow several times as many: what is to be noticed costs more by orders of magnitude.
 */
export function assertSoon<T>(milliseconds: number, work: () => T): T {
  const answers: T[] = [];
  const took = cpuMilliseconds(() => answers.push(work()));
  const most = milliseconds * SLOWER;
  assert.ok(took < most, `took ${took.toFixed(1)} ms of ${most.toString()}`);
  return answers[0] as T;
}

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

/** Answers what the work does; fails where it costs this thread so many milliseconds of CPU. */
export function assertSoon<T>(milliseconds: number, work: () => T): T {
  const answers: T[] = [];
  const took = cpuMilliseconds(() => answers.push(work()));
  assert.ok(took < milliseconds, `took ${took.toFixed(1)} ms of ${milliseconds.toString()}`);
  return answers[0] as T;
}

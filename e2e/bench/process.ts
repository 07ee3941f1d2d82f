// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { readFileSync } from 'node:fs';
import { median } from './load.ts';
import type { Scene } from './scene.ts';

const ROUNDS = 5;

/** Figures of the webhook's process. */
export interface ProcessFigures {
  readonly webhook_rss_mib: number;
  readonly webhook_ready_ms: number;
}

/** Resident memory after all load, and the time from start to ready; medians of five starts. */
export async function benchProcess(scene: Scene): Promise<ProcessFigures> {
  const { webhook } = scene.world;
  const rss = residentMib(webhook.pid ?? 0);
  const ready: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    await webhook.stop();
    const at = performance.now();
    await webhook.start();
    await webhook.ready();
    ready.push(performance.now() - at);
  }
  return { webhook_rss_mib: rss, webhook_ready_ms: median(ready) };
}

function residentMib(pid: number): number {
  const status = readFileSync(`/proc/${pid.toString()}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? Number.NaN) / 1024;
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { readFileSync } from 'node:fs';
import type { Component } from '../../world/index.ts';

/** What a process has used. */
export interface Usage {
  readonly rssMib: number;
  readonly peakRssMib: number;
  /** CPU seconds since its start. */
  readonly cpuSeconds: number;
}

const TICKS = 100;

/** Reads what the operator has used from the kernel. */
export function usageOf({ pid = 0 }: Component): Usage {
  const status = readFileSync(`/proc/${pid.toString()}/status`, 'utf8');
  const mib = (name: string): number =>
    Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? Number.NaN) / 1024;
  const stat = readFileSync(`/proc/${pid.toString()}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const cpuSeconds = (Number(fields[11]) + Number(fields[12])) / TICKS;
  return { rssMib: mib('VmRSS'), peakRssMib: mib('VmHWM'), cpuSeconds };
}

/** A metric of the operator without labels. */
export async function metricOf(operator: Component, name: string): Promise<number> {
  const { body } = await operator.probe('/metrics');
  const line = body.split('\n').find((l) => l.startsWith(`${name} `));
  if (line === undefined) throw new Error(`no metric ${name}`);
  return Number(line.split(' ')[1]);
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { median } from './load.ts';
import type { LoopBlock } from './loop-process.ts';

const PROCESSES = 5;

/**
 * For how many milliseconds large evidence makes the event loop stand still at most, and for how many of
 * these by work of its own: the rest is what other processes on the machine take.
 */
export interface LoopFigures {
  readonly dsse_5mb_loop_block_ms_max: number;
  readonly dsse_5mb_loop_work_ms_max: number;
  readonly cel_10k_packages_loop_block_ms_max: number;
  readonly cel_10k_packages_loop_work_ms_max: number;
}

/** The longest block of a process of its own, from a cold start; the middle one of five. */
export async function benchLoop(): Promise<LoopFigures> {
  const dsse = await longestBlock('dsse');
  const cel = await longestBlock('cel');
  return {
    dsse_5mb_loop_block_ms_max: dsse.blockMs,
    dsse_5mb_loop_work_ms_max: dsse.workMs,
    cel_10k_packages_loop_block_ms_max: cel.blockMs,
    cel_10k_packages_loop_work_ms_max: cel.workMs,
  };
}

async function longestBlock(kind: 'dsse' | 'cel'): Promise<LoopBlock> {
  const program = join(import.meta.dirname, 'loop-process.ts');
  const blocks: LoopBlock[] = [];
  for (let n = 0; n < PROCESSES; n += 1) {
    const { stdout } = await promisify(execFile)(process.execPath, [program, kind]);
    blocks.push(JSON.parse(stdout) as LoopBlock);
  }
  return {
    blockMs: median(blocks.map(({ blockMs }) => blockMs)),
    workMs: median(blocks.map(({ workMs }) => workMs)),
  };
}

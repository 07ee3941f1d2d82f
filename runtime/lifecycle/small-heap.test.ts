// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const MODULE: string = JSON.stringify(join(import.meta.dirname, 'small-heap.ts'));

/** Reads as many pages as a large cluster has pods, and keeps their names; answers the highest resident memory, KiB. */
function peakKib(begin: string): number {
  const script = `
    import { readFileSync } from 'node:fs';
    import { preferSmallHeap } from ${MODULE};
    ${begin}
    const fields = Object.fromEntries(Array.from({ length: 100 }, (_, n) => ['f:' + n, { n: {} }]));
    const items = Array.from({ length: 500 }, (_, n) => ({ n, text: 'x'.repeat(3000), fields }));
    const page = Buffer.from(JSON.stringify(items));
    const kept = [];
    for (let n = 0; n < 40; n += 1) {
      kept.push(...JSON.parse(page.toString()).map(({ n }) => ({ n })));
      await new Promise((resolve) => setImmediate(resolve));
    }
    // What resourceUsage() tells includes the process that this one was forked from.
    process.stdout.write(/VmHWM:\\s*(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]);
  `;
  const args = ['--input-type=module', '--eval', script];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return Number(stdout);
}

describe('preferSmallHeap', () => {
  it('keeps the memory small of a process through which much passes', () => {
    const [usual, small] = [peakKib(''), peakKib('preferSmallHeap();')];
    assert.ok(small < 0.9 * usual, `${small.toString()} KiB instead of ${usual.toString()} KiB`);
  });
});

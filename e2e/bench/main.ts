// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { benchCold } from './cold.ts';
import { benchDeadlines } from './deadlines.ts';
import { benchProcess } from './process.ts';
import { startScene } from './scene.ts';
import { benchWarm } from './warm.ts';

const OUT: string = join(import.meta.dirname, '..', '..', 'bench-results.json');

async function main(): Promise<void> {
  const scene = await startScene();
  try {
    const figures = {
      ...(await benchWarm(scene)),
      ...(await benchCold(scene)),
      ...(await benchDeadlines(scene)),
      ...(await benchProcess(scene)),
    };
    const rounded = Object.fromEntries(
      Object.entries(figures).map(([key, value]) => [key, Number(value.toPrecision(4))]),
    );
    writeFileSync(OUT, `${JSON.stringify(rounded, null, 2)}\n`);
    for (const [key, value] of Object.entries(rounded))
      process.stdout.write(`${key.padEnd(40)} ${value.toString()}\n`);
  } finally {
    await scene.stop();
  }
}

await main();

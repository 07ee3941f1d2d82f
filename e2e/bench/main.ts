// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { benchCold } from './cold.ts';
import { benchDeadlines } from './deadlines.ts';
import { benchKeyless } from './keyless.ts';
import { benchLoop } from './loop.ts';
import { benchProcess } from './process.ts';
import { startScene } from './scene.ts';
import { benchWarm } from './warm.ts';

const OUT: string = join(import.meta.dirname, '..', '..', 'bench-results.json');

type Figures = Readonly<Record<string, number>>;

/** What needs a cluster and a registry. */
async function benchAdmission(): Promise<Figures> {
  const scene = await startScene();
  try {
    return {
      ...(await benchWarm(scene)),
      ...(await benchCold(scene)),
      ...(await benchDeadlines(scene)),
      ...(await benchProcess(scene)),
    };
  } finally {
    await scene.stop();
  }
}

/** What needs nothing. */
async function benchVerification(): Promise<Figures> {
  return { ...benchKeyless(), ...(await benchLoop()) };
}

/** Argument: `admission` or `verification` alone; the figures of the other stay as they were. */
async function main(part: string | undefined): Promise<void> {
  const before: Figures =
    part === undefined || !existsSync(OUT)
      ? {}
      : (JSON.parse(readFileSync(OUT, 'utf8')) as Figures);
  const figures = {
    ...(part === 'verification' ? {} : await benchAdmission()),
    ...(part === 'admission' ? {} : await benchVerification()),
  };
  const rounded = Object.fromEntries(
    Object.entries(figures).map(([key, value]) => [key, Number(value.toPrecision(4))]),
  );
  writeFileSync(OUT, `${JSON.stringify({ ...before, ...rounded }, null, 2)}\n`);
  for (const [key, value] of Object.entries(rounded))
    process.stdout.write(`${key.padEnd(40)} ${value.toString()}\n`);
}

await main(process.argv[2]);

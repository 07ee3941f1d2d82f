// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { benchCold } from './cold.ts';
import { benchDeadlines } from './deadlines.ts';
import { benchEdits } from './edits.ts';
import { benchExceptions } from './exceptions.ts';
import { benchKeyless } from './keyless.ts';
import { benchLoop } from './loop.ts';
import { benchProcess } from './process.ts';
import { benchScale } from './scale/scale.ts';
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

/** What is measured, by the name under which it is run alone. */
const PARTS: Readonly<Record<string, () => Promise<Figures>>> = {
  admission: benchAdmission,
  edits: async () => ({ ...(await benchEdits()) }),
  exceptions: async () => ({ ...(await benchExceptions()) }),
  scale: async () => ({ ...(await benchScale()) }),
  verification: benchVerification,
};

/** Argument: a part to run alone; the figures of the others stay as they were. */
async function main(part: string | undefined): Promise<void> {
  const chosen = part === undefined ? Object.values(PARTS) : [PARTS[part]];
  const before: Figures =
    part === undefined || !existsSync(OUT)
      ? {}
      : (JSON.parse(readFileSync(OUT, 'utf8')) as Figures);
  const figures: Record<string, number> = {};
  for (const bench of chosen) {
    if (bench === undefined) throw new Error(`parts: ${Object.keys(PARTS).join(', ')}`);
    Object.assign(figures, await bench());
  }
  const rounded = Object.fromEntries(
    Object.entries(figures).map(([key, value]) => [key, Number(value.toPrecision(4))]),
  );
  writeFileSync(OUT, `${JSON.stringify({ ...before, ...rounded }, null, 2)}\n`);
  for (const [key, value] of Object.entries(rounded))
    process.stdout.write(`${key.padEnd(40)} ${value.toString()}\n`);
}

await main(process.argv[2]);

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { once } from 'node:events';
import type { CommandResult } from '../harness/index.ts';
import { CHAPTERS, prepare, Teller, type Narrator } from '../story/index.ts';
import { startWorld, type World } from '../world/index.ts';

const BOLD = process.stdout.isTTY ? '\u001b[1m' : '';
const DIM = process.stdout.isTTY ? '\u001b[2m' : '';
const PLAIN = process.stdout.isTTY ? '\u001b[0m' : '';
const started = performance.now();

const narrator: Narrator = {
  chapter: (title) => {
    const seconds = ((performance.now() - started) / 1000).toFixed(0);
    print(`\n${BOLD}== ${title}${PLAIN} ${DIM}(${seconds} s)${PLAIN}`);
  },
  say: (text) => {
    print(`   ${text}`);
  },
  command: (text, answer: CommandResult) => {
    print(`${BOLD}$ ${text}${PLAIN}`);
    print(`${answer.stdout}${answer.stderr}`.trimEnd());
  },
};

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

async function main(keep: boolean): Promise<void> {
  narrator.chapter('Starting a control plane, two registries, Countersign');
  const world = await startWorld({ onStep: (step) => narrator.say(step) });
  try {
    const teller = new Teller(world, narrator);
    narrator.chapter('Three images are pushed, two of them signed by cosign');
    const state = await prepare(teller);
    for (const chapter of CHAPTERS) {
      narrator.chapter(chapter.title);
      await chapter.tell(teller, state);
    }
    narrator.chapter('Done');
    if (keep) await lookAround(world);
  } finally {
    await world.stop();
  }
}

async function lookAround(world: World): Promise<void> {
  print('Everything stays up. In another terminal:');
  print(`  export KUBECONFIG=${world.kubectl.kubeconfig}`);
  print('  kubectl get itp,sigex,policyreports -A');
  print(`Logs are in ${world.plane.logDir} and beside it. Press Ctrl-C to end.`);
  // A signal that is waited for keeps no process alive.
  const alive = setInterval(() => undefined, 60_000);
  await once(process, 'SIGINT');
  clearInterval(alive);
}

await main(process.argv.includes('--keep'));

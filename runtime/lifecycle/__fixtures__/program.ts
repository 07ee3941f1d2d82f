// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { once } from 'node:events';
import { createLogger } from '../../log/index.ts';
import { runMain, type LifecycleContext } from '../lifecycle.ts';

/** A way to live and end, by its name: what a test has a process of its own do. */
export const PROGRAMS = {
  serves: (context: LifecycleContext): void => {
    context.onStop('first', () => say(`first ${context.signal.aborted}`));
    context.onStop('second', () => say('second'));
  },
  'cannot start': (): never => {
    throw new Error('no room');
  },
  'leaves a rejection': (): void => {
    void Promise.reject(new Error('forgotten'));
  },
  'throws outside of a promise': (): void => {
    setTimeout(() => {
      throw new Error('astray');
    }, 5);
  },
  'has a hook that fails': (context: LifecycleContext): void => {
    context.onStop('first', () => say('first'));
    context.onStop('second', () => Promise.reject(new Error('stuck')));
    context.onStop('third', () => {
      throw new Error('stuck too');
    });
  },
  'has a hook that hangs': (context: LifecycleContext): void => {
    context.onStop('first', () => say('first'));
    context.onStop('second', () => new Promise(() => undefined));
  },
  'is long in starting': async (context: LifecycleContext): Promise<void> => {
    context.onStop('first', () => say('first'));
    await say('ready');
    if (!context.signal.aborted) await once(context.signal, 'abort');
    await say('told');
  },
  'gives up starting': async (context: LifecycleContext): Promise<void> => {
    context.onStop('first', () => say('first'));
    await say('ready');
    if (!context.signal.aborted) await once(context.signal, 'abort');
    context.signal.throwIfAborted();
  },
} as const;

/** The name of one of the programs. */
export type ProgramName = keyof typeof PROGRAMS;

function say(word: string): Promise<void> {
  process.stdout.write(`${word}\n`);
  return Promise.resolve();
}

if (import.meta.main) {
  const name = process.argv[2] as ProgramName;
  setInterval(() => undefined, 60_000);
  const logger = createLogger({ level: 'info', format: 'json' });
  await runMain({ logger, stopMs: 100, onUnhandled: () => void say('counted') }, async (context) => {
    await PROGRAMS[name](context);
    await say('ready');
  });
}

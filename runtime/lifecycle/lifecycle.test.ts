// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { afterEach, describe, it } from 'mocha';
import type { ProgramName } from './__fixtures__/program.ts';

const PROGRAM = `${import.meta.dirname}/__fixtures__/program.ts`;

/** How a program lived and ended. */
interface Life {
  readonly code: number | null;
  readonly said: readonly string[];
  /** Severity and message of every line of its log. */
  readonly logged: readonly string[];
  readonly log: string;
}

describe('the life of a process', () => {
  let child: ChildProcess | undefined;

  afterEach(() => {
    child?.kill('SIGKILL');
  });

  /** Runs a program; sends it a signal as soon as it is ready, where one is given. */
  async function live(name: ProgramName, signal?: NodeJS.Signals): Promise<Life> {
    const running = spawn(process.execPath, [PROGRAM, name], { stdio: ['ignore', 'pipe', 'pipe'] });
    child = running;
    if (signal !== undefined) {
      let asked = false;
      running.stdout.on('data', (chunk: Buffer) => {
        if (!asked && chunk.includes('ready')) asked = running.kill(signal);
      });
    }
    const ended = once(running, 'close') as Promise<[number | null]>;
    const [said, log, [code]] = await Promise.all([
      text(running.stdout),
      text(running.stderr),
      ended,
    ]);
    const lines = log
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, string>);
    return {
      code,
      said: said.trim().split('\n'),
      log,
      logged: lines.map(({ level, message }) => `${level} ${message}`),
    };
  }

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`ends with 0 at ${signal}, and undoes what was set up, the last first`, async () => {
      const { code, said, logged, log } = await live('serves', signal);
      assert.deepEqual(
        [code, said, logged],
        [0, ['ready', 'second', 'first true'], ['info stopping']],
      );
      assert.match(log, new RegExp(`"signal":"${signal}"`, 'u'));
    });
  }

  it('ends with 1 where it cannot start', async () => {
    const { code, logged, log } = await live('cannot start');
    assert.deepEqual([code, logged], [1, ['error start failed']]);
    assert.match(log, /no room/);
  });

  it('goes on after a rejection that nobody handled, which is logged and counted', async () => {
    const { code, said, logged, log } = await live('leaves a rejection', 'SIGTERM');
    assert.deepEqual([code, logged], [0, ['error unhandled rejection', 'info stopping']]);
    assert.deepEqual(new Set(said), new Set(['ready', 'counted']));
    assert.match(log, /forgotten/);
  });

  it('ends with 1 at an exception outside of any promise', async () => {
    const { code, logged, log } = await live('throws outside of a promise');
    assert.deepEqual([code, logged], [1, ['error uncaught exception']]);
    assert.match(log, /astray/);
  });

  it('undoes the rest where undoing one thing fails, however it fails', async () => {
    const { code, said, logged } = await live('has a hook that fails', 'SIGTERM');
    assert.deepEqual([code, said], [0, ['ready', 'first']]);
    assert.deepEqual(logged, ['info stopping', 'warn stop hook failed', 'warn stop hook failed']);
  });

  it('ends in time where undoing one thing hangs', async () => {
    const { code, said } = await live('has a hook that hangs', 'SIGTERM');
    assert.deepEqual([code, said], [0, ['ready']]);
  });

  it('tells a start that is not done yet that the end was asked for', async () => {
    const { code, said, logged } = await live('is long in starting', 'SIGTERM');
    assert.deepEqual([code, logged], [0, ['info stopping']]);
    assert.deepEqual(said, ['ready', 'told', 'ready', 'first']);
  });

  it('does not take a start that gives up because of the end for one that failed', async () => {
    const { code, said, logged } = await live('gives up starting', 'SIGTERM');
    assert.deepEqual([code, said, logged], [0, ['ready', 'first'], ['info stopping']]);
  });
});

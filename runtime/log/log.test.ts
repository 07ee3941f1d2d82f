// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { fixedClock } from '../clock-testing.ts';
import { createLogger, silentLogger, type Logger, type LoggerOptions } from './logger.ts';

function recording(options: Partial<LoggerOptions> = {}): { logger: Logger; lines: string[] } {
  const lines: string[] = [];
  const sink = (line: string): void => {
    lines.push(line);
  };
  const logger = createLogger({
    level: 'info',
    format: 'json',
    clock: fixedClock(),
    sink,
    ...options,
  });
  return { logger, lines };
}

function only(lines: readonly string[]): Record<string, unknown> {
  assert.equal(lines.length, 1);
  return JSON.parse(lines[0] ?? '') as Record<string, unknown>;
}

describe('createLogger', () => {
  it('writes one JSON object a message, with the fields of parent and child', () => {
    const { logger, lines } = recording();
    logger
      .child({ controller: 'policy', key: 'a' })
      .info('policy compiled', { key: 'b', images: 3n });
    assert.deepEqual(only(lines), {
      time: '2026-01-01T00:00:00.000Z',
      level: 'info',
      message: 'policy compiled',
      controller: 'policy',
      key: 'b',
      images: '3',
    });
  });

  it('leaves out what is below the level', () => {
    const { logger, lines } = recording({ level: 'warn' });
    logger.info('no');
    logger.debug('no');
    logger.warn('yes');
    assert.equal(lines.length, 1);
  });

  it('shows name, message, code and cause of an error, and its stack only at level debug', () => {
    const error = Object.assign(new TypeError('bad', { cause: new Error('root') }), {
      code: 'E_BAD',
    });
    const { logger, lines } = recording();
    logger.error('failed', { error });
    assert.deepEqual(only(lines)['error'], {
      name: 'TypeError',
      message: 'bad',
      code: 'E_BAD',
      cause: { name: 'Error', message: 'root' },
    });
    const debug = recording({ level: 'debug' });
    debug.logger.error('failed', { error });
    assert.match((only(debug.lines)['error'] as { stack: string }).stack, /log\.test/);
  });

  it('escapes what could forge or hide a line, in both formats', () => {
    for (const format of ['json', 'text'] as const) {
      const { logger, lines } = recording({ format });
      logger.info('refused', { image: 'a\nb\u001b[31m\u009b\u2028\u202e' });
      assert.equal(lines.length, 1);
      for (const char of '\n\u001b\u009b\u2028\u202e') assert.ok(!(lines[0] ?? '').includes(char));
    }
  });

  it('does not let a field replace time, level or message', () => {
    const { logger, lines } = recording();
    logger.info('real', { message: 'forged', level: 'error' });
    const line = only(lines);
    assert.equal(line['message'], 'real');
    assert.equal(line['level'], 'info');
    assert.equal(line['message_'], 'forged');
  });

  it('never throws: cycles, getters that throw, huge values', () => {
    const { logger, lines } = recording();
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    const hostile = Object.defineProperty({}, 'x', {
      enumerable: true,
      get: () => {
        throw new Error('no');
      },
    });
    logger.info('odd', {
      cycle,
      hostile,
      big: 'x'.repeat(100_000),
      map: new Map([['k', new Set([1])]]),
      nan: Number.NaN,
    });
    assert.equal(lines.length, 1);
    assert.ok((lines[0] ?? '').length < 10_000);
    assert.deepEqual(only(lines)['map'], { k: [1] });
  });

  it('writes text for people', () => {
    const { logger, lines } = recording({ format: 'text' });
    logger.warn('slow registry', { host: 'r.example', note: 'two words' });
    assert.equal(
      lines[0],
      '2026-01-01T00:00:00.000Z WARN  slow registry host=r.example note="two words"',
    );
  });
});

describe('silentLogger', () => {
  it('says nothing, nor do its children', () => {
    silentLogger.child({ a: 1 }).error('nothing');
  });
});

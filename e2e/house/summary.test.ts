// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { summarise } from './summary.ts';

const MOCHA = fileURLToPath(new URL('../../node_modules/mocha/bin/mocha.js', import.meta.url));
const REPORTER = fileURLToPath(new URL('reporter.ts', import.meta.url));
const RESULT = { passed: 3, failed: 0, skipped: 1, milliseconds: 1200, failures: [] };

describe('summarise', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'summary-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  const put = (suite: string, value: unknown): void => {
    writeFileSync(join(folder, `${suite}.json`), JSON.stringify(value));
  };

  it('sums all runs into the last line', () => {
    put('unit', RESULT);
    put('e2e', { ...RESULT, passed: 4 });
    const { lines, exitCode } = summarise(folder, ['unit', 'e2e']);
    assert.equal(lines.at(-1), '7 passed, 0 failed, 2 skipped');
    assert.equal(lines[0], 'unit: 3 passed, 0 failed, 1 skipped in 1.2 s');
    assert.equal(exitCode, 0);
  });
  it('fails where a test failed, and names it near the end', () => {
    put('unit', { ...RESULT, failed: 1, failures: ['a reporter counts: 1 !== 2'] });
    const { lines, exitCode } = summarise(folder, ['unit']);
    assert.equal(exitCode, 1);
    assert.equal(lines.at(-3), 'failed: a reporter counts: 1 !== 2');
  });
  it('counts a missing result as a failure', () => {
    put('unit', RESULT);
    const { lines, exitCode } = summarise(folder, ['unit', 'e2e']);
    assert.equal(lines.at(-1), '3 passed, 1 failed, 1 skipped');
    assert.match(lines[1] ?? '', /^e2e: did not finish/);
    assert.equal(exitCode, 1);
  });
  it('counts a result without counts as a failure', () => {
    put('unit', { passed: 'many' });
    assert.equal(summarise(folder, ['unit']).exitCode, 1);
  });
  it('fails where nothing ran', () => {
    put('unit', { passed: 0, failed: 0, skipped: 0, milliseconds: 1 });
    assert.equal(summarise(folder, ['unit']).exitCode, 1);
    assert.equal(summarise(folder, []).exitCode, 1);
  });
  it('fails where everything was skipped', () => {
    put('unit', { ...RESULT, passed: 0 });
    assert.equal(summarise(folder, ['unit']).exitCode, 1);
  });
});

describe('the reporter', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'reporter-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  const run = (
    body: string,
    ...more: readonly string[]
  ): { readonly status: number | null; readonly stdout: string } => {
    writeFileSync(join(folder, 'a.cjs'), body);
    const option = `file=${join(folder, 'out/a.json')}`;
    const file = join(folder, 'a.cjs');
    return spawnSync(
      process.execPath,
      [MOCHA, '--no-config', '--reporter', REPORTER, '--reporter-option', option, ...more, file],
      { encoding: 'utf8' },
    );
  };

  it('prints the tests and writes their counts', () => {
    const { status, stdout } = run(`it('adds up', () => {}); it('is for later');
      it('breaks', () => { throw new Error('broken'); });`);
    assert.equal(status, 1);
    assert.match(stdout, /adds up/);
    const written: unknown = JSON.parse(readFileSync(join(folder, 'out/a.json'), 'utf8'));
    assert.deepEqual(
      { ...(written as object), milliseconds: 0 },
      { passed: 1, failed: 1, skipped: 1, milliseconds: 0, failures: ['breaks: broken'] },
    );
  });
  it('names what failed in runs side by side as well', () => {
    run(
      `describe('a', () => { it('breaks', () => { throw new Error('bro\\nken'); }); });`,
      '--parallel',
    );
    const { lines } = summarise(join(folder, 'out'), ['a']);
    assert.equal(lines[0], 'failed: a breaks: bro ken');
  });
  it('counts a failing hook', () => {
    run(`before(() => { throw new Error('no'); }); it('never runs', () => {});`);
    assert.equal(summarise(join(folder, 'out'), ['a']).exitCode, 1);
  });
  it('leaves no counts where the process dies', () => {
    run(`it('ends everything', () => { process.exit(0); });`);
    assert.match(summarise(join(folder, 'out'), ['a']).lines[0] ?? '', /did not finish/);
  });
});

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { symlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { KeyIssuer, testPolicy, TestTufRepository } from '../verification/testing/index.ts';
import { Bench, type Answer } from './__fixtures__/bench.ts';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));
/** Fails the process that imports what needs a cluster, or signs. */
const GUARD = `import { registerHooks } from 'node:module';
registerHooks({ resolve(specifier, context, next) {
  if (/client-node|k8s-operator|winston|prom-client|^sigstore$/.test(specifier)) throw new Error('imports ' + specifier);
  return next(specifier, context);
} });`;

describe('the process of the command line', function () {
  this.timeout(60_000);
  const issuer = new KeyIssuer();
  let bench: Bench;
  let policy: string;

  beforeEach(async () => {
    bench = new Bench();
    await bench.start();
    policy = bench.policy(testPolicy([issuer]));
  });
  afterEach(async () => {
    await bench.stop();
  });

  const verify = async (image: string, ...args: readonly string[]): Promise<Answer> =>
    await run('verify', image, '--policy', policy, '--plain-http', bench.registry.host, ...args);

  it('verifies, and loads nothing that needs a cluster', async () => {
    const { name } = bench.registry.push('app:1.2', [issuer]);
    const { code, stdout, stderr } = await verify(`${name}:1.2`);
    assert.match(stdout, /team\/signed: verified signed by key-0\n$/);
    assert.deepEqual([code, stderr], [0, '']);
  });

  it('waits where a registry asks it to, and then cannot tell: 3', async () => {
    bench.registry.fault = (response) => response.writeHead(503, { 'retry-after': '1' }).end();
    const { code, stdout, stderr } = await verify(`${bench.registry.host}/app:1.2`);
    assert.match(stdout, /inconclusive REGISTRY_UNAVAILABLE .*503/);
    assert.deepEqual([code, stderr], [3, '']);
    assert.equal(bench.registry.seen.length, 2);
  });

  it('waits where a mirror of trust roots asks it to, and then cannot tell: 3', async () => {
    bench.registry.fault = (response) => response.writeHead(503, { 'retry-after': '1' }).end();
    const root = { inline: new TestTufRepository().firstRoot };
    const tuf = { mirror: `http://${bench.registry.host}/tuf`, root };
    const keyless = { issuer: 'https://issuer.example', subject: 'dev', trustRoot: { tuf } };
    const spec = testPolicy([issuer], { authorities: [{ name: 'key-0', keyless }] });
    const args = ['--policy', bench.policy(spec, 'keyless'), '--cache-dir', bench.path('cache')];
    const { code, stdout, stderr } = await verify(`${bench.registry.host}/app:1.2`, ...args);
    assert.match(stderr, /^error: TRUST_ROOT_STALE: .*503/);
    assert.deepEqual([code, stdout], [3, '']);
    assert.ok(bench.registry.seen.length > 1);
  });

  it('loads nothing that needs a cluster for help, and the client where one is asked for', async () => {
    const help = await run('exceptions', 'list', '--help');
    assert.match(help.stdout, /^Usage: countersign exceptions list /);
    assert.deepEqual([help.code, help.stderr], [0, '']);
    const list = await run('exceptions', 'list');
    assert.match(list.stderr, /imports @kubernetes\/client-node/);
    assert.equal(list.code, 3);
  });

  it('is called what kubectl calls it where it is started as a plugin', async () => {
    const plugin = bench.path('kubectl-countersign');
    symlinkSync(MAIN, plugin);
    const { code, stdout } = await start(plugin, 'exceptions', '--help');
    assert.match(stdout, /^Usage: kubectl countersign exceptions\|exception /);
    assert.equal(code, 0);
  });

  it('tells wrong usage on stderr: 2', async () => {
    const { code, stdout, stderr } = await run('verify');
    assert.match(stderr, /^error: /);
    assert.deepEqual([code, stdout], [2, '']);
  });
});

async function run(...argv: readonly string[]): Promise<Answer> {
  return await start(MAIN, ...argv);
}

async function start(main: string, ...argv: readonly string[]): Promise<Answer> {
  const guard = `data:text/javascript,${encodeURIComponent(GUARD)}`;
  const child = spawn(process.execPath, ['--import', guard, main, ...argv]);
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const [code] = (await once(child, 'close')) as [number];
  return { code, stdout, stderr };
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { KeyIssuer, testPolicy } from '../verification/testing/index.ts';
import { Bench } from './__fixtures__/bench.ts';

const IMAGE = 'registry.example/app:1.2';

describe('the command line', () => {
  let bench: Bench;
  let policy: string;

  beforeEach(async () => {
    bench = new Bench();
    await bench.start();
    policy = bench.policy(testPolicy([new KeyIssuer()]));
  });
  afterEach(async () => {
    await bench.stop();
  });

  it('tells its exit codes in the help: 0', async () => {
    const { code, stdout } = await bench.run(['verify', '--help']);
    assert.match(stdout, /Exit codes:\n {2}0 .*\n {2}1 .*\n {2}2 .*\n {2}3 /);
    assert.equal(code, 0);
  });

  const wrong: readonly [string, readonly string[], RegExp][] = [
    ['no command', [], /Usage: countersign/],
    ['an unknown command', ['sign'], /unknown command 'sign'/],
    ['no image', ['verify', '--policy', 'p.yaml'], /missing required argument 'image'/],
    ['no policy', ['verify', IMAGE], /required option '--policy <file>' not specified/],
    [
      'an unknown option',
      ['verify', IMAGE, '--policy', 'p.yaml', '--force'],
      /unknown option '--force'/,
    ],
    ['an unknown format', ['verify', IMAGE, '--output', 'xml'], /'xml' is invalid/],
    [
      'an unknown default action',
      ['verify', IMAGE, '--default-action', 'deny'],
      /'deny' is invalid/,
    ],
    ['an empty namespace', ['verify', IMAGE, '--namespace', ''], /Not the name of a namespace/],
    [
      'a namespace that is none',
      ['verify', IMAGE, '--namespace', 'a/b'],
      /Not the name of a namespace/,
    ],
    [
      'a service account that is none',
      ['verify', IMAGE, '--service-account', 'a b'],
      /Not the name of a service account/,
    ],
    ['a label without value', ['verify', IMAGE, '--namespace-label', 'env'], /Must be key=value/],
  ];
  for (const [what, argv, expected] of wrong) {
    it(`refuses ${what}: 2`, async () => {
      const { code, stdout, stderr } = await bench.run(argv);
      assert.match(stderr, expected);
      assert.deepEqual([code, stdout], [2, '']);
    });
  }

  it('refuses a reference that is none: 2', async () => {
    const { code, stderr } = await bench.verify('registry.example/App', '--policy', policy);
    assert.match(stderr, /^error: image reference "registry\.example\/App" is not valid/);
    assert.equal(code, 2);
  });

  it('refuses a registry that is no host: 2', async () => {
    const { code, stderr } = await bench.run([
      'verify',
      IMAGE,
      '--policy',
      policy,
      '--plain-http',
      'http://a',
    ]);
    assert.match(stderr, /^error: --plain-http or --private-registry: /);
    assert.equal(code, 2);
  });

  it('refuses a docker configuration that is none, without quoting it: 2', async () => {
    const broken = bench.file('broken.json', '{"auths": s3cret');
    const empty = bench.file('empty.json', '{}');
    for (const [path, expected] of [
      [broken, /broken\.json: is not JSON\n$/],
      [empty, /empty\.json: not a Docker configuration\n$/],
    ] as const) {
      const { code, stderr } = await bench.verify(
        IMAGE,
        '--policy',
        policy,
        '--docker-config',
        path,
      );
      assert.match(stderr, expected);
      assert.doesNotMatch(stderr, /s3cret/);
      assert.equal(code, 2);
    }
  });

  it('takes a fault of its own as inconclusive: 3', async () => {
    const openSource = (): never => {
      throw new TypeError('broken');
    };
    const fault = await bench.run(['verify', IMAGE, '--policy', policy], { stdout: openSource });
    assert.equal(fault.code, 3);
    assert.equal(fault.stderr, 'error: INTERNAL: broken\n');
  });
});

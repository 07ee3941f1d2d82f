// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { API_VERSION } from '../crds/index.ts';
import { KeyIssuer, testException, testPolicy } from '../verification/testing/index.ts';
import { Bench, exceptionYaml, policyYaml } from './__fixtures__/bench.ts';

const issuer = new KeyIssuer();
const IMAGE = 'registry.example/app:1.2';
const POLICY = policyYaml(testPolicy([issuer]));
const HEAD = `apiVersion: ${API_VERSION}\nkind: ImageTrustPolicy\nmetadata: {name: team}\n`;
const digest = `sha256:${'a'.repeat(64)}`;

/** Text of a policy file, and what is said of it after the folder. */
const POLICIES: readonly [string, string | Uint8Array, RegExp][] = [
  ['no YAML', 'spec: [', /p\.yaml: Flow sequence in block collection must be .*at line 1/],
  ['a duplicate key', `${HEAD}spec: {}\nspec: {}\n`, /p\.yaml: Map keys must be unique at line 5/],
  ['an unknown tag', `${HEAD}spec: !secret x\n`, /p\.yaml: Unresolved tag: !secret/],
  ['an alias bomb', bomb(), /p\.yaml: Excessive alias count/],
  ['bytes that are no text', Buffer.from([0xff, 0xfe, 0x00]), /p\.yaml: is not UTF-8/],
  ['more than 4 MiB', '#'.repeat(4 * 1024 * 1024 + 1), /p\.yaml: is longer than 4 MiB/],
  ['nothing', '', /p\.yaml: holds no ImageTrustPolicy/],
  ['empty documents', '---\n---\n', /p\.yaml: holds no ImageTrustPolicy/],
  ['text', 'hello', /p\.yaml:1: ImageTrustPolicy: Invalid input: expected object/],
  [
    'another kind',
    POLICY.replace('ImageTrustPolicy', 'ConfigMap'),
    /p\.yaml:2: kind: Invalid input/,
  ],
  ['another version', POLICY.replace('v1alpha1', 'v9'), /p\.yaml:1: apiVersion: Invalid input/],
  [
    'no name',
    POLICY.replace('name: team', 'labels: {}'),
    /p\.yaml:4: metadata\.name: Invalid input/,
  ],
  [
    'a field beside the spec',
    `${POLICY}mode: Audit\n`,
    /p\.yaml:1: ImageTrustPolicy: Unrecognized key: "mode"/,
  ],
  ['no spec', HEAD, /p\.yaml:1: spec: Invalid input/],
  [
    'an unknown field',
    POLICY.replace('mode: Enforce', 'mood: Enforce'),
    /p\.yaml:6: ImageTrustPolicy team: spec\.mode: Invalid option/,
  ],
  [
    'the same name twice',
    `${POLICY}---\n${POLICY}`,
    /p\.yaml:\d\d: metadata\.name: team occurs twice/,
  ],
  [
    'an authority that is not there',
    POLICY.replace('- key-0', '- key-9'),
    /p\.yaml:\d\d: ImageTrustPolicy team: spec\.requirements\[0\]\.signature\.anyOf\[0\]: "key-9" is not the name of an authority/,
  ],
  [
    'a key in a ConfigMap',
    material({ configMapRef: { name: 'keys', key: 'a' } }),
    /spec\.authorities\[0\]\.key\.material\.configMapRef: names an object of a cluster/,
  ],
  [
    'a key in a Secret',
    material({ secretRef: { name: 'keys', key: 'a' } }),
    /p\.yaml:\d\d: .*spec\.authorities\[0\]\.key\.material\.secretRef: names an object/,
  ],
  [
    'a certificate in a ConfigMap',
    policyYaml(
      testPolicy([issuer], { registry: { ca: { configMapRef: { name: 'ca', key: 'a' } } } }),
    ),
    /spec\.registry\.ca\.configMapRef: names an object of a cluster/,
  ],
];

/** Text of a file of exceptions, and what is said of it. */
const EXCEPTIONS: readonly [string, string, RegExp][] = [
  ['a policy', POLICY, /e\.yaml:2: kind: Invalid input/],
  [
    'no namespace',
    exceptionYaml({ ...testException([digest]), metadata: { name: 'a' } }),
    /e\.yaml:\d: SigningException a: metadata\.namespace: is missing/,
  ],
  [
    'a tag as digest',
    exceptionYaml(testException(['latest'])),
    /e\.yaml:\d\d: SigningException hotfix: spec\.digests\.0: Invalid string/,
  ],
  [
    'no instant',
    exceptionYaml(testException([digest], { expiresAt: 'soon' })),
    /e\.yaml:\d\d: SigningException hotfix: spec\.expiresAt: /,
  ],
  [
    'the same name twice',
    `${exceptionYaml(testException([digest]))}---\n${exceptionYaml(testException([digest]))}`,
    /checkout\/hotfix occurs twice/,
  ],
];

describe('input of countersign verify', () => {
  let bench: Bench;

  beforeEach(async () => {
    bench = new Bench();
    await bench.start();
  });
  afterEach(async () => {
    await bench.stop();
  });

  for (const [what, text, expected] of POLICIES) {
    it(`refuses a policy file with ${what}: 2`, async () => {
      const { code, stdout, stderr } = await bench.verify(
        IMAGE,
        '--policy',
        bench.file('p.yaml', text),
      );
      assert.match(stderr, expected);
      assert.match(stderr, /^error: .*p\.yaml/);
      assert.deepEqual([code, stdout], [2, '']);
    });
  }

  for (const [what, text, expected] of EXCEPTIONS) {
    it(`refuses a file of exceptions with ${what}: 2`, async () => {
      const { code, stderr } = await bench.verify(
        IMAGE,
        '--policy',
        bench.file('p.yaml', POLICY),
        '--exceptions',
        bench.file('e.yaml', text),
      );
      assert.match(stderr, expected);
      assert.equal(code, 2);
    });
  }

  it('refuses a file that is not there: 2', async () => {
    const { code, stderr } = await bench.verify(IMAGE, '--policy', '/nowhere/p.yaml');
    assert.equal(stderr, 'error: /nowhere/p.yaml: cannot be read (ENOENT)\n');
    assert.equal(code, 2);
  });

  it('takes several files of several documents, and lists as a cluster prints them', async () => {
    const { name, digest: pushed } = bench.registry.push('app:1.2', [issuer]);
    const item = {
      apiVersion: API_VERSION,
      kind: 'ImageTrustPolicy',
      metadata: { name: 'listed', uid: 'x' },
      spec: testPolicy([issuer]),
      status: {},
    };
    const list = bench.file(
      'list.json',
      JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [item] }),
    );
    const two = bench.file(
      'two.yaml',
      `${POLICY}---\n${policyYaml(testPolicy([issuer]), 'second')}`,
    );
    const { code, stdout } = await bench.verify(
      `${name}@${pushed}`,
      '--policy',
      list,
      '--policy',
      two,
    );
    assert.deepEqual(stdout.match(/\S+\/signed/g), [
      'listed/signed',
      'team/signed',
      'second/signed',
    ]);
    assert.equal(code, 0);
  });

  it('names the line of a faulty item of a list', async () => {
    const item = {
      apiVersion: API_VERSION,
      kind: 'ImageTrustPolicy',
      metadata: { name: 'listed' },
      spec: {},
    };
    const list = bench.file('list.json', JSON.stringify({ kind: 'List', items: [item] }, null, 1));
    const { stderr } = await bench.verify(IMAGE, '--policy', list);
    assert.match(stderr, /list\.json:10: ImageTrustPolicy listed: spec\.mode: /);
  });

  it('takes an empty file of exceptions', async () => {
    const { name, digest: pushed } = bench.registry.push('app:1.2', [issuer]);
    const args = [
      '--policy',
      bench.file('p.yaml', POLICY),
      '--exceptions',
      bench.file('e.yaml', ''),
    ];
    assert.equal((await bench.verify(`${name}@${pushed}`, ...args)).code, 0);
  });

  it('heeds that an exception is being deleted', async () => {
    const { name, digest: pushed } = bench.registry.push('app:1.2');
    const exception = testException([pushed]);
    const deleted = {
      ...exception,
      metadata: { ...exception.metadata, deletionTimestamp: '2026-11-20T11:00:00Z' },
    };
    const policy = bench.policy(
      testPolicy([issuer], { exceptions: { allowed: true, approval: 'NotRequired' } }),
    );
    const args = [
      '--policy',
      policy,
      '--exceptions',
      bench.exceptions(deleted),
      '--namespace',
      'checkout',
      '--service-account',
      'web',
    ];
    assert.match(
      (await bench.verify(`${name}@${pushed}`, ...args)).stdout,
      /rejected EXCEPTION_EXPIRED .*was deleted at/,
    );
  });
});

function material(reference: {
  readonly configMapRef?: object;
  readonly secretRef?: object;
}): string {
  const key = { material: reference } as { material: { inline: string } };
  return policyYaml(testPolicy([issuer], { authorities: [{ name: 'key-0', key }] }));
}

function bomb(): string {
  const levels = ['a: &a [x, x, x, x, x, x, x, x, x]'];
  for (const [index, name] of 'b c d e f g'.split(' ').entries()) {
    const below = `*${'abcdef'.charAt(index)}`;
    levels.push(`${name}: &${name} [${Array.from({ length: 9 }, () => below).join(', ')}]`);
  }
  return `${levels.join('\n')}\n`;
}

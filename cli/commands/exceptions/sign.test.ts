// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { createHash, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, it } from 'mocha';
import type { SigningException } from '../../../crds/index.ts';
import { exceptionSpecHash, type ApprovalStatement } from '../../../verification/index.ts';
import {
  keylessAuthority,
  testException,
  testPolicy,
  TestSigstore,
} from '../../../verification/testing/index.ts';
import { Bench, exceptionYaml, type Answer } from '../../__fixtures__/bench.ts';
import type { SigningServices } from '../../approval/keyless.ts';
import type { CliPorts } from '../../ports.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;
const SIGNER = 'https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main';

const pem = (key: KeyObject, type: 'pkcs8' | 'sec1' | 'pkcs1' = 'pkcs8'): string =>
  key.export({ type: type, format: 'pem' }).toString();
const jwt = (claims: object): string =>
  ['{"alg":"RS256"}', JSON.stringify(claims), 'x']
    .map((part) => Buffer.from(part).toString('base64url'))
    .join('.');

describe('countersign exceptions sign', () => {
  const plain = testException([DIGEST]);
  const curve = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  let bench: Bench;
  let key: string;

  beforeEach(async () => {
    bench = new Bench();
    await bench.start();
    key = bench.file('approver.pem', pem(curve));
  });
  afterEach(async () => {
    await bench.stop();
  });

  const run = async (
    args: readonly string[],
    exceptions: readonly SigningException[] = [plain],
    ports: Partial<CliPorts> = {},
  ): Promise<Answer> => {
    const file = bench.exceptions(...exceptions);
    return await bench.run(['exceptions', 'sign', file, '--cluster', 'prod', ...args], ports);
  };
  const byKey = (...args: readonly string[]): Promise<Answer> => run(['--key', key, ...args]);
  /** Verifies what was written, by a policy that names the key. */
  const check = async (text: string, privateKey: KeyObject = curve): Promise<Answer> => {
    const publicKeyPem = createPublicKey(privateKey).export({ type: 'spki', format: 'pem' });
    const issuer = { publicKeyPem: publicKeyPem.toString() };
    const policy = bench.policy(
      testPolicy([issuer], { exceptions: { allowed: true, approvers: ['key-0'] } }),
    );
    const args = ['--policy', policy, '--cluster', 'prod'];
    return await bench.run(['exceptions', 'verify', bench.file('signed.yaml', text), ...args]);
  };

  it('tells what is approved, and writes the file with an approval that counts', async () => {
    const before = exceptionYaml(plain).replace('spec:', 'spec: # narrow');
    const file = bench.file('commented.yaml', before);
    const args = ['exceptions', 'sign', file, '--cluster', 'prod', '--key', key];
    const { code, stdout, stderr } = await bench.run(args);
    assert.equal(
      stderr,
      [
        'approval of checkout/hotfix in prod',
        '  policy                 team',
        '  requirements           signed',
        `  digest                 ${DIGEST}`,
        '  service accounts       web',
        '  window                 2026-11-20T00:00:00.000Z to 2026-11-27T00:00:00Z',
        '  class                  Planned',
        '  requested by           dev@example.com',
        '  owner                  team-checkout@example.com',
        '  reason                 the signing service of the vendor is down',
        `  hash                   ${exceptionSpecHash(plain.spec)}`,
        '  approved up to         2026-11-27T00:00:00Z',
        '  approval counts until  2026-11-27T00:00:00Z',
        '',
      ].join('\n'),
    );
    assert.equal(code, 0);
    assert.ok(stdout.startsWith(before));
    assert.equal(readFileSync(file, 'utf8'), before);
    assert.equal((await check(stdout)).code, 0);
  });

  it('writes the file itself with --in-place, and the bundle alone with --output bundle', async () => {
    const inPlace = await byKey('--in-place');
    assert.deepEqual([inPlace.code, inPlace.stdout], [0, '']);
    assert.equal((await check(readFileSync(bench.path('exceptions.yaml'), 'utf8'))).code, 0);
    const { stdout } = await byKey('-o', 'bundle');
    const { mediaType } = JSON.parse(stdout) as { mediaType: string };
    assert.equal(mediaType, 'application/vnd.dev.sigstore.bundle.v0.3+json');
  });

  for (const [what, privateKey, type] of [
    ['P-256, SEC1', curve, 'sec1'],
    ['P-384', generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey, 'pkcs8'],
    ['P-521', generateKeyPairSync('ec', { namedCurve: 'P-521' }).privateKey, 'pkcs8'],
    ['RSA, PKCS#1', generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey, 'pkcs1'],
    ['Ed25519', generateKeyPairSync('ed25519').privateKey, 'pkcs8'],
  ] as const) {
    it(`signs with a key of ${what}`, async () => {
      const { stdout } = await run(['--key', bench.file('other.pem', pem(privateKey, type))]);
      assert.equal((await check(stdout, privateKey)).code, 0);
    });
  }

  for (const [what, content, why] of [
    [
      'an encrypted key of cosign',
      '-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----',
      /cosign attest-blob/,
    ],
    ['an encrypted key', '-----BEGIN ENCRYPTED PRIVATE KEY-----', /is encrypted: decrypt it/],
    ['no key', 'key', /holds no private key/],
    [
      'a key of another curve',
      pem(generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey),
      /must be of P-256/,
    ],
  ] as const) {
    it(`refuses ${what}: 2`, async () => {
      const { code, stdout, stderr } = await run(['--key', bench.file('bad.pem', content)]);
      assert.match(stderr, why);
      assert.deepEqual([code, stdout], [2, '']);
    });
  }

  describe('the terms', () => {
    const statementOf = async (...args: readonly string[]): Promise<ApprovalStatement> => {
      const { stdout } = await run(['--print-statement', ...args]);
      return JSON.parse(stdout) as ApprovalStatement;
    };

    it('are those of the exception, or those that are told', async () => {
      const { predicateType, subject, predicate } = await statementOf();
      assert.equal(predicateType, 'https://countersign.dev/exception-approval/v1');
      const sha256 = exceptionSpecHash(plain.spec).slice('sha256:'.length);
      assert.deepEqual(subject, [{ name: 'checkout/hotfix', digest: { sha256 } }]);
      const { expiresAt } = plain.spec;
      const place = { cluster: 'prod', namespace: 'checkout', name: 'hotfix' };
      assert.deepEqual(predicate, { ...place, latestExpiresAt: expiresAt, expiresAt });
      const told = ['--latest-expires-at', '2026-12-01T00:00:00Z', '--expires', '72h'];
      assert.deepEqual((await statementOf(...told)).predicate, {
        ...place,
        latestExpiresAt: '2026-12-01T00:00:00.000Z',
        expiresAt: '2026-11-23T12:00:00.000Z',
      });
      const { predicate: later } = await statementOf(...told.slice(0, 2));
      assert.deepEqual(
        [later.latestExpiresAt, later.expiresAt],
        ['2026-12-01T00:00:00.000Z', '2026-12-01T00:00:00.000Z'],
      );
      const until = '2026-11-22T00:00:00+01:00';
      assert.equal((await statementOf('--expires', until)).predicate.expiresAt, until);
    });

    for (const print of ['--print-statement', '--print-material'])
      it(`are not printed by ${print} for a bundle that is there already: 2`, async () => {
        const { code, stdout, stderr } = await run(['--attach', 'b.json', print]);
        assert.match(stderr, /cannot be used with/);
        assert.deepEqual([code, stdout], [2, '']);
      });

    it('come with the bytes that are hashed', async () => {
      const { stdout } = await run(['--print-material']);
      const hash = createHash('sha256').update(stdout).digest('hex');
      assert.equal(`sha256:${hash}`, exceptionSpecHash(plain.spec));
    });

    for (const [what, args, why] of [
      [
        'an end before that of the exception',
        ['--latest-expires-at', '2026-11-26T00:00:00Z'],
        /is before the end/,
      ],
      ['an approval that has expired', ['--expires', '2026-11-20T12:00:00Z'], /not in the future/],
      ['an approval of no time', ['--expires', '0h'], /--expires: "0h" is not a duration/],
      ['an approval of ages', ['--expires', '9000h'], /--expires: "9000h" is out of range/],
      ['a key beside services', ['--rekor-url', 'https://rekor.example'], /cannot be used with/],
      ['a bundle beside a key', ['--attach', 'b.json'], /cannot be used with/],
      ['standard input in place', ['--in-place', '-o', 'bundle'], /--in-place: needs a file/],
    ] as const) {
      it(`are refused with ${what}: 2`, async () => {
        const { code, stdout, stderr } = await byKey(...args);
        assert.match(stderr, why);
        assert.deepEqual([code, stdout], [2, '']);
      });
    }
  });

  describe('the exception', () => {
    it('is chosen by name where there are several; other kinds are left alone', async () => {
      const second = testException([DIGEST], {}, 'second');
      const none = await run(['--key', key], [plain, second]);
      assert.match(none.stderr, /more than one SigningException; choose by --name/);
      assert.equal(none.code, 2);
      for (const name of ['second', 'checkout/second']) {
        const { code, stderr } = await run(['--key', key, '--name', name], [plain, second]);
        assert.match(stderr, /^approval of checkout\/second in prod/);
        assert.equal(code, 0);
      }
      const missing = await run(['--key', key, '--name', 'third']);
      assert.match(missing.stderr, /no SigningException third/);
      const file = bench.file('all.yaml', `kind: ConfigMap\n---\n${exceptionYaml(plain)}`);
      const args = ['exceptions', 'sign', file, '--cluster', 'prod', '--key', key];
      assert.match((await bench.run(args)).stdout, /^kind: ConfigMap\n---\n/);
    });

    it('is refused where it is malformed, with line and field: 2', async () => {
      const { code, stderr } = await run(['--key', key], [testException(['nginx:1'])]);
      assert.match(stderr, /exceptions\.yaml:\d+: SigningException hotfix: spec\.digests\.0: /);
      assert.equal(code, 2);
    });

    it('is refused where it has ended or was revoked: 1', async () => {
      const ended = testException([DIGEST], { expiresAt: '2026-11-20T12:00:00Z' });
      const revoked = { at: '2026-11-20T00:00:00Z', by: 'lead', reason: 'x' };
      for (const [exception, why] of [
        [ended, /checkout\/hotfix ended at 2026-11-20T12:00:00Z/],
        [testException([DIGEST], { revoked }), /checkout\/hotfix was revoked by lead/],
      ] as const) {
        const { code, stdout, stderr } = await run(['--key', key], [exception]);
        assert.match(stderr, why);
        assert.deepEqual([code, stdout], [1, '']);
      }
    });

    it('takes four approvals and no fifth: 2', async () => {
      const approvals = Array.from({ length: 4 }, () => ({ bundle: '{}' }));
      const { code, stderr } = await run(['--key', key], [testException([DIGEST], { approvals })]);
      assert.match(stderr, /has 4 approvals/);
      assert.equal(code, 2);
    });
  });

  describe('without a key', () => {
    const sigstore = new TestSigstore();
    const asked: SigningServices[] = [];
    const signKeyless: CliPorts['signKeyless'] = (statement, services) => {
      asked.push(services);
      const { predicateType, predicate, subject } = statement;
      const digest = `sha256:${subject[0].digest.sha256}` as const;
      const image = { digest, mediaType: '', bytes: Buffer.alloc(0) };
      const bundle = sigstore.bundle(image, {
        predicateType,
        predicate: { ...predicate },
      });
      return Promise.resolve(JSON.parse(bundle.toString()) as object);
    };
    beforeEach(() => void asked.splice(0));

    it('signs by an identity, through the services that are named', async () => {
      const token = jwt({ sub: 'repo:acme/app' });
      const services = ['--fulcio-url', 'https://f.example', '--tsa-url', 'https://t.example/ts'];
      const { code, stdout } = await run(
        ['--identity-token', token, ...services, '--no-rekor'],
        [plain],
        { signKeyless },
      );
      assert.equal(code, 0);
      assert.deepEqual(asked, [
        {
          log: false,
          identityToken: token,
          fulcioUrl: 'https://f.example',
          tsaUrl: 'https://t.example/ts',
        },
      ]);
      const spec = testPolicy([], {
        authorities: [keylessAuthority(sigstore.trustedRoot())],
        requirements: [{ name: 'signed', signature: { anyOf: ['release'] } }],
        exceptions: { allowed: true, approvers: ['release'] },
      });
      const args = ['--policy', bench.policy(spec), '--cluster', 'prod'];
      const file = bench.file('signed.yaml', stdout);
      const verified = await bench.run(['exceptions', 'verify', file, ...args]);
      assert.match(verified.stdout, /approved by release \(/);
      assert.equal(verified.code, 0);
    });

    it('takes the token of a file, or that of the environment', async () => {
      const token = jwt({ email: 'lead@example.com' });
      await run(['--identity-token', bench.file('token', `${token}\n`)], [plain], { signKeyless });
      await run([], [plain], { signKeyless, identityToken: () => Promise.resolve(token) });
      assert.deepEqual(asked, [
        { log: true, identityToken: token },
        { log: true, identityToken: token },
      ]);
    });

    it('tells where there is no token: 2, or none is given: 3', async () => {
      const none = await run([], [plain], { signKeyless });
      assert.match(none.stderr, /error: nobody is there to sign: give --identity-token, /);
      const identityToken = (): Promise<never> => Promise.reject(new Error('status 403'));
      const failing = await run([], [plain], { signKeyless, identityToken });
      assert.match(failing.stderr, /error: cannot be signed: status 403\n/);
      assert.deepEqual([none.code, failing.code, asked], [2, 3, []]);
    });

    for (const claims of [
      { email: 'Dev@Example.com', sub: '1' },
      { sub: 'dev@example.com' },
      { job_workflow_ref: SIGNER.slice('https://github.com/'.length) },
      { ci_config_ref_uri: 'gitlab.com/acme/app//.gitlab-ci.yml@refs/heads/main' },
    ]) {
      it(`X26: refuses the requester before anything is signed: ${Object.keys(claims)[0] ?? ''}`, async () => {
        const requestedBy =
          'job_workflow_ref' in claims
            ? SIGNER
            : 'ci_config_ref_uri' in claims
              ? `https://${claims.ci_config_ref_uri ?? ''}`
              : 'dev@example.com';
        const own = testException([DIGEST], { requestedBy });
        const { code, stdout, stderr } = await run(['--identity-token', jwt(claims)], [own], {
          signKeyless,
        });
        assert.match(stderr, /asked for the exception: somebody else must approve it/);
        assert.deepEqual([code, stdout, asked], [1, '', []]);
      });
    }

    it('X26: refuses the requester whose token did not tell: 1', async () => {
      const own = testException([DIGEST], { requestedBy: SIGNER.toUpperCase() });
      const args = ['--identity-token', jwt({})];
      const { code, stdout, stderr } = await run(args, [own], { signKeyless });
      assert.match(stderr, /asked for the exception: somebody else must approve it/);
      assert.deepEqual([code, stdout], [1, '']);
    });

    it('tells where a service does not do its part: 3', async () => {
      const failing = (): Promise<never> =>
        Promise.reject(new Error('no certificate', { cause: new Error('status 400') }));
      const { code, stdout, stderr } = await run(['--identity-token', jwt({})], [plain], {
        signKeyless: failing,
      });
      assert.match(stderr, /error: cannot be signed: no certificate: status 400\n/);
      assert.deepEqual([code, stdout], [3, '']);
    });

    it('repeats nothing of what may be a token: 2', async () => {
      const { code, stderr } = await run(['--identity-token', 'eyJ.secret'], [plain], {
        signKeyless,
      });
      assert.match(stderr, /is neither a token nor a file/);
      assert.doesNotMatch(stderr, /secret/);
      assert.equal(code, 2);
    });

    for (const [what, args] of [
      ['no log and no timestamp', ['--no-rekor']],
      ['a log and none', ['--no-rekor', '--rekor-url', 'https://r.example', '--tsa-url', 'x']],
    ] as const) {
      it(`refuses ${what}: 2`, async () => {
        const { code } = await run(args, [plain], { signKeyless });
        assert.deepEqual([code, asked], [2, []]);
      });
    }
  });

  describe('a bundle that another program made', () => {
    const attach = async (bundle: string, exception = plain): Promise<Answer> =>
      await run(['--attach', bench.file('bundle.json', bundle)], [exception]);

    it('is added where it is of this exception', async () => {
      const made = await byKey('-o', 'bundle');
      const { code, stdout, stderr } = await attach(made.stdout);
      assert.match(stderr, /^approval of checkout\/hotfix in prod\n/);
      assert.equal(code, 0);
      assert.equal((await check(stdout)).code, 0);
    });

    for (const [what, exception, why] of [
      [
        'another spec',
        testException([DIGEST], { serviceAccounts: ['x'] }),
        /approves another spec/,
      ],
      [
        'another exception',
        testException([DIGEST], {}, 'other'),
        /approves checkout\/hotfix in prod, not checkout\/other in prod/,
      ],
    ] as const) {
      it(`X26: is refused where it is of ${what}: 2`, async () => {
        const made = await byKey('-o', 'bundle');
        const { code, stdout, stderr } = await attach(made.stdout, exception);
        assert.match(stderr, why);
        assert.deepEqual([code, stdout], [2, '']);
      });
    }

    it('is refused where it is no bundle: 2', async () => {
      for (const junk of ['{}', 'x', '{"dsseEnvelope":{"payload":"e30="}}']) {
        const { code, stderr } = await attach(junk);
        assert.match(stderr, /is no Sigstore bundle of a statement of the type https:/);
        assert.equal(code, 2);
      }
    });
  });
});

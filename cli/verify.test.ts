// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { KeyIssuer, testException, testPolicy } from '../verification/testing/index.ts';
import { approvedBy } from './__fixtures__/approvals.ts';
import { Bench } from './__fixtures__/bench.ts';
import type { Report } from './report.ts';

/** Where the exceptions of the tests apply. */
const THERE = ['--namespace', 'checkout', '--service-account', 'web'] as const;
/** Nothing listens there. */
const DEAD = '127.0.0.1:1';

describe('countersign verify', () => {
  const issuer = new KeyIssuer();
  let bench: Bench;
  let policy: string;

  beforeEach(async () => {
    bench = new Bench();
    await bench.start();
    policy = bench.policy(
      testPolicy([issuer], { exceptions: { allowed: true, approval: 'NotRequired' } }),
    );
  });
  afterEach(async () => {
    await bench.stop();
  });

  it('verifies a signed digest: 0', async () => {
    const { name, digest } = bench.registry.push('app:1.2', [issuer]);
    const { code, stdout, stderr } = await bench.verify(`${name}@${digest}`, '--policy', policy);
    assert.equal(stdout, `${name}@${digest}\n  team/signed: verified signed by key-0\n`);
    assert.deepEqual([code, stderr], [0, '']);
  });

  it('resolves a tag and tells the digest', async () => {
    const { name, digest } = bench.registry.push('app:1.2', [issuer]);
    const { code, stdout } = await bench.verify(`${name}:1.2`, '--policy', policy);
    assert.equal(code, 0);
    assert.match(
      stdout,
      new RegExp(
        `^${name}:1\\.2 resolved to ${digest}\n${name}:1\\.2@${digest}\n {2}team/signed: verified`,
      ),
    );
  });

  it('rejects what nobody signed: 1', async () => {
    const { name, digest } = bench.registry.push('app:1.2');
    const { code, stdout } = await bench.verify(`${name}@${digest}`, '--policy', policy);
    assert.match(stdout, / {2}team\/signed: rejected NO_SIGNATURE no signature by key-0\n/);
    assert.equal(code, 1);
  });

  it('rejects what another key signed: 1', async () => {
    const { name, digest } = bench.registry.push('app:1.2', [new KeyIssuer()]);
    const { code, stdout } = await bench.verify(`${name}@${digest}`, '--policy', policy);
    assert.match(stdout, /rejected SIGNATURE_INVALID /);
    assert.equal(code, 1);
  });

  it('explains every check, and what to do', async () => {
    const { name, digest } = bench.registry.push('app:1.2', [new KeyIssuer(), issuer]);
    const unsigned = bench.registry.push('app:2');
    const good = await bench.verify(`${name}@${digest}`, '--policy', policy, '--explain');
    assert.match(
      good.stdout,
      / {4}simple-signing sha256:\S+ \(tag\) for key-0\n {6}(passed|failed) /,
    );
    const bad = await bench.verify(
      `${unsigned.name}@${unsigned.digest}`,
      '--policy',
      policy,
      '--explain',
    );
    assert.match(
      bad.stdout,
      / {4}no signature was looked at\n {4}NO_SIGNATURE: .* Sign that digest/,
    );
  });

  describe('with exceptions', () => {
    it('exempts exactly the digest, namespace and service account', async () => {
      const { name, digest } = bench.registry.push('app:1.2');
      const other = bench.registry.push('app:1.3');
      const args = ['--policy', policy, '--exceptions', bench.exceptions(testException([digest]))];
      const covered = await bench.verify(`${name}@${digest}`, ...args, ...THERE);
      assert.match(
        covered.stdout,
        /team\/signed: exempt covered by the exception checkout\/hotfix until 2026-11-27T00:00:00Z\n/,
      );
      assert.equal(covered.code, 0);
      const cases: readonly [string, readonly string[], RegExp][] = [
        [
          `${name}@${digest}`,
          ['--namespace', 'shop', '--service-account', 'web'],
          /rejected NO_SIGNATURE /,
        ],
        [
          `${name}@${digest}`,
          ['--namespace', 'checkout', '--service-account', 'job'],
          /rejected EXCEPTION_OUT_OF_SCOPE .*"job"/,
        ],
        [`${other.name}@${other.digest}`, THERE, /rejected NO_SIGNATURE /],
      ];
      for (const [image, place, expected] of cases) {
        const { code, stdout } = await bench.verify(image, ...args, ...place);
        assert.match(stdout, expected);
        assert.equal(code, 1);
      }
    });

    it('exempts without reading the registry', async () => {
      const { name, digest } = bench.registry.push('app:1.2');
      const exceptions = bench.exceptions(testException([digest]));
      await bench.verify(
        `${name}@${digest}`,
        '--policy',
        policy,
        '--exceptions',
        exceptions,
        ...THERE,
      );
      assert.deepEqual(bench.registry.seen, []);
    });

    it('counts signed approvals for the cluster that is named, and for no other', async () => {
      const lead = new KeyIssuer();
      const signed = testPolicy([issuer, lead], {
        requirements: [{ name: 'signed', signature: { anyOf: ['key-0'] } }],
        exceptions: { allowed: true, approvers: ['key-1'] },
      });
      const { name, digest } = bench.registry.push('app:1.2');
      const exceptions = bench.exceptions(approvedBy(lead, testException([digest])));
      const args = ['--policy', bench.policy(signed), '--exceptions', exceptions, ...THERE];
      const image = `${name}@${digest}`;
      const good = await bench.verify(image, ...args, '--cluster', 'prod');
      assert.match(good.stdout, /exempt covered by the exception checkout\/hotfix/);
      assert.deepEqual([good.code, good.stderr], [0, '']);
      const other = await bench.verify(image, ...args, '--cluster', 'dev');
      assert.match(other.stdout, /rejected EXCEPTION_UNAPPROVED .*for the cluster "prod"/);
      assert.deepEqual([other.code, other.stderr], [1, '']);
      const none = await bench.verify(image, ...args);
      assert.match(none.stdout, /rejected EXCEPTION_UNAPPROVED .*this cluster has no name/);
      assert.match(none.stderr, /^warning: signed approvals .* do not count without --cluster\n$/);
      assert.equal(none.code, 1);
    });

    it('rejects by the code of an exception that has ended: 1', async () => {
      const { name, digest } = bench.registry.push('app:1.2');
      const ended = testException([digest], {
        notBefore: '2026-11-01T00:00:00Z',
        expiresAt: '2026-11-20T12:00:00Z',
      });
      const args = [
        '--policy',
        policy,
        '--exceptions',
        bench.exceptions(ended),
        ...THERE,
        '--explain',
      ];
      const { code, stdout } = await bench.verify(`${name}@${digest}`, ...args);
      assert.match(
        stdout,
        /rejected EXCEPTION_EXPIRED no signature by key-0; exception checkout\/hotfix ended at/,
      );
      assert.match(stdout, / {4}without the exception: NO_SIGNATURE\n/);
      assert.equal(code, 1);
    });
  });

  describe('where the registry gives no answer', () => {
    const digest = `sha256:${'a'.repeat(64)}`;

    it('cannot tell about a digest: 3', async () => {
      const { code, stdout } = await bench.run([
        'verify',
        `${DEAD}/app@${digest}`,
        '--policy',
        policy,
        '--plain-http',
        DEAD,
      ]);
      assert.match(
        stdout,
        /team\/signed: inconclusive REGISTRY_UNAVAILABLE 127\.0\.0\.1:1 did not answer\n/,
      );
      assert.equal(code, 3);
    });

    it('cannot tell about a tag: 3', async () => {
      const args = ['--policy', policy, '--explain'];
      const { code, stdout } = await bench.verify(`${bench.registry.host}/app:gone`, ...args);
      assert.match(
        stdout,
        / {2}team: inconclusive REGISTRY_UNAVAILABLE tag gone of .*: not found\n {4}REGISTRY_UNAVAILABLE: /,
      );
      assert.equal(code, 3);
    });

    it('says so: an image that is rejected decides all the same: 1', async () => {
      const unsigned = bench.registry.push('app:1.2');
      const dead = `${DEAD}/app@${digest}`;
      const { code } = await bench.verify(
        dead,
        `${unsigned.name}@${unsigned.digest}`,
        '--policy',
        policy,
        '--plain-http',
        DEAD,
      );
      assert.equal(code, 1);
    });

    it('contacts no loopback address that is not listed: 3', async () => {
      const { name, digest: pushed } = bench.registry.push('app:1.2', [issuer]);
      const { code, stdout } = await bench.run(['verify', `${name}@${pushed}`, '--policy', policy]);
      assert.match(stdout, /inconclusive REGISTRY_UNSAFE /);
      assert.equal(code, 3);
      assert.deepEqual(bench.registry.seen, []);
    });
  });

  describe('in Audit mode', () => {
    beforeEach(() => {
      policy = bench.policy(testPolicy([issuer], { mode: 'Audit' }));
    });

    it('warns of what would be rejected: 0', async () => {
      const { name, digest } = bench.registry.push('app:1.2');
      const { code, stdout } = await bench.verify(`${name}@${digest}`, '--policy', policy);
      assert.match(
        stdout,
        / {2}warning: team\/signed: rejected NO_SIGNATURE no signature by key-0 \(Audit: a warning only\)\n/,
      );
      assert.equal(code, 0);
    });

    it('warns of what cannot be told: 0', async () => {
      const { code, stdout } = await bench.verify(
        `${bench.registry.host}/app:gone`,
        '--policy',
        policy,
      );
      assert.match(stdout, / {2}warning: team: inconclusive REGISTRY_UNAVAILABLE /);
      assert.equal(code, 0);
    });

    it('is not helped by it where another policy enforces: 1', async () => {
      const { name, digest } = bench.registry.push('app:1.2');
      const enforcing = bench.policy(testPolicy([issuer]), 'strict');
      const { code } = await bench.verify(
        `${name}@${digest}`,
        '--policy',
        policy,
        '--policy',
        enforcing,
      );
      assert.equal(code, 1);
    });
  });

  describe('where a policy denies tags', () => {
    it('rejects a tag without resolving it: 1', async () => {
      const { name, digest } = bench.registry.push('app:1.2', [issuer]);
      const denying = bench.policy(testPolicy([issuer], { tags: 'Deny' }), 'no-tags');
      const { code, stdout } = await bench.verify(
        `${name}:1.2`,
        '--policy',
        denying,
        '--policy',
        policy,
      );
      assert.equal(
        stdout,
        `${name}:1.2\n  no-tags: rejected DIGEST_REQUIRED the policy allows no tags\n` +
          '  team: rejected DIGEST_REQUIRED the image has no digest\n',
      );
      assert.equal(code, 1);
      assert.deepEqual(bench.registry.seen, []);
      const pinned = await bench.verify(`${name}:1.2@${digest}`, '--policy', denying);
      assert.equal(pinned.code, 0);
    });
  });

  describe('where no policy matches', () => {
    beforeEach(() => {
      policy = bench.policy(testPolicy([issuer], { match: { images: ['registry.example/**'] } }));
    });

    it('allows by default: 0', async () => {
      const { code, stdout } = await bench.verify(
        `${bench.registry.host}/app:1`,
        '--policy',
        policy,
      );
      assert.match(
        stdout,
        /\n {2}no policy matches \(namespace default, service account default\)\n/,
      );
      assert.equal(code, 0);
    });

    it('rejects where that is the default: 1', async () => {
      const { code, stdout } = await bench.verify(
        `${bench.registry.host}/app:1`,
        '--policy',
        policy,
        '--default-action',
        'Deny',
      );
      assert.match(stdout, /\n {2}rejected NO_POLICY no policy matches /);
      assert.equal(code, 1);
    });
  });

  describe('with namespace labels', () => {
    const selector = { matchLabels: { env: 'prod' } };
    const matched = async (...labels: readonly string[]): Promise<string> => {
      const { name, digest } = bench.registry.push('app:1.2');
      const spec = testPolicy([issuer], { match: { images: ['**'], namespaceSelector: selector } });
      const { stdout } = await bench.verify(
        `${name}@${digest}`,
        '--policy',
        bench.policy(spec),
        ...labels,
      );
      return stdout;
    };

    it('takes the strictest reading where none is given', async () => {
      assert.match(await matched(), /rejected NO_SIGNATURE/);
    });

    it('selects by those that are given, and by the name of the namespace', async () => {
      assert.match(
        await matched('--namespace-label', 'env=prod', '--namespace-label', 'tier=1'),
        /rejected NO_SIGNATURE/,
      );
      assert.match(await matched('--namespace-label', 'env=dev'), /no policy matches/);
      const { name, digest } = bench.registry.push('app:1.2');
      const byName = { matchLabels: { 'kubernetes.io/metadata.name': 'dev' } };
      const overridden = bench.policy(
        testPolicy([issuer], { modeOverrides: [{ namespaceSelector: byName, mode: 'Audit' }] }),
      );
      const args = [`${name}@${digest}`, '--policy', overridden, '--namespace-label', 'a=b'];
      assert.equal((await bench.verify(...args, '--namespace', 'dev')).code, 0);
      assert.equal((await bench.verify(...args, '--namespace', 'prod')).code, 1);
    });
  });

  it('reads a private registry with the credentials of a docker configuration', async () => {
    const { name } = bench.registry.push('app:1.2', [issuer]);
    bench.registry.credentials = 'user:s3cret';
    const anonymous = await bench.verify(`${name}:1.2`, '--policy', policy);
    assert.match(anonymous.stdout, /inconclusive REGISTRY_UNAUTHORIZED /);
    assert.equal(anonymous.code, 3);
    const auth = Buffer.from('user:s3cret').toString('base64');
    const config = bench.file(
      'config.json',
      JSON.stringify({ auths: { [bench.registry.host]: { auth } } }),
    );
    const { code, stdout } = await bench.verify(
      `${name}:1.2`,
      '--policy',
      policy,
      '--docker-config',
      config,
    );
    assert.match(stdout, /team\/signed: verified/);
    assert.equal(code, 0);
  });

  it('escapes what an author may have written to forge lines', async () => {
    const { name, digest } = bench.registry.push('app:1.2', [issuer]);
    const annotated = { anyOf: ['key-0'], annotations: { release: 'a\nall: verified' } };
    const spec = testPolicy([issuer], { requirements: [{ name: 'signed', signature: annotated }] });
    const { stdout } = await bench.verify(`${name}@${digest}`, '--policy', bench.policy(spec));
    assert.match(stdout, /rejected ANNOTATION_MISMATCH .*release=a\\u000aall: verified/);
  });

  describe('--output json', () => {
    const parsed = async (...args: readonly string[]): Promise<Report> => {
      const { stdout } = await bench.verify(...args, '--output', 'json');
      return JSON.parse(stdout) as Report;
    };

    it('holds everything: use, decision, digests, policies, requirements, trail', async () => {
      const { name, digest } = bench.registry.push('app:1.2', [issuer]);
      const { images, ...rest } = await parsed(`${name}:1.2`, '--policy', policy);
      assert.deepEqual(rest, {
        formatVersion: 1,
        checkedAt: '2026-11-20T12:00:00.000Z',
        decision: 'allowed',
        use: { namespace: 'default', serviceAccount: 'default', namespaceLabels: null },
        defaultAction: 'Allow',
      });
      const [image] = images;
      const { policies, ...about } = image!;
      assert.deepEqual(about, {
        image: `${name}:1.2`,
        digest,
        resolved: true,
        decision: 'allowed',
      });
      const [{ requirements, ...judged }] = policies as [
        Report['images'][number]['policies'][number],
      ];
      assert.deepEqual(judged, { policy: 'team', mode: 'Enforce', outcome: 'verified' });
      const [{ trail, ...result }] = requirements as [(typeof requirements)[number]];
      assert.deepEqual(result, {
        requirement: 'signed',
        category: 'Image Signature',
        outcome: 'verified',
        message: 'signed by key-0',
        signers: [{ authority: 'key-0', identity: issuer.fingerprint }],
      });
      assert.equal(trail[0]?.authority, 'key-0');
      assert.ok(trail[0].checks.every((check) => check.outcome === 'passed'));
    });

    it('gives code and message of a policy that rejects', async () => {
      const { name, digest } = bench.registry.push('app:1.2');
      const report = await parsed(`${name}@${digest}`, '--policy', policy);
      assert.equal(report.decision, 'rejected');
      const { requirements, ...judged } = report.images[0]!.policies[0]!;
      assert.deepEqual(judged, {
        policy: 'team',
        mode: 'Enforce',
        outcome: 'rejected',
        code: 'NO_SIGNATURE',
        message: 'no signature by key-0',
      });
      assert.equal(requirements.length, 1);
    });
  });
});

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, it } from 'mocha';
import type { ImageTrustPolicySpecInput } from '../crds/index.ts';
import { VerificationError, type TrustedRootText } from '../verification/index.ts';
import { seedTrustedRoot } from '../verification/sources/tuf/index.ts';
import { KeyIssuer, testPolicy, TestTufRepository } from '../verification/testing/index.ts';
import { Bench, type Answer } from './__fixtures__/bench.ts';
import type { CliPorts, OpenTrustRoots } from './ports.ts';

const ROOT = seedTrustedRoot().text;
const STALE = new VerificationError('TRUST_ROOT_STALE', 'the mirror did not answer');
const PUBLISHED: TrustedRootText = { text: ROOT, expires: '2026-12-01T00:00:00Z', fromSeed: false };

type Root = NonNullable<
  NonNullable<ImageTrustPolicySpecInput['authorities']>[number]['keyless']
>['trustRoot'];

/** Nobody signed the images of these tests: that the policy says so shows that it was compiled. */
function keyless(trustRoot: Root): ImageTrustPolicySpecInput {
  const authority = { issuer: 'https://issuer.example', subject: 'dev@example.com', trustRoot };
  return testPolicy([], {
    authorities: [{ name: 'dev', keyless: authority }],
    requirements: [{ name: 'signed', signature: { anyOf: ['dev'] } }],
  });
}

/** Counts how often it is opened and read. */
class FakeRoots {
  opened = 0;
  reads = 0;
  closed = 0;
  answer: TrustedRootText | Error = PUBLISHED;
  known: TrustedRootText | undefined;

  readonly open: CliPorts['openTrustRoots'] = (): OpenTrustRoots => {
    this.opened += 1;
    return {
      trustedRoot: async () => {
        this.reads += 1;
        if (this.answer instanceof Error) throw this.answer;
        return Promise.resolve(this.answer);
      },
      knownTrustedRoot: async () => Promise.resolve(this.known),
      close: async () => {
        this.closed += 1;
        return Promise.resolve();
      },
    };
  };
}

describe('trust roots of countersign verify', () => {
  let bench: Bench;
  let roots: FakeRoots;
  let image: string;
  const publicGood = keyless({ publicGood: {} });

  beforeEach(async () => {
    bench = new Bench();
    await bench.start();
    roots = new FakeRoots();
    const { name, digest } = bench.registry.push('app:1.2');
    image = `${name}@${digest}`;
  });
  afterEach(async () => {
    await bench.stop();
  });

  const verify = async (...args: readonly string[]): Promise<Answer> => {
    const argv = ['verify', image, ...args, '--plain-http', bench.registry.host];
    return await bench.run(argv, { openTrustRoots: roots.open });
  };

  it('are not asked for by policies with keys and given roots', async () => {
    const given = bench.policy(keyless({ material: { inline: ROOT } }), 'given');
    const keys = bench.policy(testPolicy([new KeyIssuer()]), 'keys');
    const { code, stdout } = await verify('--policy', given, '--policy', keys);
    assert.match(stdout, /given\/signed: rejected NO_SIGNATURE/);
    assert.match(stdout, /keys\/signed: rejected NO_SIGNATURE/);
    assert.deepEqual([code, roots.opened], [1, 0]);
  });

  it('are read once for several policies, and the connections are closed', async () => {
    const files = ['a', 'b'].flatMap((name) => ['--policy', bench.policy(publicGood, name)]);
    const { code, stdout, stderr } = await verify(...files);
    assert.match(stdout, /a\/signed: rejected NO_SIGNATURE/);
    assert.match(stdout, /b\/signed: rejected NO_SIGNATURE/);
    assert.deepEqual([code, stderr], [1, '']);
    assert.deepEqual([roots.opened, roots.reads, roots.closed], [1, 1, 1]);
  });

  it('that cannot be had end the run before an image is judged: 3', async () => {
    roots.answer = STALE;
    const { code, stdout, stderr } = await verify('--policy', bench.policy(publicGood));
    const told = 'the public-good instance of Sigstore: the mirror did not answer';
    assert.equal(stderr, `error: TRUST_ROOT_STALE: ${told}\n`);
    assert.deepEqual([code, stdout], [3, '']);
    assert.equal(roots.closed, 1);
    assert.deepEqual(bench.registry.seen, []);
  });

  it('are the ones shipped where the mirror does not answer, with a warning', async () => {
    roots.answer = STALE;
    roots.known = { text: ROOT, fromSeed: true };
    const files = ['a', 'b'].flatMap((name) => ['--policy', bench.policy(publicGood, name)]);
    const { code, stdout, stderr } = await verify(...files);
    const told = /^warning: TRUST_ROOT_STALE: .* shipped with this program is used\n$/;
    assert.match(stderr, told);
    assert.match(stdout, /a\/signed: rejected NO_SIGNATURE/);
    assert.equal(code, 1);
  });

  it('are those of an earlier run where what is published cannot be trusted, with a warning', async () => {
    roots.answer = { ...PUBLISHED, text: '{}' };
    roots.known = PUBLISHED;
    const { code, stderr } = await verify('--policy', bench.policy(publicGood));
    assert.match(stderr, /^warning: TRUST_ROOT_INVALID: .*read before .* 2026-12-01T00:00:00Z/);
    assert.equal(code, 1);
  });

  it('do not hide that the cache directory cannot be used', async () => {
    roots.answer = new VerificationError('INTERNAL', 'the cache directory cannot be used (EACCES)');
    roots.known = { text: ROOT, fromSeed: true };
    const { code, stdout, stderr } = await verify('--policy', bench.policy(publicGood));
    assert.match(stderr, /^error: INTERNAL: .*EACCES/);
    assert.deepEqual([code, stdout], [3, '']);
  });

  describe('--trusted-root', () => {
    it('stands in for publicGood and tuf, and nothing is opened', async () => {
      const file = bench.file('trusted_root.json', ROOT);
      const tuf = { mirror: 'https://tuf.example', root: { inline: '{}' } };
      const files = [publicGood, keyless({ tuf })].flatMap((spec, i) => [
        '--policy',
        bench.policy(spec, `p-${i.toString()}`),
      ]);
      const { code, stdout, stderr } = await verify(...files, '--trusted-root', file);
      assert.match(stdout, /p-0\/signed: rejected NO_SIGNATURE/);
      assert.match(stdout, /p-1\/signed: rejected NO_SIGNATURE/);
      assert.deepEqual([code, stderr, roots.opened], [1, '', 0]);
    });

    it('does not stand in for a root that a policy gives', async () => {
      const file = bench.file('trusted_root.json', 'not even JSON');
      const policy = bench.policy(keyless({ material: { inline: ROOT } }));
      assert.equal((await verify('--policy', policy, '--trusted-root', file)).code, 1);
    });

    for (const [what, text, expected] of [
      ['that is no trusted root', '{}', /^error: \S+trusted_root\.json: /],
      ['that is no JSON', 'x', /^error: \S+trusted_root\.json: /],
    ] as const)
      it(`refuses a file ${what}: 2`, async () => {
        const file = bench.file('trusted_root.json', text);
        const args = ['--policy', bench.policy(publicGood), '--trusted-root', file];
        const { code, stderr } = await verify(...args);
        assert.match(stderr, expected);
        assert.equal(code, 2);
      });
  });

  it('name the field where the thresholds ask for more than the root holds: 2', async () => {
    const spec = keyless({
      publicGood: {},
      thresholds: { logEntries: 8, scts: 1, timestamps: 0 },
    });
    const { code, stderr } = await verify('--policy', bench.policy(spec));
    assert.match(stderr, /spec\.authorities\[0\]\.keyless\.trustRoot\.thresholds\.logEntries: /);
    assert.equal(code, 2);
  });

  describe('of a mirror', () => {
    const repository = new TestTufRepository();
    repository.publish(ROOT);
    let server: Server;
    let host: string;
    let served: string[];

    beforeEach(async () => {
      served = [];
      server = createServer((request, response) => {
        served.push(request.url ?? '');
        const file = repository.files.get(request.url ?? '');
        response.writeHead(file === undefined ? 404 : 200).end(file);
      });
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      host = `127.0.0.1:${(server.address() as AddressInfo).port.toString()}`;
    });
    afterEach(() => {
      server.closeAllConnections();
      server.close();
    });

    const read = async (...args: readonly string[]): Promise<Answer> => {
      const tuf = { mirror: `http://${host}`, root: { inline: repository.firstRoot } };
      return await bench.verify(image, '--policy', bench.policy(keyless({ tuf })), ...args);
    };

    it('are read, and kept for when it does not answer', async () => {
      const cache = ['--plain-http', host, '--cache-dir', bench.path('mine')];
      const fresh = await read(...cache);
      assert.match(fresh.stdout, /rejected NO_SIGNATURE/);
      assert.deepEqual([fresh.code, fresh.stderr], [1, '']);
      assert.ok(served.includes('/timestamp.json'));
      server.closeAllConnections();
      server.close();
      const later = await read(...cache);
      assert.match(later.stderr, /^warning: TRUST_ROOT_STALE: http:\S+: .*read before/);
      assert.equal(later.code, 1);
      const elsewhere = await read('--plain-http', host);
      assert.match(elsewhere.stderr, /^error: TRUST_ROOT_STALE: /);
      assert.equal(elsewhere.code, 3);
    });

    it('are not read over plain HTTP unless the host is listed: 3', async () => {
      const { code, stderr } = await read();
      assert.match(stderr, /^error: TRUST_ROOT_INVALID: http:\S+: the mirror is not an HTTPS URL/);
      assert.deepEqual([code, served], [3, []]);
    });
  });
});

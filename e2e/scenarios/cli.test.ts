// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'mocha';
import { TestTufRepository } from '../../verification/testing/index.ts';
import {
  freePort,
  newDirectory,
  pushImage,
  runCommand,
  type CommandResult,
  type PushedImage,
} from '../harness/index.ts';
import {
  assertAdmitted,
  assertDenied,
  exception,
  keyPolicySpec,
  namespace,
  pod,
  policy,
  sharedWorld,
  type World,
} from '../world/index.ts';
import { attest, signKeyless } from '../sigstore/index.ts';
import { exactly, keyless, RELEASE } from './shared/identities.ts';
import { Stage, type Spec } from './shared/stage.ts';

const NS = 'cli';
const ROOT: string = join(import.meta.dirname, '..', '..');
const NODE: string = join(ROOT, 'node_modules', '.bin', 'node');

describe('the command line and admission, on the same images', function () {
  this.timeout(120_000);
  let world: World;
  let directory: string;
  let unsigned: PushedImage;
  let signed: Readonly<Record<string, PushedImage>>;
  let sequence = 0;

  const verify = (image: string, ...flags: readonly string[]): Promise<CommandResult> => {
    const hosts = [world.registry, world.tagRegistry].flatMap(({ host }) => ['--plain-http', host]);
    const place = ['--namespace', NS, '--service-account', 'default'];
    const args = ['verify', image, '--policy', join(directory, 'policy.yaml'), ...place, ...hosts];
    return runCommand(NODE, [join(ROOT, 'cli', 'main.ts'), ...args, ...flags]);
  };
  const create = (image: string): Promise<CommandResult> => {
    sequence += 1;
    return world.kubectl.create(pod({ name: `pod-${sequence.toString()}`, namespace: NS, image }));
  };

  before(async () => {
    world = await sharedWorld();
    directory = newDirectory('cli');
    await world.kubectl.apply(namespace(NS));
    const images = [world.registry, world.tagRegistry].map(({ host }) => `${host}/cli/**`);
    const keys = [world.key.publicKey];
    const object = policy(
      'cli',
      keyPolicySpec({ images, keys, exceptions: { allowed: true, approval: 'NotRequired' } }),
    );
    writeFileSync(join(directory, 'policy.yaml'), JSON.stringify(object));
    const push = async (format: 'bundle' | 'legacy', referrers: boolean): Promise<PushedImage> => {
      const registry = referrers ? world.registry : world.tagRegistry;
      const image = await pushImage(registry, `cli/${format}`, '1.0');
      await world.sign(format, world.key, image.pinned);
      return image;
    };
    signed = {
      'a bundle beside referrers': await push('bundle', true),
      'a bundle without referrers': await push('bundle', false),
      'a legacy signature beside referrers': await push('legacy', true),
      'a legacy signature without referrers': await push('legacy', false),
    };
    unsigned = await pushImage(world.registry, 'cli/unsigned', '1.0');
    await world.kubectl.apply(object);
    await world.enforced('cli');
  });

  for (const what of [
    'a bundle beside referrers',
    'a bundle without referrers',
    'a legacy signature beside referrers',
    'a legacy signature without referrers',
  ]) {
    it(`agree on ${what}`, async () => {
      const image = signed[what];
      assert.ok(image !== undefined);
      assertAdmitted(await create(image.reference));
      const answer = await verify(image.reference);
      assert.equal(answer.code, 0, answer.stderr);
      assert.match(answer.stdout, /cli\/signed: verified signed by release-key/);
    });
  }

  it('agree on an image without a signature', async () => {
    assertDenied(await create(unsigned.reference), 'NO_SIGNATURE');
    const answer = await verify(unsigned.reference);
    assert.equal(answer.code, 1);
    assert.match(answer.stdout, /rejected NO_SIGNATURE/);
  });

  it('agree on an exception, and on one that has ended', async () => {
    const granted = { name: 'cli', namespace: NS, policy: 'cli', digests: [unsigned.digest] };
    const file = join(directory, 'exceptions.yaml');
    const inAnHour = new Date(Date.now() + 3_600_000);
    writeFileSync(file, JSON.stringify(exception({ ...granted, expiresAt: inAnHour })));
    assert.equal((await verify(unsigned.pinned, '--exceptions', file)).code, 0);
    const before = new Date(Date.now() - 1_000);
    writeFileSync(file, JSON.stringify(exception({ ...granted, expiresAt: before })));
    const answer = await verify(unsigned.pinned, '--exceptions', file);
    assert.equal(answer.code, 1);
    assert.match(answer.stdout, /rejected EXCEPTION_EXPIRED/);
  });

  it('do not take silence for a pass', async () => {
    const nobody = `127.0.0.1:${(await freePort()).toString()}`;
    const image = `${nobody}/cli/app@${unsigned.digest}`;
    const file = join(directory, 'elsewhere.yaml');
    const spec = keyPolicySpec({ images: [`${nobody}/**`], keys: [world.key.publicKey] });
    writeFileSync(file, JSON.stringify(policy('elsewhere', spec)));
    const answer = await verify(image, '--policy', file, '--plain-http', nobody);
    assert.equal(answer.code, 3);
    assert.match(answer.stdout, /inconclusive REGISTRY_UNAVAILABLE/);
  });
});

const VULN = 'https://cosign.sigstore.dev/attestation/vuln/v1';
const CLEAN = { scanner: { result: { summary: { criticalCount: 0 } } } };
const CRITICAL = { scanner: { result: { summary: { criticalCount: 2 } } } };

interface SigstoreCase {
  readonly what: string;
  /** Of a scan that the workflow attests; it attests nothing where absent. */
  readonly predicate?: unknown;
  /** What the workflow that signs runs for; that of the policy where absent. */
  readonly ref?: string;
  /** Why the image is refused; it is good where absent. */
  readonly code?: string;
}

/** An image of each kind, and what both sides have to say of it. */
const SIGSTORE_CASES: readonly SigstoreCase[] = [
  { what: 'signed and attested by the workflow', predicate: CLEAN },
  {
    what: 'signed by another branch',
    predicate: CLEAN,
    ref: 'refs/heads/topic',
    code: 'IDENTITY_MISMATCH',
  },
  { what: 'signed and not attested', code: 'ATTESTATION_MISSING' },
  { what: 'attested with a finding', predicate: CRITICAL, code: 'PREDICATE_REJECTED' },
];

describe('the command line and admission, on keyless signatures and attestations', function () {
  this.timeout(120_000);
  let stage: Stage;
  let directory: string;

  /** Names a trusted root for the workflow, and demands what it signs and attests. */
  const spec = (authority: Spec): Spec => ({
    mode: 'Enforce',
    match: { images: [stage.repository('**')] },
    authorities: [{ name: 'workflow', ...authority }],
    requirements: [
      { name: 'signed', signature: { anyOf: ['workflow'] } },
      {
        name: 'scanned',
        attestation: {
          predicateType: VULN,
          anyOf: ['workflow'],
          maxAge: '1h',
          conditions: [
            {
              name: 'no-critical-count',
              expression: 'predicate.scanner.result.summary.criticalCount == 0',
            },
          ],
        },
      },
    ],
  });
  const file = (name: string, authority: Spec): string => {
    const path = join(directory, `${name}.yaml`);
    writeFileSync(path, JSON.stringify(policy(name, spec(authority))));
    return path;
  };
  const verify = (image: string, ...flags: readonly string[]): Promise<CommandResult> => {
    const place = ['--namespace', stage.name, '--plain-http', stage.world.registry.host];
    return runCommand(NODE, [join(ROOT, 'cli', 'main.ts'), 'verify', image, ...place, ...flags]);
  };
  const push = async ({
    ref = RELEASE.ref,
    predicate,
  }: Partial<SigstoreCase> = {}): Promise<PushedImage> => {
    const { sigstore } = stage;
    const image = await stage.push('app');
    await signKeyless(image.pinned, { sigstore, identity: { ...RELEASE, ref } });
    const by = { sigstore, identity: RELEASE };
    if (predicate !== undefined) await attest(image.pinned, { type: 'vuln', predicate, by });
    return image;
  };

  before(async () => {
    stage = await Stage.open('cli-sigstore');
    directory = newDirectory('cli-sigstore');
    await stage.enforce('app', spec(keyless(stage.sigstore, RELEASE)));
  });

  for (const { what, code, ...made } of SIGSTORE_CASES) {
    it(`agree on an image ${what}`, async () => {
      const image = await push(made);
      const given = file('given', keyless(stage.sigstore, RELEASE));
      const named = { ...exactly(stage.sigstore, RELEASE), trustRoot: { publicGood: {} } };
      const root = ['--trusted-root', stage.sigstore.trustedRootFile];
      const runs = [
        await verify(image.pinned, '--policy', given),
        await verify(image.pinned, '--policy', file('named', { keyless: named }), ...root),
      ];
      if (code === undefined) assertAdmitted(await stage.ask(image.pinned));
      else assertDenied(await stage.ask(image.pinned), code);
      for (const { code: exit, stdout, stderr } of runs) {
        assert.deepEqual([exit, stderr], [code === undefined ? 0 : 1, ''], stdout);
        assert.match(
          stdout,
          code === undefined ? /scanned: verified/ : new RegExp(`rejected ${code}`),
        );
      }
    });
  }

  it('cannot tell where the root is to come from a mirror that is not there: 3', async () => {
    const nobody = `127.0.0.1:${(await freePort()).toString()}`;
    const root = { inline: new TestTufRepository().firstRoot };
    const trustRoot = { tuf: { mirror: `http://${nobody}/tuf`, root } };
    const path = file('mirror', { keyless: { ...exactly(stage.sigstore, RELEASE), trustRoot } });
    const { pinned } = await stage.push('app');
    const flags = ['--policy', path, '--plain-http', nobody, '--cache-dir', directory];
    const { code, stdout, stderr } = await verify(pinned, ...flags);
    assert.match(stderr, /^error: TRUST_ROOT_STALE: /);
    assert.deepEqual([code, stdout], [3, '']);
  });
});

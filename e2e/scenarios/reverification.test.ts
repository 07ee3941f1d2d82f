// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, it } from 'mocha';
import { pushImage, startCountingProxy, waitFor } from '../harness/index.ts';
import type { CountingProxy, PushedImage } from '../harness/index.ts';
import { reportOf, resultsOf, type ReportResult } from '../story/index.ts';
import {
  assertAdmitted,
  deployment,
  exception,
  keyInConfigMap,
  keyPolicySpec,
  namespace,
  policy,
  sharedWorld,
  type World,
} from '../world/index.ts';
import { deleteLegacySignature, deleteReferrers } from './reverification/signatures.ts';

const NS = 'reverification';
/** A tenth to a fifth is added to the interval; the rest is for what it takes to look. */
const LOOKED_MS = 20_000;
const HANGING = 50;

describe('re-verification on a real API server', function () {
  this.timeout(120_000);
  let world: World;
  /** Before the registry, and in place of one that never answers. */
  let proxy: CountingProxy;
  let hanging: CountingProxy;

  const resultOf = async (name: string): Promise<ReportResult | undefined> =>
    resultsOf(await reportOf(world, { kind: 'Deployment', name, namespace: NS }))[0];
  const becomes = async (name: string, wanted: string, timeoutMs = 15_000): Promise<void> => {
    let said = '';
    await waitFor(
      async () => {
        const result = await resultOf(name);
        said = [result?.result, result?.properties['reason']].join(' ').trim();
        return said === wanted;
      },
      { timeoutMs, message: wanted, intervalMs: 100 },
    ).catch((cause: unknown) => {
      throw new Error(`${name}: ${wanted}; it says ${said}\n${world.operator.logTail(10)}`, {
        cause,
      });
    });
  };
  const deploy = async (images: Readonly<Record<string, string>>, replicas = 1): Promise<void> => {
    const objects = Object.entries(images).map(([name, image]) =>
      deployment({ name, namespace: NS, image, replicas }),
    );
    assertAdmitted(await world.kubectl.create(objects));
    if (replicas === 0) return;
    for (const name of Object.keys(images)) await runs(name);
  };
  const runs = (name: string): Promise<unknown> =>
    waitFor(
      async () => {
        const pods = await world.kubectl.list<{ status: { phase?: string } }>(
          'pods',
          NS,
          `app=${name}`,
        );
        return pods.some(({ status }) => status.phase === 'Running');
      },
      { timeoutMs: 20_000, message: `a pod of ${name}` },
    );
  const enforce = async (name: string, spec: Readonly<Record<string, unknown>>): Promise<void> => {
    await world.kubectl.apply(policy(name, spec));
    await world.enforced(name);
  };

  before(async () => {
    world = await sharedWorld();
    const portOf = (host: string): number => Number(host.split(':')[1]);
    proxy = await startCountingProxy(world.registry.host, { port: portOf(world.proxyHost) });
    hanging = await startCountingProxy('127.0.0.1:9', {
      port: portOf(world.mirrorHost),
      faults: () => ({ body: 'hang' }),
    });
    await world.kubectl.apply(namespace(NS));
  });
  after(async () => {
    // `before` may have failed half way.
    for (const one of [proxy, hanging]) await (one as CountingProxy | undefined)?.stop();
    for (const name of ['kept', 'fresh', 'hanging'])
      await world.kubectl.delete('imagetrustpolicy', name);
  });

  describe('by what was read before', () => {
    const CONFIG = 'reverification-key';
    const authorities = [keyInConfigMap(CONFIG, '').authority];
    let digest: string;
    let me: string;

    const trust = async (publicKey: string): Promise<void> => {
      await world.kubectl.apply(keyInConfigMap(CONFIG, publicKey).configMap);
    };
    const spec = (more: Readonly<Record<string, unknown>> = {}) => ({
      ...keyPolicySpec({ images: [`${proxy.host}/kept/**`], keys: [] }),
      authorities,
      exceptions: { allowed: true, approval: 'NotRequired' },
      modeOverrides: [{ namespaceSelector: { matchLabels: { stage: 'dev' } }, mode: 'Audit' }],
      ...more,
    });
    /** Both say this, and then no request was made. */
    const told = async (signed: string, unsigned: string): Promise<void> => {
      await becomes('signed', signed);
      await becomes('unsigned', unsigned);
      assert.deepEqual(
        proxy.requests.map(({ method, path }) => `${method} ${path}`),
        [],
      );
    };

    before(async () => {
      const [signed, unsigned] = await Promise.all([
        pushImage(proxy, 'kept/signed', '1.0'),
        pushImage(proxy, 'kept/unsigned', '1.0'),
      ]);
      ({ digest } = unsigned);
      me = await world.kubectl.whoAmI();
      await world.sign('bundle', world.key, signed.pinned);
      await trust(world.key.publicKey);
      await deploy({ signed: signed.pinned, unsigned: unsigned.pinned });
      await enforce('kept', spec());
      await becomes('signed', 'pass');
      await becomes('unsigned', 'fail NO_SIGNATURE');
      proxy.reset();
    });

    it('follows the key that a policy refers to without the registry', async () => {
      await trust(world.otherKey.publicKey);
      await told('fail KEY_UNTRUSTED', 'fail NO_SIGNATURE');
      await trust(world.key.publicKey);
      await told('pass', 'fail NO_SIGNATURE');
    });

    it('follows the edit of a policy without the registry', async () => {
      const requirements = [{ name: 'listed', allowedDigests: [digest] }];
      await enforce('kept', spec({ requirements }));
      await told('fail DIGEST_NOT_ALLOWED', 'pass');
      await enforce('kept', spec());
      await told('pass', 'fail NO_SIGNATURE');
    });

    it('follows an exception that comes, ends and goes without the registry', async () => {
      const excepting = (name: string, ms: number) =>
        world.kubectl.apply(
          exception({
            name,
            namespace: NS,
            policy: 'kept',
            digests: [digest],
            requestedBy: me,
            expiresAt: new Date(Date.now() + ms),
          }),
        );
      await excepting('brief', 6_000);
      await told('pass', 'skip');
      await told('pass', 'fail EXCEPTION_EXPIRED');
      await excepting('long', 600_000);
      await told('pass', 'skip');
      await world.kubectl.delete('signingexception', 'long', NS);
      await world.kubectl.delete('signingexception', 'brief', NS);
      await told('pass', 'fail NO_SIGNATURE');
    });

    it('follows the labels of a namespace without the registry', async () => {
      await world.kubectl.must(['label', 'namespace', NS, 'stage=dev']);
      await told('pass', 'warn NO_SIGNATURE');
      await world.kubectl.must(['label', 'namespace', NS, 'stage-']);
      await told('pass', 'fail NO_SIGNATURE');
    });

    it('turns at the instant at which the window of a key ends, without the registry', async () => {
      const end = Math.ceil(Date.now() / 1000) * 1000 + 8_000;
      const material = { inline: world.key.publicKey };
      const windowed = { material, validUntil: new Date(end).toISOString() };
      await enforce('kept', spec({ authorities: [{ name: 'release-key', key: windowed }] }));
      await told('pass', 'fail NO_SIGNATURE');
      assert.ok(Date.now() < end, 'before the end');
      await told('fail KEY_EXPIRED', 'fail NO_SIGNATURE');
      const late = (await resultOf('signed'))?.timestamp?.seconds ?? 0;
      assert.ok(
        late * 1000 >= end && late * 1000 <= end + 3_000,
        `${late.toString()} for ${end.toString()}`,
      );
      await enforce('kept', spec());
      await told('pass', 'fail NO_SIGNATURE');
    });

    it('goes on while a registry hangs that half a hundred others need', async () => {
      const images = Array.from({ length: HANGING }, (_, n) => {
        const made = createHash('sha256').update(n.toString()).digest('hex');
        return [`hanging-${n.toString()}`, `${hanging.host}/hanging/app@sha256:${made}`] as const;
      });
      await deploy(Object.fromEntries(images), 0);
      const match = [`${hanging.host}/**`];
      await enforce('hanging', keyPolicySpec({ images: match, keys: [world.key.publicKey] }));
      await waitFor(() => hanging.requests.length > 0, { timeoutMs: 10_000, message: 'requests' });
      await trust(world.otherKey.publicKey);
      await told('fail KEY_UNTRUSTED', 'fail NO_SIGNATURE');
      // So nobody waited until one of them was given up.
      assert.ok(hanging.requests.every(({ doneAt }) => doneAt === Number.POSITIVE_INFINITY));
      await trust(world.key.publicKey);
      await told('pass', 'fail NO_SIGNATURE');
    });
  });

  it('notices within an interval that a signature is there or gone, with and without referrers', async () => {
    const names = ['added', 'deleted'].flatMap((what) => [`${what}-referrer`, `${what}-tag`]);
    const entries = await Promise.all(
      names.map(async (name): Promise<readonly [string, PushedImage]> => {
        const registry = name.endsWith('-tag') ? world.tagRegistry : world.registry;
        const image = await world.push(registry, `fresh/${name}`, '1.0');
        if (name.startsWith('deleted')) await signIn(name, image);
        return [name, image];
      }),
    );
    await deploy(Object.fromEntries(entries.map(([name, { pinned }]) => [name, pinned])));
    const images = [world.registry, world.tagRegistry].map(({ host }) => `${host}/fresh/**`);
    const spec = keyPolicySpec({ images, keys: [world.key.publicKey] });
    await enforce('fresh', { ...spec, reverification: { interval: '10s' } });
    const change = async ([name, image]: readonly [string, PushedImage]): Promise<void> => {
      const isAdded = name.startsWith('added');
      await becomes(name, isAdded ? 'fail NO_SIGNATURE' : 'pass');
      if (isAdded) await signIn(name, image);
      else if (name.endsWith('-tag')) await deleteLegacySignature(image);
      else await deleteReferrers(image);
      await becomes(name, isAdded ? 'pass' : 'fail NO_SIGNATURE', LOOKED_MS);
    };
    await Promise.all(entries.map(change));
  });

  async function signIn(name: string, { pinned }: PushedImage): Promise<void> {
    await world.sign(name.endsWith('-tag') ? 'legacy' : 'bundle', world.key, pinned);
  }
});

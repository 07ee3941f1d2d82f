// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'mocha';
import { parse } from 'yaml';
import { TestTufRepository } from '../../verification/testing/index.ts';
import { newDirectory, waitFor, type PushedImage } from '../harness/index.ts';
import { sharedSigstore, sign, signKeyless, type LocalSigstore } from '../sigstore/index.ts';
import { reportOf, resultsOf } from '../story/index.ts';
import {
  assertAdmitted,
  deployment,
  namespace,
  pod,
  policy,
  startWorld,
  type World,
} from '../world/index.ts';
import { recorded, recording } from './outgoing/record.ts';
import { keyless, RELEASE } from './shared/identities.ts';
import { signedBy, type Spec } from './shared/stage.ts';

const NS = 'outgoing';

describe('whom webhook and operator call', function () {
  this.timeout(120_000);
  const directory = newDirectory('outgoing');
  let world: World;
  let sigstore: LocalSigstore;
  let allowed: readonly string[];

  before(async () => {
    [world, sigstore] = await Promise.all([
      startWorld({ nodes: 0, env: recording(directory) }),
      sharedSigstore(),
    ]);
    await world.kubectl.apply(namespace(NS));
    const { host } = new URL(serverOf(world.kubectl.kubeconfig));
    allowed = ['started', host, world.registry.host];
  });
  after(() => world.stop());

  /** Demands a signature by the authority, signs, and waits until both processes have judged it. */
  const judged = async (
    name: string,
    authority: Spec,
    signWith: (image: PushedImage) => Promise<unknown>,
  ): Promise<void> => {
    const repository = `outgoing/${name}`;
    const image = await world.push(world.registry, repository, '1');
    await signWith(image);
    const spec = signedBy(`${world.registry.host}/${repository}`, authority);
    await world.kubectl.apply(policy(name, { mode: 'Enforce', ...spec }));
    await world.enforced(name);
    const object = { name, namespace: NS, image: image.pinned };
    assertAdmitted(await world.kubectl.create(pod(object)));
    await world.kubectl.apply(deployment({ ...object, replicas: 0 }));
    const passes = async (): Promise<boolean> => {
      const workload = { kind: 'Deployment', name, namespace: NS };
      return resultsOf(await reportOf(world, workload)).some(({ result }) => result === 'pass');
    };
    await waitFor(passes, { timeoutMs: 20_000, message: `report of ${name}` });
  };
  const strangers = (): readonly string[] =>
    [...recorded(directory)].filter((line) => !allowed.includes(line));

  it('F3: nobody but the API server and the registry, for policies that name keys or a given root', async () => {
    const { key } = world;
    const material = { inline: key.publicKey };
    const trustRoot = { material: { inline: sigstore.trustedRoot } };
    await judged('key', { key: { material } }, ({ pinned }) => sign(pinned, { by: { key } }));
    const logged = { key: { material, transparencyLog: 'Require', trustRoot } };
    await judged('logged', logged, ({ pinned }) => sign(pinned, { by: { key, sigstore } }));
    await judged('keyless', keyless(sigstore, RELEASE), ({ pinned }) =>
      signKeyless(pinned, { sigstore, identity: RELEASE }),
    );
    assert.deepEqual(strangers(), []);
    assert.ok(allowed.every((line) => recorded(directory).has(line)));
  });

  it('also a TUF mirror, once a policy names it', async () => {
    const repository = new TestTufRepository();
    repository.publish(sigstore.trustedRoot);
    const server = createServer((request, response) => {
      const file = repository.files.get(request.url ?? '');
      response.statusCode = file === undefined ? 404 : 200;
      response.end(file);
    });
    const [host = '', port] = world.mirrorHost.split(':');
    await new Promise<void>((resolve) => server.listen(Number(port), host, resolve));
    try {
      const tuf = { mirror: `http://${world.mirrorHost}`, root: { inline: repository.firstRoot } };
      const authority = keyless(sigstore, RELEASE, { trustRoot: { tuf } });
      await judged('tuf', authority, ({ pinned }) =>
        signKeyless(pinned, { sigstore, identity: RELEASE }),
      );
      assert.deepEqual(strangers(), [world.mirrorHost]);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});

function serverOf(kubeconfig: string): string {
  const { clusters } = parse(readFileSync(kubeconfig, 'utf8')) as {
    clusters: readonly [{ cluster: { server: string } }];
  };
  return clusters[0].cluster.server;
}

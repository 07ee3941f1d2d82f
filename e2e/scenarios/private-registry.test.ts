// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import {
  freePort,
  newDirectory,
  pushImage,
  REGISTRY_USER,
  signBundle,
  startRegistry,
  waitFor,
  type CommandResult,
  type PushedImage,
  type Registry,
} from '../harness/index.ts';
import { reportOf, resultsOf } from '../story/index.ts';
import {
  assertAdmitted,
  assertDenied,
  deployment,
  keyPolicySpec,
  namespace,
  pod,
  policy,
  startWorld,
  type World,
} from '../world/index.ts';

const NS = 'private';
const PULL_SECRETS: string = join(
  import.meta.dirname,
  ...['..', '..', 'config', 'components', 'pull-secrets', 'pull-secrets.yaml'],
);

describe('a registry that asks for credentials', function () {
  this.timeout(120_000);
  let world: World;
  let registry: Registry;
  let image: PushedImage;
  let dockerConfig: string;
  let sequence = 0;

  const create = (options: {
    readonly image?: string;
    readonly secrets?: readonly string[];
    readonly serviceAccount?: string;
    readonly inNamespace?: string;
  }): Promise<CommandResult> => {
    sequence += 1;
    const { secrets = [], serviceAccount, inNamespace = NS } = options;
    const object = pod({
      name: `pod-${sequence.toString()}`,
      namespace: inNamespace,
      image: options.image ?? image.pinned,
      ...(serviceAccount === undefined ? {} : { serviceAccount }),
    });
    const spec = object['spec'] as object;
    const imagePullSecrets = secrets.map((name) => ({ name }));
    return world.kubectl.create({ ...object, spec: { ...spec, imagePullSecrets } });
  };

  before(async () => {
    const port = await freePort();
    const host = `127.0.0.1:${port.toString()}`;
    const { username, password } = REGISTRY_USER;
    const auth = Buffer.from(`${username}:${password}`).toString('base64');
    dockerConfig = JSON.stringify({ auths: { [host]: { auth } } });
    registry = await startRegistry({ kind: 'distribution', port, private: true });
    const env = { COUNTERSIGN_PULL_SECRETS: 'true' };
    world = await startWorld({ plainHttpHosts: [host], env });
    await world.kubectl.must(['apply', '-f', PULL_SECRETS]);
    await world.kubectl.apply([namespace(NS), namespace('private-other')]);
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'reader', namespace: NS },
      type: 'kubernetes.io/dockerconfigjson',
      stringData: { '.dockerconfigjson': dockerConfig },
    };
    const serviceAccount = {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'puller', namespace: NS },
      imagePullSecrets: [{ name: 'reader' }],
    };
    await world.kubectl.apply([secret, serviceAccount]);
    const directory = newDirectory('docker-config');
    writeFileSync(join(directory, 'config.json'), dockerConfig);
    process.env['DOCKER_CONFIG'] = directory;
    try {
      image = await pushImage(registry, 'private/app', '1.0');
      await signBundle(world.key, image.pinned);
    } finally {
      delete process.env['DOCKER_CONFIG'];
    }
    const images = [`${registry.host}/**`];
    const spec = keyPolicySpec({ images, keys: [world.key.publicKey] });
    await world.kubectl.apply(policy('private', spec));
    await world.enforced('private');
  });
  after(async () => {
    // `before` may have failed half way.
    await (world as World | undefined)?.stop();
    await (registry as Registry | undefined)?.stop();
  });

  it('denies with a code of its own where nobody gives any', async () => {
    assertDenied(await create({}), 'REGISTRY_UNAUTHORIZED');
  });

  it('is read with the pull secrets of the pod, for its tag too', async () => {
    assertAdmitted(await create({ secrets: ['reader'] }));
    assertAdmitted(await create({ secrets: ['reader'], image: image.reference }));
  });

  it('is read with the pull secrets of the service account', async () => {
    assertAdmitted(await create({ serviceAccount: 'puller' }));
  });

  it('is not read with the secret of another namespace, nor from what was read with it', async () => {
    const answer = await create({ secrets: ['reader'], inNamespace: 'private-other' });
    assertDenied(answer, 'REGISTRY_UNAUTHORIZED');
  });

  it('is read for reports, also of a template whose service account has the pull secret', async () => {
    const web = { name: 'web', namespace: NS, image: image.reference, serviceAccount: 'puller' };
    assertAdmitted(await world.kubectl.create(deployment({ ...web, replicas: 0 })));
    const results = await waitFor(
      async () => {
        const workload = { kind: 'Deployment', name: 'web', namespace: NS };
        const found = resultsOf(await reportOf(world, workload));
        return found.length > 0 ? found : undefined;
      },
      { timeoutMs: 10_000, message: 'report' },
    );
    assert.deepEqual(
      results.map((r) => r.result),
      ['pass'],
    );
  });
});

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import {
  buildImage,
  containersAvailable,
  ContainerComponent,
  startDocker,
  type DockerDaemon,
} from '../containers/index.ts';
import { needs, pushImage, signBundle } from '../harness/index.ts';
import {
  assertAdmitted,
  assertDenied,
  keyPolicySpec,
  namespace,
  pod,
  policy,
  startWorld,
  type World,
} from '../world/index.ts';

describe('operator and webhook as confined containers of the image', function () {
  this.timeout(300_000);
  let docker: DockerDaemon;
  let world: World;

  before(async function () {
    needs(this, 'containers', containersAvailable());
    docker = await startDocker();
    process.env['DOCKER_HOST'] = docker.host;
    process.env['TESTCONTAINERS_RYUK_DISABLED'] = 'true';
    // The daemon has no bridge to ask for the address of its host.
    process.env['TESTCONTAINERS_HOST_OVERRIDE'] = '127.0.0.1';
    const image = await buildImage(docker.host);
    world = await startWorld({
      nodes: 0,
      servicePort: 9443,
      component: (options) => new ContainerComponent(image, options),
    });
  });
  after(async () => {
    // `before` may have skipped or failed half way.
    await (world as World | undefined)?.stop();
    await (docker as DockerDaemon | undefined)?.stop();
  });

  it('has a root that cannot be written, no user rights and no capabilities', async () => {
    for (const component of [world.operator, world.webhook]) {
      assert.ok(component instanceof ContainerComponent);
      const script = `
        const fs = require('node:fs');
        let writable = true;
        try { fs.writeFileSync('/app/x', ''); } catch { writable = false; }
        const capabilities = /CapEff:\\s+(\\w+)/.exec(fs.readFileSync('/proc/self/status', 'utf8'))[1];
        console.log(JSON.stringify({ uid: process.getuid(), writable, capabilities }));`;
      const { output } = await component.exec(['node', '-e', script]);
      assert.deepEqual(JSON.parse(output), {
        uid: 65532,
        writable: false,
        capabilities: '0000000000000000',
      });
    }
  });

  it('admits a signed image and denies an unsigned one', async () => {
    await world.kubectl.apply(namespace('image'));
    const signed = await pushImage(world.registry, 'image/signed', '1.0');
    const unsigned = await pushImage(world.registry, 'image/unsigned', '1.0');
    await signBundle(world.key, signed.pinned);
    await world.kubectl.apply(
      policy(
        'image',
        keyPolicySpec({ images: [`${world.registry.host}/image/**`], keys: [world.key.publicKey] }),
      ),
    );
    await world.enforced('image');
    assertAdmitted(
      await world.kubectl.create(
        pod({ name: 'signed', namespace: 'image', image: signed.reference }),
      ),
    );
    assertDenied(
      await world.kubectl.create(
        pod({ name: 'unsigned', namespace: 'image', image: unsigned.reference }),
      ),
      'NO_SIGNATURE',
    );
  });

  it('ends in good order on SIGTERM', async () => {
    await world.webhook.stop();
    const leases = await world.kubectl.list(
      'leases',
      'countersign-system',
      'countersign.dev/component=webhook',
    );
    assert.deepEqual(leases, []);
    await world.webhook.start();
    await world.webhook.ready();
  });
});

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { before, describe, it } from 'mocha';
import { pushImage, signBundle, type PushedImage } from '../harness/index.ts';
import {
  assertAdmitted,
  assertDenied,
  keyPolicySpec,
  namespace,
  pod,
  policy,
  sharedWorld,
  type World,
} from '../world/index.ts';

const NS = 'requirements';

describe('requirements of a policy on a real API server', function () {
  this.timeout(120_000);
  let world: World;
  let listed: PushedImage;
  let unlisted: PushedImage;
  let sequence = 0;

  const create = (image: string) => {
    sequence += 1;
    return world.kubectl.create(pod({ name: `pod-${sequence.toString()}`, namespace: NS, image }));
  };
  const enforce = async (name: string, spec: Readonly<Record<string, unknown>>): Promise<void> => {
    await world.kubectl.apply(policy(name, spec));
    await world.enforced(name);
  };

  before(async () => {
    world = await sharedWorld();
    await world.kubectl.apply(namespace(NS));
    [listed, unlisted] = await Promise.all([
      pushImage(world.registry, 'requirements/base', 'listed'),
      pushImage(world.registry, 'requirements/base', 'unlisted'),
    ]);
  });

  it('denies a tag where the policy says tags: Deny, signed or not', async () => {
    const image = await pushImage(world.registry, 'requirements/no-tags', '1.0');
    await signBundle(world.key, image.pinned);
    const spec = keyPolicySpec({
      images: [`${world.registry.host}/requirements/no-tags`],
      keys: [world.key.publicKey],
      tags: 'Deny',
    });
    await enforce('no-tags', spec);
    assertDenied(await create(image.reference), 'DIGEST_REQUIRED');
    assertAdmitted(await create(image.pinned));
  });

  it('denies a digest that is not on the list, without any registry contact needed for one that is', async () => {
    await enforce('approved-bases', {
      mode: 'Enforce',
      match: { images: [`${world.registry.host}/requirements/base`] },
      requirements: [{ name: 'approved', allowedDigests: [listed.digest] }],
    });
    assertAdmitted(await create(listed.pinned));
    assertDenied(await create(unlisted.pinned), 'DIGEST_NOT_ALLOWED');
  });

  it('denies a repository that is not on the list, in the namespaces of the policy', async () => {
    await world.kubectl.apply(namespace('requirements-prod', { env: 'requirements-prod' }));
    await enforce('production-sources', {
      mode: 'Enforce',
      match: { images: ['**'], namespaceSelector: { matchLabels: { env: 'requirements-prod' } } },
      requirements: [
        { name: 'source', allowedRepositories: [`${world.registry.host}/requirements/*`] },
      ],
    });
    const other = await pushImage(world.registry, 'elsewhere/tool', '1.0');
    const production = (name: string, image: string) =>
      world.kubectl.create(pod({ name, namespace: 'requirements-prod', image }));
    assertDenied(await production('other', other.pinned), 'REPOSITORY_NOT_ALLOWED');
    assertAdmitted(await production('base', listed.pinned));
    assertAdmitted(await create(other.pinned));
  });

  it('demands as many distinct authorities as the threshold says', async () => {
    const image = await pushImage(world.registry, 'requirements/two', '1.0');
    await signBundle(world.key, image.pinned);
    await enforce('two-keys', {
      mode: 'Enforce',
      match: { images: [`${world.registry.host}/requirements/two`] },
      authorities: [
        { name: 'first', key: { material: { inline: world.key.publicKey } } },
        { name: 'second', key: { material: { inline: world.otherKey.publicKey } } },
      ],
      requirements: [{ name: 'both', signature: { anyOf: ['first', 'second'], threshold: 2 } }],
    });
    assertDenied(await create(image.pinned), 'THRESHOLD_NOT_MET');
    const both = await pushImage(world.registry, 'requirements/two', '2.0');
    await signBundle(world.key, both.pinned);
    await signBundle(world.otherKey, both.pinned);
    assertAdmitted(await create(both.pinned));
  });

  it('demands the annotations of a signature, from one and the same signature', async () => {
    const image = await pushImage(world.registry, 'requirements/annotated', '1.0');
    await signBundle(world.key, image.pinned, { annotations: { env: 'dev' } });
    await enforce('annotated', {
      ...keyPolicySpec({
        images: [`${world.registry.host}/requirements/annotated`],
        keys: [world.key.publicKey],
      }),
      requirements: [
        { name: 'prod', signature: { anyOf: ['release-key'], annotations: { env: 'prod' } } },
      ],
    });
    assertDenied(await create(image.pinned), 'ANNOTATION_MISMATCH');
    const released = await pushImage(world.registry, 'requirements/annotated', '2.0');
    await signBundle(world.key, released.pinned, { annotations: { env: 'prod' } });
    assertAdmitted(await create(released.pinned));
  });

  it('B21: demands every policy that matches, in whatever order', async () => {
    const image = await pushImage(world.registry, 'requirements/and', '1.0');
    await signBundle(world.key, image.pinned);
    const images = [`${world.registry.host}/requirements/and`];
    await enforce('and-a', keyPolicySpec({ images, keys: [world.key.publicKey] }));
    assertAdmitted(await create(image.pinned));
    await enforce('and-b', keyPolicySpec({ images, keys: [world.otherKey.publicKey] }));
    assertDenied(await create(image.pinned), 'KEY_UNTRUSTED');
  });

  it('takes keys from a ConfigMap and a Secret in the namespace of the operator', async () => {
    const inSystem = 'countersign-system';
    await world.kubectl.apply([
      {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'keys', namespace: inSystem },
        data: { 'a.pub': world.key.publicKey },
      },
      {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'keys', namespace: inSystem },
        stringData: { 'a.pub': world.otherKey.publicKey },
      },
    ]);
    for (const [ref, key] of [
      ['configMapRef', world.key],
      ['secretRef', world.otherKey],
    ] as const) {
      const repository = `requirements/${ref.toLowerCase()}`;
      const image = await pushImage(world.registry, repository, '1.0');
      await signBundle(key, image.pinned);
      await enforce(`material-${ref.toLowerCase()}`, {
        ...keyPolicySpec({ images: [`${world.registry.host}/${repository}`], keys: [] }),
        authorities: [
          { name: 'release-key', key: { material: { [ref]: { name: 'keys', key: 'a.pub' } } } },
        ],
      });
      assertAdmitted(await create(image.pinned));
      const unsigned = await pushImage(world.registry, repository, '2.0');
      assertDenied(await create(unsigned.pinned), 'NO_SIGNATURE');
    }
  });
});

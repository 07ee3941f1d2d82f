// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import {
  copyImage,
  pushImage,
  signBundle,
  signLegacy,
  type PushedImage,
} from '../harness/index.ts';
import {
  assertAdmitted,
  assertDenied,
  assertWarned,
  deployment,
  keyPolicySpec,
  namespace,
  pod,
  policy,
  sharedWorld,
  startInjector,
  type Injector,
  type World,
} from '../world/index.ts';

const NS = 'admission';

describe('admission on a real API server', function () {
  this.timeout(180_000);
  let world: World;
  let signed: PushedImage;
  let unsigned: PushedImage;
  let sequence = 0;

  const create = (image: string, options: object = {}) => {
    sequence += 1;
    return world.kubectl.create(
      pod({ name: `pod-${sequence.toString()}`, namespace: NS, image, ...options }),
    );
  };

  before(async () => {
    world = await sharedWorld();
    await world.kubectl.apply([namespace(NS), namespace('admission-audit', { env: 'dev' })]);
    const images = [
      `${world.registry.host}/admission/**`,
      `${world.tagRegistry.host}/admission/**`,
    ];
    const modeOverrides = [{ namespaceSelector: { matchLabels: { env: 'dev' } }, mode: 'Audit' }];
    const spec = keyPolicySpec({ images, keys: [world.key.publicKey], modeOverrides });
    [signed, unsigned] = await Promise.all([
      pushImage(world.registry, 'admission/app', '1.0'),
      pushImage(world.registry, 'admission/unsigned', '1.0'),
      world.kubectl.apply(policy('admission', spec)),
    ]);
    await signBundle(world.key, signed.pinned);
    await world.enforced('admission');
  });

  for (const which of ['registry', 'tagRegistry'] as const) {
    for (const [format, sign] of [
      ['a v3 bundle', signBundle],
      ['a legacy signature', signLegacy],
    ] as const) {
      it(`admits an image with ${format} from the registry ${which === 'registry' ? 'with' : 'without'} the referrers API`, async () => {
        const image = await pushImage(
          world[which],
          `admission/${which.toLowerCase()}`,
          format.replaceAll(' ', '-').toLowerCase(),
        );
        await sign(world.key, image.pinned);
        assertAdmitted(await create(image.pinned));
      });
    }
  }

  it('pins the tag of a signed image to the digest that was verified', async () => {
    const name = 'pinned';
    assertAdmitted(
      await world.kubectl.create(pod({ name, namespace: NS, image: signed.reference })),
    );
    const created = await world.kubectl.get<{ spec: { containers: { image: string }[] } }>(
      'pod',
      name,
      NS,
    );
    assert.equal(created.spec.containers[0]?.image, `${signed.reference}@${signed.digest}`);
  });

  it('denies an unsigned image with a line that says what to do', async () => {
    const answer = await create(unsigned.reference);
    assertDenied(answer, 'NO_SIGNATURE');
    const line = `${unsigned.reference}@${unsigned.digest}: no signature by release-key [admission/signed] NO_SIGNATURE: sign ${unsigned.digest} or request an exception`;
    assert.ok(answer.stderr.includes(line), answer.stderr);
  });

  it('denies a moved tag once the tag cache has passed, and runs the verified digest until then', async () => {
    const first = await pushImage(world.registry, 'admission/moved', '1.0');
    await signBundle(world.key, first.pinned);
    assertAdmitted(
      await world.kubectl.create(pod({ name: 'moved-1', namespace: NS, image: first.reference })),
    );
    const second = await pushImage(world.registry, 'admission/moved', '1.0');
    assert.notEqual(second.digest, first.digest);
    const early = await world.kubectl.create(
      pod({ name: 'moved-2', namespace: NS, image: first.reference }),
    );
    if (early.code === 0) {
      const running = await world.kubectl.get<{ spec: { containers: { image: string }[] } }>(
        'pod',
        'moved-2',
        NS,
      );
      assert.equal(running.spec.containers[0]?.image, `${first.reference}@${first.digest}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 10_500));
    assertDenied(await create(first.reference), 'NO_SIGNATURE');
  });

  it('denies an image signed with a key that the policy does not name: legacy signature', async () => {
    const image = await pushImage(world.registry, 'admission/wrong-key', 'legacy');
    await signLegacy(world.otherKey, image.pinned);
    assertDenied(await create(image.pinned), 'SIGNATURE_INVALID');
  });

  it('denies an image signed with a key that the policy does not name: bundle', async () => {
    const image = await pushImage(world.registry, 'admission/wrong-key', 'bundle');
    await signBundle(world.otherKey, image.pinned);
    assertDenied(await create(image.pinned), 'KEY_UNTRUSTED');
  });

  it('A22: denies an image that carries the genuine signature of another digest', async () => {
    const good = await pushImage(world.registry, 'admission/swapped', 'good');
    const bad = await pushImage(world.registry, 'admission/swapped', 'bad');
    await signLegacy(world.key, good.pinned);
    const tagOf = (digest: string): string =>
      `${world.registry.host}/admission/swapped:${digest.replace(':', '-')}.sig`;
    await copyImage(tagOf(good.digest), tagOf(bad.digest));
    assertDenied(await create(bad.pinned), 'SUBJECT_MISMATCH');
  });

  it('X1: denies an unsigned init container', async () => {
    assertDenied(
      await create(signed.pinned, { initContainers: [{ name: 'init', image: unsigned.pinned }] }),
      'NO_SIGNATURE',
    );
  });

  it('E1: denies an unsigned ephemeral container', async () => {
    const name = 'ephemeral';
    assertAdmitted(await world.kubectl.create(pod({ name, namespace: NS, image: signed.pinned })));
    const patch = { spec: { ephemeralContainers: [{ name: 'debug', image: unsigned.reference }] } };
    const target = { kind: 'pod', name, namespace: NS };
    assertDenied(
      await world.kubectl.patch(target, patch, {
        type: 'strategic',
        subresource: 'ephemeralcontainers',
      }),
      'NO_SIGNATURE',
    );
    const good = { spec: { ephemeralContainers: [{ name: 'debug', image: signed.reference }] } };
    assertAdmitted(
      await world.kubectl.patch(target, good, {
        type: 'strategic',
        subresource: 'ephemeralcontainers',
      }),
    );
  });

  it('B30: denies an unsigned image volume', async () => {
    const volumes = [
      { name: 'data', image: { reference: unsigned.pinned, pullPolicy: 'IfNotPresent' } },
    ];
    assertDenied(await create(signed.pinned, { volumes }), 'NO_SIGNATURE');
  });

  it('X13: denies the update of a running pod to an unsigned image', async () => {
    const name = 'updated';
    assertAdmitted(await world.kubectl.create(pod({ name, namespace: NS, image: signed.pinned })));
    const target = { kind: 'pod', name, namespace: NS };
    const patch = { spec: { containers: [{ name: 'app', image: unsigned.pinned }] } };
    assertDenied(await world.kubectl.patch(target, patch, { type: 'strategic' }), 'NO_SIGNATURE');
    assertAdmitted(await world.kubectl.patch(target, { metadata: { labels: { a: 'b' } } }));
  });

  it('B28: denies an unsigned pod that claims an owner', async () => {
    const object = pod({ name: 'owned', namespace: NS, image: unsigned.pinned });
    const ownerReferences = [
      {
        apiVersion: 'apps/v1',
        kind: 'ReplicaSet',
        name: 'x',
        uid: '00000000-0000-0000-0000-000000000000',
      },
    ];
    assertDenied(
      await world.kubectl.create({ ...object, metadata: { ...object.metadata, ownerReferences } }),
      'NO_SIGNATURE',
    );
  });

  it('warns about a Deployment whose template is unsigned, and lets it be', async () => {
    const image = unsigned.reference;
    assertWarned(
      await world.kubectl.create(
        deployment({ name: 'template', namespace: NS, image, replicas: 0 }),
      ),
      'NO_SIGNATURE',
    );
  });

  it('warns instead of denying in a namespace that is audited', async () => {
    const audited = await world.kubectl.create(
      pod({ name: 'audited', namespace: 'admission-audit', image: unsigned.reference }),
    );
    assertWarned(audited, 'NO_SIGNATURE');
  });

  it('leaves images that no policy matches alone', async () => {
    const other = await pushImage(world.registry, 'elsewhere/app', '1.0');
    assertAdmitted(await create(other.reference));
  });

  describe('with another mutating webhook behind ours', () => {
    let injector: Injector;
    before(async () => {
      injector = await startInjector(world.kubectl);
    });
    after(async () => {
      await injector.stop();
    });

    it('X2: denies a container that is injected by digest and unsigned', async () => {
      injector.inject(unsigned.pinned);
      assertDenied(await create(signed.pinned, { labels: { inject: 'true' } }), 'NO_SIGNATURE');
    });

    it('X2: denies a container that is injected by tag and unsigned', async () => {
      injector.inject(unsigned.reference);
      assertDenied(await create(signed.reference, { labels: { inject: 'true' } }), 'NO_SIGNATURE');
    });

    it('pins and admits a container that is injected by tag and signed', async () => {
      injector.inject(signed.reference);
      assertAdmitted(await create(signed.reference, { labels: { inject: 'true' } }));
    });

    // The API server does not call a webhook again that its matchConditions left out at first.
    it('denies a container that is injected by tag into a pod that needed no pinning', async () => {
      injector.inject(signed.reference);
      const answer = await create(signed.pinned, { labels: { inject: 'true' } });
      assertDenied(answer, 'DIGEST_REQUIRED');
    });
  });
});

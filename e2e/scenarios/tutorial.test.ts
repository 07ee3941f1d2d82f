// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { before, describe, it } from 'mocha';
import { mustRun, signBundle, tool, waitFor, type CommandResult } from '../harness/index.ts';
import { attest, attestWithKey, signKeyless, type LocalSigstore } from '../sigstore/index.ts';
import { assertAdmitted, assertDenied, deployment, pod, type World } from '../world/index.ts';
import { ALICE, keyless, RELEASE } from './shared/identities.ts';
import { signedBy, Stage } from './shared/stage.ts';

const CYCLONEDX = 'https://cyclonedx.org/bom';

describe('the exercises of a tutorial on verifying images, on a real API server', function () {
  this.timeout(120_000);
  let stage: Stage;
  let world: World;
  let sigstore: LocalSigstore;
  let started = 0;

  before(async () => {
    stage = await Stage.open('tutorial');
    ({ world, sigstore } = stage);
  });

  /** Creates a pod that stays. */
  const start = (image: string): Promise<CommandResult> => {
    started += 1;
    const name = `pod-${started.toString()}`;
    return world.kubectl.create(pod({ name, namespace: stage.name, image }));
  };

  describe('one: images must be signed with our own key', () => {
    before(() => {
      const key = { material: { inline: world.key.publicKey } };
      return stage.enforce('own-key', signedBy(stage.repository('own-key'), { key }));
    });

    it('lets a signed one in, by tag, and pins it to what was signed', async () => {
      const image = await stage.push('own-key');
      await signBundle(world.key, image.pinned);
      assertAdmitted(await start(image.reference));
      const [container] = (
        await world.kubectl.get<{ spec: { containers: { image: string }[] } }>(
          'pod',
          `pod-${started.toString()}`,
          stage.name,
        )
      ).spec.containers;
      assert.equal(container?.image, `${image.reference}@${image.digest}`);
    });

    it('keeps an unsigned one out, and one that somebody else signed', async () => {
      const unsigned = await stage.push('own-key');
      assertDenied(await start(unsigned.reference), 'NO_SIGNATURE');
      const other = await stage.push('own-key');
      await signBundle(world.otherKey, other.pinned);
      assertDenied(await start(other.reference), 'KEY_UNTRUSTED');
    });

    it('keeps the pods of a Deployment out, and says so', async () => {
      const { reference } = await stage.push('own-key');
      const object = deployment({ name: 'unsigned', namespace: stage.name, image: reference });
      const answer = await world.kubectl.create(object);
      assertAdmitted(answer);
      assert.match(answer.stderr, /^Warning: .*NO_SIGNATURE/m);
      const failure = async (): Promise<boolean> => {
        const { status } = await world.kubectl.get<{
          status?: { conditions?: { type: string; message: string }[] };
        }>('deployment', 'unsigned', stage.name);
        const found = status?.conditions?.find(({ type }) => type === 'ReplicaFailure');
        return found?.message.includes('NO_SIGNATURE') ?? false;
      };
      await waitFor(failure, { timeoutMs: 20_000, message: 'ReplicaFailure' });
    });
  });

  describe('two: images must come with an attested SBOM', () => {
    before(() =>
      stage.enforce('sbom', {
        match: { images: [stage.repository('sbom')] },
        authorities: [{ name: 'own', key: { material: { inline: world.key.publicKey } } }],
        requirements: [
          { name: 'signed', signature: { anyOf: ['own'] } },
          {
            name: 'sbom',
            attestation: {
              predicateType: CYCLONEDX,
              anyOf: ['own'],
              conditions: [
                {
                  name: 'made-by-syft',
                  expression:
                    'predicate.bomFormat == "CycloneDX" && predicate.metadata.tools.components.exists(c, c.name == "syft")',
                },
              ],
            },
          },
        ],
      }),
    );

    it('lets one in that is signed and has one, made by syft from the image itself', async () => {
      const image = await stage.push('sbom');
      await signBundle(world.key, image.pinned);
      assertDenied(await start(image.pinned), 'ATTESTATION_MISSING');
      const again = await stage.push('sbom');
      await signBundle(world.key, again.pinned);
      const predicate = await syft(again.pinned);
      await attestWithKey(again.pinned, world.key, { type: 'cyclonedx', predicate });
      assertAdmitted(await start(again.pinned));
    });

    it('keeps one out whose SBOM somebody else signed for', async () => {
      const image = await stage.push('sbom');
      await signBundle(world.key, image.pinned);
      const predicate = await syft(image.pinned);
      await attestWithKey(image.pinned, world.otherKey, { type: 'cyclonedx', predicate });
      assertDenied(await start(image.pinned), 'KEY_UNTRUSTED');
    });
  });

  describe('three: images must be signed by the release workflow', () => {
    before(() =>
      stage.enforce('workflow', signedBy(stage.repository('workflow'), keyless(sigstore, RELEASE))),
    );

    it('lets one in that the workflow signed', async () => {
      const image = await stage.push('workflow');
      await signKeyless(image.pinned, { sigstore, identity: RELEASE });
      assertAdmitted(await start(image.reference));
    });

    it('keeps one out that a person signed by hand, and tells who it was', async () => {
      const image = await stage.push('workflow');
      await signKeyless(image.pinned, { sigstore, identity: ALICE });
      const answer = await start(image.reference);
      assertDenied(answer, 'IDENTITY_MISMATCH');
      assert.match(answer.stderr, /alice@example\.com/);
    });

    it('keeps one out that the workflow only attested', async () => {
      const image = await stage.push('workflow');
      const options = { type: 'cyclonedx', predicate: await syft(image.pinned) };
      await attest(image.pinned, { ...options, by: { sigstore, identity: RELEASE } });
      assertDenied(await start(image.reference), 'NO_SIGNATURE');
    });
  });
});

/** A CycloneDX document of what is in the image. */
async function syft(pinned: string): Promise<string> {
  const env = { SYFT_REGISTRY_INSECURE_USE_HTTP: 'true', SYFT_CHECK_FOR_APP_UPDATE: 'false' };
  const args = ['scan', `registry:${pinned}`, '--output=cyclonedx-json', '--quiet'];
  return mustRun(tool('syft'), args, { env });
}

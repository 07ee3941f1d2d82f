// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { before, describe, it } from 'mocha';
import { moveTag, pushIndex, signBundle, type PushedIndex } from '../harness/index.ts';
import { assertAdmitted, assertDenied } from '../world/index.ts';
import { signedBy, Stage } from './shared/stage.ts';

const POLICIES = ['AsReferenced', 'AllowIndexSignature'] as const;

describe('indexes and the images of their platforms, on a real API server', function () {
  this.timeout(60_000);
  let stage: Stage;
  let pushed = 0;

  before(async () => {
    stage = await Stage.open('index-images');
    const key = { material: { inline: stage.world.key.publicKey } };
    for (const platforms of POLICIES) {
      const path = platforms.toLowerCase();
      await stage.enforce(path, signedBy(stage.repository(path), { key }, { platforms }));
    }
  });

  const push = (platforms: (typeof POLICIES)[number]): Promise<PushedIndex> => {
    pushed += 1;
    const repository = `${stage.name}/${platforms.toLowerCase()}`;
    return pushIndex(stage.world.registry, repository, `v${pushed.toString()}`);
  };
  const sign = (pinned: string): Promise<void> => signBundle(stage.world.key, pinned);
  const admits = async (image: string): Promise<void> => assertAdmitted(await stage.ask(image));
  const denies = async (image: string, code = 'NO_SIGNATURE'): Promise<void> =>
    assertDenied(await stage.ask(image), code);

  for (const platforms of POLICIES) {
    describe(platforms, () => {
      it('admits a signed index, by digest and by tag', async () => {
        const index = await push(platforms);
        await sign(index.pinned);
        await admits(index.pinned);
        await admits(index.reference);
      });

      it('denies an index of which only the images are signed', async () => {
        const index = await push(platforms);
        for (const child of index.children) await sign(child.pinned);
        await denies(index.pinned);
        await denies(index.reference);
      });

      it('admits a signed image of a platform, and not the one beside it', async () => {
        const [signed, other] = childrenOf(await push(platforms));
        await sign(signed.pinned);
        await admits(signed.pinned);
        await denies(other.pinned);
      });

      it('denies an image of a platform whose tag tells of no index', async () => {
        const index = await push(platforms);
        await sign(index.pinned);
        const [child] = childrenOf(index);
        await denies(child.pinned);
        await denies(`${child.reference}@${child.digest}`);
      });
    });
  }

  it('X3: an image of a platform is not covered by its index unless the policy says so', async () => {
    const index = await push('AsReferenced');
    await sign(index.pinned);
    const [child] = childrenOf(index);
    await denies(`${index.reference}@${child.digest}`);
  });

  it('an image of a platform is covered by the signed index that its tag names', async () => {
    const index = await push('AllowIndexSignature');
    const [child] = childrenOf(index);
    await denies(`${index.reference}@${child.digest}`);
    const signed = await push('AllowIndexSignature');
    await sign(signed.pinned);
    for (const { digest } of signed.children) await admits(`${signed.reference}@${digest}`);
  });

  it('an image is not covered by a signed index that does not list it', async () => {
    const [index, other] = [await push('AllowIndexSignature'), await push('AllowIndexSignature')];
    await sign(index.pinned);
    const [child] = childrenOf(other);
    await denies(`${index.reference}@${child.digest}`);
    await moveTag(child.pinned, 'lone');
    await denies(`${stage.repository('allowindexsignature')}:lone@${child.digest}`);
  });

  it('an image is not covered by an index that somebody else signed', async () => {
    const index = await push('AllowIndexSignature');
    await signBundle(stage.world.otherKey, index.pinned);
    const [child] = childrenOf(index);
    await denies(`${index.reference}@${child.digest}`);
    await denies(index.pinned, 'KEY_UNTRUSTED');
  });
});

function childrenOf({ children }: PushedIndex): readonly [Child, Child] {
  const [one, other] = children;
  assert.ok(one !== undefined && other !== undefined);
  return [one, other];
}

type Child = PushedIndex['children'][number];

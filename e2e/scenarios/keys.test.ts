// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { before, describe, it } from 'mocha';
import { KeyIssuer } from '../../verification/testing/index.ts';
import { cosignVerify, importKey, type CosignKey } from '../harness/index.ts';
import { attachBundle, sign, type LocalSigstore } from '../sigstore/index.ts';
import { assertAdmitted, assertDenied } from '../world/index.ts';
import { signedBy, Stage, type Spec } from './shared/stage.ts';

const KINDS: readonly (readonly [name: string, make: () => KeyObject])[] = [
  ['p256', () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey],
  ['p384', () => generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey],
  ['p521', () => generateKeyPairSync('ec', { namedCurve: 'P-521' }).privateKey],
  ['rsa-2048', () => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey],
  ['rsa-4096', () => generateKeyPairSync('rsa', { modulusLength: 4096 }).privateKey],
];

describe('keys of all kinds that cosign signs with, on a real API server', function () {
  this.timeout(60_000);
  let stage: Stage;
  let sigstore: LocalSigstore;

  before(async () => {
    stage = await Stage.open('keys');
    ({ sigstore } = stage);
  });

  for (const [name, make] of KINDS) {
    describe(name, () => {
      let key: CosignKey;

      before(async () => {
        key = await importKey(pemOf(make()));
        const material = { inline: key.publicKey };
        const trustRoot = { material: { inline: sigstore.trustedRoot } };
        const demand = (path: string, more: Spec): Promise<void> =>
          stage.enforce(path, signedBy(stage.repository(path), { key: { material, ...more } }));
        await Promise.all([
          demand(name, {}),
          demand(`${name}-logged`, { transparencyLog: 'Require', trustRoot }),
        ]);
      });

      for (const legacy of [false, true]) {
        it(`counts ${legacy ? 'in the layout before bundles' : 'in a bundle'}`, async () => {
          const image = await stage.push(name);
          await sign(image.pinned, { by: { key }, legacy });
          assertAdmitted(await stage.ask(image.pinned));
        });
      }

      it('counts with an entry of the log where one is required, and not without', async () => {
        const image = await stage.push(`${name}-logged`);
        await sign(image.pinned, { by: { key, sigstore } });
        assertAdmitted(await stage.ask(image.pinned));
        const other = await stage.push(`${name}-logged`);
        await sign(other.pinned, { by: { key } });
        assertDenied(await stage.ask(other.pinned), 'TLOG_MISSING');
      });

      it('is not taken for another key', async () => {
        const image = await stage.push(name);
        await sign(image.pinned, { by: { key: stage.world.otherKey } });
        assertDenied(await stage.ask(image.pinned), 'KEY_UNTRUSTED');
      });
    });
  }

  it('ed25519 counts in a bundle', async () => {
    const issuer = new KeyIssuer('Ed25519');
    const material = { inline: issuer.publicKeyPem };
    const authority = { key: { material } };
    await stage.enforce('ed25519', signedBy(stage.repository('ed25519'), authority));
    const image = await stage.push('ed25519');
    assertDenied(await stage.ask(image.pinned), 'NO_SIGNATURE');
    const other = await stage.push('ed25519');
    await attachBundle(other.pinned, issuer.bundle(other.digest).toString());
    assertAdmitted(await stage.ask(other.pinned));
  });

  it('ed25519 does not count as cosign signs images with it, which cosign refuses itself', async () => {
    const key = await importKey(pemOf(generateKeyPairSync('ed25519').privateKey));
    const authority = { key: { material: { inline: key.publicKey } } };
    await stage.enforce('prehashed', signedBy(stage.repository('prehashed'), authority));
    const image = await stage.push('prehashed');
    await sign(image.pinned, { by: { key }, legacy: true });
    assert.notEqual((await cosignVerify(key, image.pinned)).code, 0);
    assertDenied(await stage.ask(image.pinned), 'SIGNATURE_INVALID');
  });
});

function pemOf(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

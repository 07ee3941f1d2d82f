// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'mocha';
import type { ImageTrustPolicySpecInput } from '../../../crds/index.ts';
import {
  bundleEvidence,
  KeyIssuer,
  LEAF_VALIDITY,
  TestCertificateAuthority,
  testManifest,
  testPolicy,
  TestSigstore,
} from '../../../verification/testing/index.ts';
import { workload } from '../../__fixtures__/workloads.ts';
import { snapshotOf, World } from '../../__fixtures__/world.ts';

const HOUR = 3_600_000;
const START = LEAF_VALIDITY.notBefore + HOUR;
const END = START + 5 * HOUR;
const APP = 'registry.example/app';
const EMAIL = 'release@acme.example';
const image = testManifest('signed');
const sigstore = new TestSigstore();
const issuer = new KeyIssuer();
/** So that nothing but the boundary is a reason to look. */
const reverification = { interval: '168h' };

describe('an instant at which a verdict turns', () => {
  let world: World;
  afterEach(() => {
    assert.deepEqual(world.failures, []);
  });

  async function started(policy: ImageTrustPolicySpecInput): Promise<void> {
    const images = { web: `${APP}@${image.digest}` };
    world.apply(workload('Deployment', 'web', { images }));
    world.enforce(snapshotOf({ team: { ...policy, reverification } }));
    await world.pass();
  }

  /** Up to the last instant it is one, then the other, by the clock alone. */
  async function turns(before: string, after: string): Promise<void> {
    const told = (): readonly string[] => world.told('Deployment', 'web');
    assert.deepEqual(told(), [before]);
    const read = world.registry.collected.length;
    await world.pass(5 * HOUR - 1);
    assert.deepEqual(told(), [before]);
    await world.pass(4);
    assert.deepEqual(told(), [after]);
    assert.equal(world.registry.collected.length, read);
  }

  /** Signed by a certificate of a PKI of one's own that counts at present. */
  async function withPki(
    pki: TestCertificateAuthority,
    { leafEnd }: { readonly leafEnd: number },
  ): Promise<void> {
    world = new World({ start: new Date(START).toISOString() });
    const signer = pki.issueLeaf({
      sans: [{ type: 'email', value: EMAIL }],
      notBefore: START - HOUR,
      notAfter: leafEnd,
    });
    const bundle = sigstore.bundle(image, { signer, logs: [] });
    world.registry.put(APP, image, [bundleEvidence(bundle)]);
    const roots = { inline: pki.pem };
    const certificate = { roots, subject: EMAIL, trustedTime: 'Now' } as const;
    await started({
      ...testPolicy([]),
      authorities: [{ name: 'pki', certificate }],
      requirements: [{ name: 'signed', signature: { anyOf: ['pki'] } }],
    });
  }

  it('is the end of the certificate that signed', async () => {
    await withPki(new TestCertificateAuthority({ name: 'pki' }), { leafEnd: END });
    await turns('pass', 'fail CERT_EXPIRED_AT_SIGNING');
  });

  it('is the end of a certificate in between', async () => {
    const intermediateSpec = { notAfter: END };
    const pki = new TestCertificateAuthority({ name: 'pki', intermediateSpec });
    await withPki(pki, { leafEnd: END + HOUR });
    await turns('pass', 'fail CERT_EXPIRED_AT_SIGNING');
  });

  it('is the end of the root', async () => {
    const rootSpec = { notAfter: END };
    const pki = new TestCertificateAuthority({ name: 'pki', rootSpec });
    await withPki(pki, { leafEnd: END + HOUR });
    await turns('pass', 'fail CERT_EXPIRED_AT_SIGNING');
  });

  for (const [bound, before, after] of [
    ['validUntil', 'pass', 'fail KEY_EXPIRED'],
    ['validFrom', 'fail KEY_EXPIRED', 'pass'],
  ] as const) {
    it(`is ${bound} of a key`, async () => {
      world = new World({ start: new Date(START).toISOString() });
      world.registry.push(APP, image, issuer);
      const key = {
        material: { inline: issuer.publicKeyPem },
        [bound]: new Date(END).toISOString(),
      };
      await started(testPolicy([issuer], { authorities: [{ name: 'key-0', key }] }));
      await turns(before, after);
    });
  }
});

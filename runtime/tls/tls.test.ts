// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { createServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'mocha';
import { TestCertificateAuthority } from '../../verification/testing/index.ts';
import { createCa, issueLeaf, leafIsDue, type CertifiedKey, type Leaf } from './issue.ts';
import { certificatesOf, chainsTo, fingerprintOf } from './pem.ts';

const NOW = new Date();
const DAY_MS = 86_400_000;
const NAMES = [
  'countersign-webhook.countersign-system.svc',
  'countersign-webhook.countersign-system.svc.cluster.local',
];

async function callWith(leaf: Leaf, ca: CertifiedKey, servername: string): Promise<number> {
  const server = createServer({ cert: leaf.certPem, key: leaf.keyPem }, (_request, response) =>
    response.end('ok'),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const { port } = server.address() as AddressInfo;
    const call = request({
      host: '127.0.0.1',
      port,
      servername,
      ca: ca.certPem,
      headers: { host: servername },
      agent: false,
    }).end();
    const [response] = (await once(call, 'response')) as [{ statusCode: number; resume(): void }];
    response.resume();
    return response.statusCode;
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

describe('serving certificates', () => {
  it('are accepted over TLS by a client that trusts the CA, for each of their names', async () => {
    const ca = await createCa(NOW);
    const leaf = await issueLeaf(ca, { dnsNames: NAMES, now: NOW });
    for (const name of NAMES) assert.equal(await callWith(leaf, ca, name), 200);
    await assert.rejects(callWith(leaf, ca, 'other.svc'), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
  });

  it('carry what strict verifiers ask for', async () => {
    const ca = await createCa(NOW);
    const leaf = new X509Certificate((await issueLeaf(ca, { dnsNames: NAMES, now: NOW })).certPem);
    assert.equal(leaf.ca, false);
    assert.deepEqual(leaf.keyUsage, ['1.3.6.1.5.5.7.3.1']);
    assert.equal(leaf.publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1');
    assert.equal(new X509Certificate(ca.certPem).ca, true);
  });

  it('end after the days asked for, and never after their CA', async () => {
    const ca = await createCa(NOW);
    const week = await issueLeaf(ca, { dnsNames: NAMES, now: NOW });
    assert.equal(Math.round((week.notAfter - NOW.getTime()) / DAY_MS), 7);
    const long = await issueLeaf(ca, { dnsNames: NAMES, now: NOW, days: 9999 });
    assert.equal(long.notAfter, new X509Certificate(ca.certPem).validToDate.getTime());
  });

  it('are due for renewal when a third of their days remains', async () => {
    const leaf = await issueLeaf(await createCa(NOW), { dnsNames: NAMES, now: NOW });
    assert.equal(leafIsDue(leaf, NOW), false);
    assert.equal(leafIsDue(leaf, new Date(NOW.getTime() + 4 * DAY_MS)), false);
    assert.equal(leafIsDue(leaf, new Date(NOW.getTime() + 5 * DAY_MS)), true);
  });

  it('fault 22: are due where the clock was set back to before they begin', async () => {
    const leaf = await issueLeaf(await createCa(NOW), { dnsNames: NAMES, now: NOW });
    assert.equal(leafIsDue(leaf, new Date(NOW.getTime() - 3_500_000)), false);
    assert.equal(leafIsDue(leaf, new Date(NOW.getTime() - DAY_MS)), true);
  });

  it('name the CA that signed them by its fingerprint', async () => {
    const ca = await createCa(NOW);
    const leaf = await issueLeaf(ca, { dnsNames: NAMES, now: NOW });
    assert.equal(leaf.issuer, fingerprintOf(new X509Certificate(ca.certPem)));
    assert.match(leaf.issuer ?? '', /^[0-9a-f]{64}$/);
  });

  it('are of a CA that is good for a year, or for the days asked for', async () => {
    const daysOf = (ca: CertifiedKey): number =>
      Math.round((new X509Certificate(ca.certPem).validToDate.getTime() - NOW.getTime()) / DAY_MS);
    assert.equal(daysOf(await createCa(NOW)), 365);
    assert.equal(daysOf(await createCa(NOW, 30)), 30);
  });

  it('are refused where the key is not the one of the CA', async () => {
    const [one, two] = [await createCa(NOW), await createCa(NOW)];
    await assert.rejects(
      issueLeaf({ certPem: one.certPem, keyPem: two.keyPem }, { dnsNames: NAMES, now: NOW }),
    );
    await assert.rejects(
      issueLeaf({ certPem: '', keyPem: one.keyPem }, { dnsNames: NAMES, now: NOW }),
    );
    await assert.rejects(
      issueLeaf({ certPem: one.certPem, keyPem: 'junk' }, { dnsNames: NAMES, now: NOW }),
    );
  });
});

describe('chainsTo', () => {
  it('is true where one certificate of the bundle issued the leaf, as during a rotation', async () => {
    const [old, young] = [await createCa(NOW), await createCa(NOW)];
    const leaf = await issueLeaf(young, { dnsNames: NAMES, now: NOW });
    assert.equal(chainsTo(old.certPem + young.certPem, leaf.certPem, NOW), true);
    assert.equal(chainsTo(old.certPem, leaf.certPem, NOW), false);
  });

  it('is false for anything that cannot be read, and outside the validity', async () => {
    const ca = await createCa(NOW);
    const leaf = await issueLeaf(ca, { dnsNames: NAMES, now: NOW });
    for (const bundle of ['', 'garbage', leaf.certPem])
      assert.equal(chainsTo(bundle, leaf.certPem, NOW), false);
    assert.equal(chainsTo(ca.certPem, 'garbage', NOW), false);
    assert.equal(chainsTo(ca.certPem, leaf.certPem, new Date(NOW.getTime() + 8 * DAY_MS)), false);
  });

  it('is true through intermediates that come with the leaf, and for a bundle that is one of them', () => {
    const pki = new TestCertificateAuthority({ name: 'webhook' });
    const stranger = new TestCertificateAuthority({ name: 'stranger' });
    const [middle, root] = [pki.intermediate?.pem ?? '', pki.root.pem];
    const span = { notBefore: NOW.getTime() - DAY_MS, notAfter: NOW.getTime() + DAY_MS };
    const { pem: leaf } = pki.issueLeaf({ sans: [{ type: 'dns', value: 'x.svc' }], ...span });
    assert.equal(chainsTo(root, leaf + middle, NOW), true);
    assert.equal(chainsTo(root, leaf + stranger.pem + middle, NOW), true);
    assert.equal(chainsTo(middle, leaf, NOW), true);
    assert.equal(chainsTo(root, leaf, NOW), false);
    assert.equal(chainsTo(root, leaf + stranger.pem, NOW), false);
    assert.equal(chainsTo(stranger.root.pem, leaf + middle + root, NOW), false);
    assert.equal(chainsTo(root, leaf + stranger.root.pem.repeat(9) + middle, NOW), false);
  });

  it('reads the certificates of a bundle in order and leaves broken blocks out', async () => {
    const ca = await createCa(NOW);
    const broken = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
    assert.equal(certificatesOf(broken + ca.certPem).length, 1);
  });
});

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { connect, type ConnectionOptions } from 'node:tls';
import { after, before, describe, it } from 'mocha';
import { WebServer } from '../runtime/http/index.ts';
import { createCa, issueLeaf, type CertifiedKey, type Leaf } from '../runtime/tls/index.ts';
import { ServingSwitch, tlsOf } from './serving.ts';

const NAME = 'countersign-webhook.countersign-system.svc';

describe('TLS of the admission server', () => {
  let ca: CertifiedKey;
  let first: Leaf;
  let server: WebServer;
  let serving: ServingSwitch;
  let port: number;

  before(async () => {
    ca = await createCa(new Date());
    first = await issueLeaf(ca, { dnsNames: [NAME], now: new Date() });
    serving = new ServingSwitch();
    serving.take(first);
    server = new WebServer({ routes: {}, tls: tlsOf(await serving.firstLeaf) });
    serving.attach(server);
    port = await server.listen({ host: '127.0.0.1', port: 0 });
  });
  after(async () => server.close(100));

  /** What a handshake comes to: the protocol, or what is wrong. */
  const handshake = (options: ConnectionOptions = {}): Promise<string> =>
    new Promise((resolve) => {
      const trust = { ca: ca.certPem, servername: NAME };
      const socket = connect({ host: '127.0.0.1', port, ...trust, ...options });
      socket.once('error', ({ message }) => {
        resolve(`refused: ${message}`);
      });
      socket.once('secureConnect', () => {
        resolve(socket.getProtocol() ?? '');
        socket.destroy();
      });
    });
  const weak: readonly ConnectionOptions[] = [
    { minVersion: 'TLSv1', maxVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' },
    { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' },
    { maxVersion: 'TLSv1.2', ciphers: 'AES128-SHA:AES256-SHA:AES128-GCM-SHA256' },
    { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA384' },
  ];

  it('is 1.2 at least, and 1.3 where the client can', async () => {
    assert.equal(await handshake(), 'TLSv1.3');
    assert.equal(await handshake({ maxVersion: 'TLSv1.2' }), 'TLSv1.2');
  });

  it('B15: refuses old versions and ciphers, also after a new certificate was loaded', async () => {
    for (const options of weak) assert.match(await handshake(options), /^refused/);
    serving.take(await issueLeaf(ca, { dnsNames: [NAME], now: new Date() }));
    for (const options of weak) assert.match(await handshake(options), /^refused/);
    assert.equal(await handshake(), 'TLSv1.3');
  });

  it('shows new connections the certificate that came last', async () => {
    const next = await issueLeaf(ca, { dnsNames: ['other.example'], now: new Date() });
    serving.take(next);
    assert.match(await handshake(), /^refused: .*altnames/i);
    assert.equal(await handshake({ servername: 'other.example' }), 'TLSv1.3');
  });
});

describe('the switch of certificates', () => {
  const leaf = (name: string): Leaf => ({ certPem: name, keyPem: `key of ${name}`, notAfter: 1 });

  it('opens with the first one, and hands the latest to a server that comes later', async () => {
    const loaded: unknown[] = [];
    const server = new ServingSwitch();
    server.take(leaf('a'));
    server.take(leaf('b'));
    assert.equal((await server.firstLeaf).certPem, 'a');
    server.attach({ reloadTls: (material) => loaded.push(material) });
    server.take(leaf('c'));
    assert.deepEqual(loaded, [tlsOf(leaf('b')), tlsOf(leaf('c'))]);
  });

  it('gives a server nothing as long as there is nothing', () => {
    const server = new ServingSwitch();
    server.attach({ reloadTls: () => assert.fail('there is no certificate') });
  });
});

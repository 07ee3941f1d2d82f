// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { limits } from '../../limits.ts';
import { createReceiver, type Receiver } from './receiver.ts';

const LISTED = 'hooks.corp.example';

function receiverAt(address: string, url: string, privateHosts = [LISTED]): Receiver {
  const family = address.includes(':') ? 6 : 4;
  return createReceiver({
    url,
    plainHttpHosts: [],
    privateHosts,
    // Where an address is let through there is nobody, or nobody who answers soon.
    limits: { ...limits(), connectMs: 50 },
    resolve: (_name, answer) => answer(null, [{ address, family }]),
  });
}

async function codeOf(receiver: Receiver): Promise<string> {
  const signal = AbortSignal.timeout(5_000);
  const code = await receiver.post({ headers: {}, body: '', signal }).then(
    () => 'answered',
    (thrown: unknown) => String((thrown as { readonly code?: unknown }).code),
  );
  await receiver.close();
  return code;
}

describe('a receiver of notifications', () => {
  for (const address of [
    '127.0.0.1',
    '::1',
    '10.0.0.1',
    '192.168.1.1',
    'fd12::1',
    '::ffff:10.0.0.1',
    '169.254.169.254',
    '169.254.1.1',
    'fd00:ec2::254',
    '0.0.0.0',
    '224.0.0.1',
  ])
    it(`X37: is not contacted at ${address} where nobody listed its host`, async () => {
      const url = 'https://hooks.example/';
      assert.equal(await codeOf(receiverAt(address, url)), 'REGISTRY_UNSAFE');
    });

  for (const address of [
    '169.254.169.254',
    '169.254.170.2',
    '169.254.1.1',
    '::ffff:169.254.169.254',
    'fd00:ec2::254',
    'fe80::1',
    '0.0.0.0',
    '::',
    '224.0.0.1',
  ])
    it(`X37: is not contacted at ${address} though its host is listed`, async () => {
      const url = `https://${LISTED}/`;
      assert.equal(await codeOf(receiverAt(address, url)), 'REGISTRY_UNSAFE');
    });

  for (const url of [
    'https://127.0.0.1/',
    'https://[::1]/',
    'https://169.254.169.254/',
    'https://2130706433/',
    'https://10.0.0.1/',
    `https://${LISTED}:8443/`,
    'https://notify.tools.svc/',
    'https://notify.tools.svc.cluster.local/',
  ])
    it(`X37: is not contacted as ${url}, which nobody listed`, async () => {
      assert.equal(await codeOf(receiverAt('10.0.0.1', url)), 'REGISTRY_UNSAFE');
    });

  it('X37: is no service of the cluster, wherever its name leads, unless it is listed', async () => {
    const url = 'https://notify.tools.svc/';
    assert.equal(await codeOf(receiverAt('1.1.1.1', url)), 'REGISTRY_UNSAFE');
  });

  it('is contacted at private addresses and on loopback where its host is listed', async () => {
    for (const address of ['127.0.0.1', '::1', '10.255.255.1']) {
      const code = await codeOf(receiverAt(address, `https://${LISTED}:1/`, [`${LISTED}:1`]));
      assert.notEqual(code, 'REGISTRY_UNSAFE', address);
    }
  });

  for (const url of [
    'http://hooks.example/',
    `http://${LISTED}/`,
    'https://user:secret@hooks.example/',
    'https://secret@hooks.example/',
    'ftp://hooks.example/',
    'hooks.example/secret',
    '',
  ])
    it(`refuses the URL "${url}", and repeats nothing of it`, () => {
      assert.throws(() => receiverAt('1.1.1.1', url), {
        name: 'VerificationError',
        code: 'REF_INVALID',
        message:
          'the URL of the receiver must be HTTPS, or plain HTTP to a listed host, without user name and password',
      });
    });

  it('refuses certificates that are no PEM', async () => {
    const receiver = receiverAt('1.1.1.1', 'https://hooks.example/');
    const posted = { headers: {}, body: '', ca: 'x', signal: AbortSignal.timeout(1000) };
    await assert.rejects(receiver.post(posted), { code: 'TRUST_ROOT_INVALID' });
    await receiver.close();
  });
});

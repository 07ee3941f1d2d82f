// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'mocha';
import type { Keychain } from '../../verification/index.ts';
import { fixedClock, type FixedClock } from '../clock-testing.ts';
import type { KubeObject } from '../kube/index.ts';
import { silentLogger } from '../log/index.ts';
import { RegistryKeychains } from './keychain.ts';
import { ProcessConfig, type DockerConfigParser } from './process-config.ts';
import { PullSecrets } from './pull-secrets.ts';

/** A configuration is `host=user`, or several with commas, here. */
const parse: DockerConfigParser = (config) => {
  const users = new Map(config.split(',').map((entry) => entry.split('=') as [string, string]));
  return (host) => {
    const username = users.get(host);
    return username === undefined ? undefined : { kind: 'basic', username, password: 'secret' };
  };
};

function userAt(keychain: Keychain | undefined, host: string): string | undefined {
  const credential = keychain?.credentialFor(host, 'team/app');
  return credential?.kind === 'basic' ? credential.username : undefined;
}

describe('the keychain of a workload', () => {
  let folder: string;
  let path: string;
  let clock: FixedClock;
  let objects: Map<
    string,
    KubeObject & { readonly data?: object; readonly imagePullSecrets?: readonly object[] }
  >;
  let reads: string[];
  let config: ProcessConfig;
  let secrets: PullSecrets;
  let keychains: RegistryKeychains;

  /** Puts a pull secret into a namespace. */
  const secret = (name: string, text: string, { namespace = 'shop', version = '1' } = {}): void => {
    const metadata = { name, namespace, uid: `uid-${name}`, resourceVersion: version };
    const data = { '.dockerconfigjson': Buffer.from(text).toString('base64') };
    objects.set(`/api/v1/namespaces/${namespace}/secrets/${name}`, { metadata, data });
  };
  const account = (name: string, ...names: readonly string[]): void => {
    const imagePullSecrets = names.map((each) => ({ name: each }));
    objects.set(`/api/v1/namespaces/shop/serviceaccounts/${name}`, {
      metadata: { name, namespace: 'shop' },
      imagePullSecrets,
    });
  };
  const inShop = (
    ...pullSecrets: readonly string[]
  ): { namespace: string; pullSecrets: readonly string[] } => ({ namespace: 'shop', pullSecrets });

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'countersign-'));
    path = join(folder, 'config.json');
  });
  after(() => rm(folder, { recursive: true }));
  beforeEach(async () => {
    clock = fixedClock();
    objects = new Map();
    reads = [];
    const client = {
      get: <T>(where: string): Promise<T | undefined> => {
        reads.push(where);
        return Promise.resolve(objects.get(where) as T | undefined);
      },
    };
    await writeFile(path, 'hub=process,other=process');
    config = new ProcessConfig({ path, parse, clock, logger: silentLogger });
    await config.load();
    secrets = new PullSecrets({ client, parse, clock, logger: silentLogger });
    keychains = new RegistryKeychains(config, secrets);
  });

  it('looks into the pull secrets in their order, then into the configuration of the process', async () => {
    secret('one', 'hub=one');
    secret('two', 'hub=two,registry=two');
    const keychain = await keychains.keychainFor(inShop('one', 'two'));
    assert.deepEqual(
      ['hub', 'registry', 'other', 'elsewhere'].map((host) => userAt(keychain, host)),
      ['one', 'two', 'process', undefined],
    );
    assert.equal(userAt(await keychains.keychainFor(inShop('two', 'one')), 'hub'), 'two');
  });

  it('is known now once everything was read, and not before', async () => {
    secret('one', 'hub=one');
    assert.equal(keychains.keychainNow(inShop('one')), undefined);
    assert.deepEqual(reads, []);
    const keychain = await keychains.keychainFor(inShop('one'));
    assert.equal(keychains.keychainNow(inShop('one')), keychain);
    assert.equal(keychains.keychainNow(inShop('one', 'two')), undefined);
    await clock.advance(60_000);
    assert.equal(keychains.keychainNow(inShop('one')), undefined);
  });

  it('is that of the process, at once, where a workload names no pull secrets', async () => {
    const now = keychains.keychainNow(inShop());
    assert.equal(userAt(now, 'hub'), 'process');
    assert.equal(await keychains.keychainFor(inShop()), now);
    assert.deepEqual(reads, []);
  });

  it('is that of the process where no pull secret can be read', async () => {
    const keychain = await keychains.keychainFor(inShop('missing'));
    assert.equal(keychain.identity, keychains.keychainNow(inShop())?.identity);
  });

  it('is that of the process, whatever a workload names, where this process may read none', async () => {
    secret('one', 'hub=one');
    const none = new RegistryKeychains(config);
    const request = { ...inShop('one'), serviceAccount: 'web' };
    assert.equal(userAt(none.keychainNow(request), 'hub'), 'process');
    assert.equal(userAt(await none.keychainFor(request), 'hub'), 'process');
    assert.deepEqual(reads, []);
  });

  it('is anonymous where there is nothing at all, and says so', () => {
    const bare = new RegistryKeychains(
      new ProcessConfig({ path: undefined, parse, clock, logger: silentLogger }),
    );
    const keychain = bare.keychainNow(inShop('one'));
    assert.deepEqual([keychain?.identity, userAt(keychain, 'hub')], ['anonymous', undefined]);
  });

  it('has the pull secrets of the service account where the template names none', async () => {
    secret('one', 'hub=one');
    secret('two', 'hub=two');
    account('web', 'two');
    const request = { ...inShop(), serviceAccount: 'web' };
    assert.equal(keychains.keychainNow(request), undefined);
    assert.equal(userAt(await keychains.keychainFor(request), 'hub'), 'two');
    assert.equal(userAt(keychains.keychainNow(request), 'hub'), 'two');
    assert.equal(
      userAt(await keychains.keychainFor({ ...inShop('one'), serviceAccount: 'web' }), 'hub'),
      'one',
    );
  });

  it('does not ask for a service account that is not named', async () => {
    account('default', 'one');
    secret('one', 'hub=one');
    assert.equal(userAt(await keychains.keychainFor(inShop()), 'hub'), 'process');
    assert.deepEqual(reads, []);
  });

  it('has the secrets of its namespace and no other', async () => {
    secret('one', 'hub=shop');
    secret('one', 'hub=other', { namespace: 'other' });
    const [shop, other] = [
      await keychains.keychainFor(inShop('one')),
      await keychains.keychainFor({ ...inShop('one'), namespace: 'other' }),
    ];
    assert.deepEqual([userAt(shop, 'hub'), userAt(other, 'hub')], ['shop', 'other']);
    assert.notEqual(shop.identity, other.identity);
  });

  it('is one and the same for equal secrets at equal versions', async () => {
    secret('one', 'hub=one');
    const first = await keychains.keychainFor(inShop('one'));
    await clock.advance(60_000);
    assert.equal(await keychains.keychainFor(inShop('one')), first);
  });

  it('has another identity for other secrets, another order, version or configuration of the process', async () => {
    secret('one', 'hub=one');
    secret('two', 'hub=two');
    const identityOf = async (...names: readonly string[]): Promise<string> =>
      (await keychains.keychainFor(inShop(...names))).identity;
    const seen = [
      await identityOf(),
      await identityOf('one'),
      await identityOf('two'),
      await identityOf('one', 'two'),
      await identityOf('two', 'one'),
    ];
    secret('one', 'hub=changed', { version: '2' });
    await clock.advance(60_000);
    seen.push(await identityOf('one'));
    assert.equal(userAt(await keychains.keychainFor(inShop('one')), 'hub'), 'changed');
    await writeFile(path, 'hub=renewed');
    await config.load();
    seen.push(await identityOf(), await identityOf('one'));
    assert.equal(userAt(await keychains.keychainFor(inShop()), 'hub'), 'renewed');
    assert.equal(new Set(seen).size, seen.length);
    for (const identity of seen) assert.match(identity, /^[0-9a-f]{16}$/);
  });

  it('of before goes on with the credentials that its identity stands for', async () => {
    const before = await keychains.keychainFor(inShop());
    await writeFile(path, 'hub=renewed');
    await config.load();
    assert.equal(userAt(before, 'hub'), 'process');
    assert.equal(userAt(keychains.keychainNow(inShop()), 'hub'), 'renewed');
  });
});

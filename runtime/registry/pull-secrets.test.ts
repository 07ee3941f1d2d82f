// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'mocha';
import { fixedClock, type FixedClock } from '../clock-testing.ts';
import { KubeError, type CallOptions, type KubeObject } from '../kube/index.ts';
import { createLogger } from '../log/index.ts';
import { dockerConfigKeychain } from '../../verification/sources/keychain/index.ts';
import type { DockerConfigParser, NamedLookup } from './process-config.ts';
import { PullSecrets } from './pull-secrets.ts';

const MINUTE = 60_000;
const HOST = 'registry.example';

function authsOf(username: string): Record<string, unknown> {
  return { [HOST]: { auth: Buffer.from(`${username}:secret`).toString('base64') } };
}

function secretOf(
  name: string,
  data: Readonly<Record<string, string>>,
  resourceVersion = '1',
): KubeObject & { data: object } {
  const encoded = Object.entries(data).map(([key, text]) => [
    key,
    Buffer.from(text).toString('base64'),
  ]);
  return {
    metadata: { name, namespace: 'shop', uid: `uid-${name}`, resourceVersion },
    data: Object.fromEntries(encoded) as object,
  };
}

const modern = (name: string, version?: string): KubeObject =>
  secretOf(name, { '.dockerconfigjson': JSON.stringify({ auths: authsOf(name) }) }, version);

const credentialsOf: DockerConfigParser = (text) => {
  const keychain = dockerConfigKeychain(JSON.parse(text), 'pull secret');
  return (host, repository) => keychain.credentialFor(host, repository);
};

/** Users that the sets of credentials name for the host, in order. */
function usersOf(secrets: readonly NamedLookup[] | undefined): readonly unknown[] | undefined {
  return secrets?.map((secret) => {
    const credential = secret.find(HOST, 'app');
    return credential?.kind === 'basic' ? credential.username : credential;
  });
}

describe('pull secrets', () => {
  let objects: Map<string, unknown>;
  let reads: string[];
  let options: CallOptions[];
  let clock: FixedClock;
  let log: string[];
  let secrets: PullSecrets;

  const secretAt = (name: string, namespace = 'shop'): string =>
    `/api/v1/namespaces/${namespace}/secrets/${name}`;

  beforeEach(() => {
    objects = new Map();
    reads = [];
    options = [];
    log = [];
    clock = fixedClock();
    const client = {
      get: <T>(path: string, call: CallOptions = {}): Promise<T | undefined> => {
        reads.push(path);
        options.push(call);
        const found = objects.get(path);
        return found instanceof Error
          ? Promise.reject(found)
          : Promise.resolve(found as T | undefined);
      },
    };
    const logger = createLogger({ level: 'debug', format: 'json', sink: (line) => log.push(line) });
    secrets = new PullSecrets({
      client,
      clock,
      logger,
      parse: credentialsOf,
    });
  });

  it('are read in their order, each within a second', async () => {
    for (const name of ['a', 'b']) objects.set(secretAt(name), modern(name));
    assert.deepEqual(usersOf(await secrets.read('shop', ['b', 'a'])), ['b', 'a']);
    assert.deepEqual(
      options.map(({ timeoutMs }) => timeoutMs),
      [1000, 1000],
    );
    assert.deepEqual(await secrets.read('shop', []), []);
  });

  it('are understood in the new form and in the old', async () => {
    objects.set(secretAt('new'), modern('new'));
    objects.set(secretAt('old'), secretOf('old', { '.dockercfg': JSON.stringify(authsOf('old')) }));
    objects.set(
      secretAt('both'),
      secretOf('both', {
        '.dockerconfigjson': JSON.stringify({ auths: authsOf('first') }),
        '.dockercfg': '{',
      }),
    );
    assert.deepEqual(usersOf(await secrets.read('shop', ['new', 'old', 'both'])), [
      'new',
      'old',
      'first',
    ]);
  });

  it('are those of the namespace and no other', async () => {
    objects.set(secretAt('a'), modern('a'));
    assert.deepEqual(await secrets.read('other', ['a']), []);
    assert.equal(secrets.known('shop', ['a']), undefined);
    assert.deepEqual(reads, [secretAt('a', 'other')]);
  });

  it('cannot be named so that something else is read', async () => {
    for (const name of ['', '.', '..']) assert.deepEqual(await secrets.read('shop', [name]), []);
    assert.deepEqual(reads, []);
    await secrets.read('shop', ['../../kube-system/secrets/a']);
    assert.deepEqual(reads, [
      '/api/v1/namespaces/shop/secrets/..%2F..%2Fkube-system%2Fsecrets%2Fa',
    ]);
  });

  it('are skipped where they are missing, forbidden, unreachable or malformed, and the rest is used', async () => {
    objects.set(secretAt('forbidden'), new KubeError(403, 'forbidden'));
    objects.set(secretAt('unreachable'), new KubeError(0, 'no connection'));
    objects.set(secretAt('empty'), { metadata: { name: 'empty', namespace: 'shop' } });
    objects.set(secretAt('opaque'), secretOf('opaque', { password: 'secret' }));
    objects.set(
      secretAt('broken'),
      secretOf('broken', { '.dockerconfigjson': '{"auths": secret' }),
    );
    objects.set(secretAt('good'), modern('good'));
    const names = ['missing', 'forbidden', 'unreachable', 'empty', 'opaque', 'broken', 'good'];
    assert.deepEqual(usersOf(await secrets.read('shop', names)), ['good']);
    assert.deepEqual(usersOf(secrets.known('shop', names)), ['good']);
    const levels = log
      .map((line) => JSON.parse(line) as { level: string; name: string })
      .map(({ level, name }) => [name, level]);
    assert.deepEqual(Object.fromEntries(levels), {
      forbidden: 'debug',
      unreachable: 'warn',
      broken: 'warn',
    });
    assert.doesNotMatch(log.join(), /auths/);
  });

  it('are read once for all who ask at once, and at most once a minute', async () => {
    objects.set(secretAt('a'), modern('a'));
    assert.equal(secrets.known('shop', ['a']), undefined);
    await Promise.all(Array.from({ length: 20 }, () => secrets.read('shop', ['a'])));
    await clock.advance(MINUTE - 1);
    assert.deepEqual(usersOf(await secrets.read('shop', ['a'])), ['a']);
    assert.deepEqual(usersOf(secrets.known('shop', ['a'])), ['a']);
    assert.equal(reads.length, 1);
    await clock.advance(1);
    assert.equal(secrets.known('shop', ['a']), undefined);
    await secrets.read('shop', ['a']);
    assert.equal(reads.length, 2);
  });

  it('are looked for again soon where they could not be read', async () => {
    assert.deepEqual(await secrets.read('shop', ['a']), []);
    objects.set(secretAt('a'), modern('a'));
    await clock.advance(4_999);
    assert.deepEqual(await secrets.read('shop', ['a']), []);
    assert.deepEqual(secrets.known('shop', ['a']), []);
    await clock.advance(1);
    assert.equal(secrets.known('shop', ['a']), undefined);
    assert.deepEqual(usersOf(await secrets.read('shop', ['a'])), ['a']);
  });

  it('are not known where one of them is not', async () => {
    objects.set(secretAt('a'), modern('a'));
    await secrets.read('shop', ['a']);
    assert.equal(secrets.known('shop', ['a', 'b']), undefined);
    assert.deepEqual(secrets.known('shop', []), []);
  });

  it('are no more than eight, however many a tenant lists', async () => {
    const names = Array.from({ length: 100 }, (_, i) => `s${i}`);
    await secrets.read('shop', names);
    assert.equal(reads.length, 8);
    assert.deepEqual(secrets.known('shop', names), []);
  });

  it('have a name that changes with namespace, object and version, and tells no secret', async () => {
    const identityOf = async (
      object: KubeObject,
      namespace = 'shop',
    ): Promise<string | undefined> => {
      objects.set(secretAt('a', namespace), object);
      await clock.advance(MINUTE);
      return (await secrets.read(namespace, ['a']))[0]?.identity;
    };
    const first = await identityOf(modern('a'));
    assert.equal(await identityOf(modern('a')), first);
    const others = [
      await identityOf(modern('a', '2')),
      await identityOf(modern('b')),
      await identityOf(modern('a'), 'other'),
    ];
    assert.equal(new Set([first, ...others]).size, 4);
    assert.doesNotMatch([first, ...others].join(), /secret|auth/);
    const { resourceVersion, ...metadata } = modern('a').metadata;
    assert.equal(resourceVersion, '1');
    const unversioned = await identityOf({ ...modern('a'), metadata });
    assert.notEqual(unversioned, first);
    assert.doesNotMatch(unversioned ?? '', /secret|auth/);
  });
});

describe('the pull secrets of a service account', () => {
  let account: unknown;
  let reads: string[];
  let clock: FixedClock;
  let secrets: PullSecrets;

  beforeEach(() => {
    account = { metadata: { name: 'web' }, imagePullSecrets: [{ name: 'b' }, {}, { name: 'a' }] };
    reads = [];
    clock = fixedClock();
    const client = {
      get: <T>(path: string): Promise<T | undefined> => {
        reads.push(path);
        return account instanceof Error
          ? Promise.reject(account)
          : Promise.resolve(account as T | undefined);
      },
    };
    const logger = createLogger({ level: 'error', format: 'json', sink: () => undefined });
    secrets = new PullSecrets({ client, clock, logger, parse: () => () => undefined });
  });

  it('are their names, read once a minute', async () => {
    assert.equal(secrets.knownOfAccount('shop', 'web'), undefined);
    await Promise.all([secrets.ofAccount('shop', 'web'), secrets.ofAccount('shop', 'web')]);
    await clock.advance(MINUTE - 1);
    assert.deepEqual(await secrets.ofAccount('shop', 'web'), ['b', 'a']);
    assert.deepEqual(secrets.knownOfAccount('shop', 'web'), ['b', 'a']);
    assert.deepEqual(reads, ['/api/v1/namespaces/shop/serviceaccounts/web']);
    await clock.advance(1);
    assert.equal(secrets.knownOfAccount('shop', 'web'), undefined);
  });

  it('are none where the account lists none', async () => {
    account = { metadata: { name: 'web' } };
    assert.deepEqual(await secrets.ofAccount('shop', 'web'), []);
    await clock.advance(MINUTE - 1);
    assert.deepEqual(secrets.knownOfAccount('shop', 'web'), []);
  });

  for (const [what, answer] of [
    ['is missing', undefined],
    ['is forbidden', new KubeError(403, 'forbidden')],
    ['cannot be reached', new KubeError(0, 'no connection')],
  ] as const) {
    it(`are none where the account ${what}, which is looked at again soon`, async () => {
      const there = account;
      account = answer;
      assert.deepEqual(await secrets.ofAccount('shop', 'web'), []);
      assert.deepEqual(secrets.knownOfAccount('shop', 'web'), []);
      account = there;
      await clock.advance(5_000);
      assert.equal(secrets.knownOfAccount('shop', 'web'), undefined);
      assert.deepEqual(await secrets.ofAccount('shop', 'web'), ['b', 'a']);
    });
  }
});

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'mocha';
import type { Keychain } from '../../ports.ts';
import type { ReasonCode } from '../../reasons.ts';
import type { FakeRegistry, SeenRequest } from './__fixtures__/registry.ts';
import {
  collect,
  keychainFor,
  putBundle,
  putImage,
  resolve,
  setupEach,
} from './__fixtures__/setup.ts';

function coded(code: ReasonCode): object {
  return { name: 'VerificationError', code };
}

function basic(pair: string): string {
  return `Basic ${Buffer.from(pair).toString('base64')}`;
}

describe('authentication', () => {
  const setup = setupEach();
  let registry: FakeRegistry;
  let issued: number;
  beforeEach(async () => {
    registry = await setup.registry();
    issued = 0;
  });

  const tokens = (): SeenRequest[] => registry.seen.filter((r) => r.path.startsWith('/token'));

  /** Makes the registry ask for bearer tokens, of its own service unless told otherwise. */
  function demandToken(
    options: { realm?: string; accepts?: (r: SeenRequest) => boolean; answer?: object } = {},
  ): void {
    const realm = options.realm ?? `http://${registry.host}/token`;
    registry.handle(/^\/token/, (request, response) => {
      if (options.accepts?.(request) === false) {
        response.writeHead(401).end();
        return true;
      }
      issued += 1;
      response.end(
        JSON.stringify(options.answer ?? { token: `t${issued.toString()}`, expires_in: 300 }),
      );
      return true;
    });
    registry.handle(/^\/v2\//, (request, response) => {
      if (request.headers.authorization === `Bearer t${issued.toString()}` && issued > 0)
        return false;
      const scope = 'repository:other/repository:pull,push,delete';
      const challenge = `Bearer realm="${realm}",service="registry.test",scope="${scope}"`;
      response.writeHead(401, { 'www-authenticate': challenge }).end();
      return true;
    });
  }

  it('fetches one token for all parts of a collection, for pulling its repository only', async () => {
    const image = putImage(registry);
    registry.list(image.digest, putBundle(registry, image.digest, 'signed'));
    demandToken({ accepts: (r) => r.headers.authorization === basic('user:s3cret') });
    const evidence = await collect(setup.source([registry]), image, {
      keychain: keychainFor(registry.host),
    });
    assert.equal(evidence.signatures.length, 1);
    assert.deepEqual(
      tokens().map((r) => r.path),
      ['/token?service=registry.test&scope=repository%3Aapp%3Apull'],
    );
  });

  it('knows at the second collection what the registry asks for', async () => {
    const { name } = putImage(registry);
    demandToken();
    const source = setup.source([registry]);
    await resolve(source, `${name}:v1`);
    registry.seen.length = 0;
    await resolve(source, `${name}:v1`);
    assert.deepEqual(
      registry.seen.map((r) => r.headers.authorization),
      ['Bearer t1'],
    );
  });

  it('reads a public repository with an anonymous token', async () => {
    const { name, digest } = putImage(registry);
    demandToken({ accepts: (r) => r.headers.authorization === undefined });
    assert.equal(await resolve(setup.source([registry]), `${name}:v1`), digest);
  });

  it('exchanges an identity token by the refresh grant', async () => {
    const { name, digest } = putImage(registry);
    demandToken({ accepts: (r) => r.method === 'POST', answer: { access_token: 't1' } });
    const keychain: Keychain = {
      identity: 'i',
      credentialFor: () => ({ kind: 'identity-token', token: 'refresh&me' }),
    };
    assert.equal(await resolve(setup.source([registry]), `${name}:v1`, { keychain }), digest);
    const form = new URLSearchParams(tokens()[0]?.body);
    assert.deepEqual(Object.fromEntries(form), {
      grant_type: 'refresh_token',
      refresh_token: 'refresh&me',
      client_id: 'countersign',
      service: 'registry.test',
      scope: 'repository:app:pull',
    });
    assert.equal(tokens()[0]?.headers.authorization, undefined);
  });

  it('sends a password only after the registry asked for one', async () => {
    const { name, digest } = putImage(registry);
    registry.handle(/./, (request, response) => {
      if (request.headers.authorization === basic('user:s3cret')) return false;
      response.writeHead(401, { 'www-authenticate': 'Basic realm="here"' }).end();
      return true;
    });
    assert.equal(
      await resolve(setup.source([registry]), `${name}:v1`, {
        keychain: keychainFor(registry.host),
      }),
      digest,
    );
    assert.deepEqual(
      registry.seen.map((r) => r.headers.authorization),
      [undefined, basic('user:s3cret')],
    );
  });

  it('gives a token up before it expires, and takes a new one', async () => {
    const { name } = putImage(registry);
    demandToken();
    let now = 1_000_000;
    const source = setup.source([registry], { now: () => now });
    await resolve(source, `${name}:v1`);
    now += 289_000;
    await resolve(source, `${name}:v1`);
    assert.equal(issued, 1);
    now += 2_000;
    await resolve(source, `${name}:v1`);
    assert.equal(issued, 2);
  });

  it('replaces a token that the registry does not accept any more, once', async () => {
    const { name, digest } = putImage(registry);
    demandToken();
    const source = setup.source([registry]);
    await resolve(source, `${name}:v1`);
    issued += 1;
    assert.equal(await resolve(source, `${name}:v1`), digest);
    assert.equal(issued, 3);
  });

  it('D12: does not reuse a token for another password, nor for another set of credentials', async () => {
    const { name } = putImage(registry);
    demandToken();
    const source = setup.source([registry]);
    const { host } = registry;
    await resolve(source, `${name}:v1`, { keychain: keychainFor(host, 'user', 'old') });
    await resolve(source, `${name}:v1`, { keychain: keychainFor(host, 'user', 'new') });
    await resolve(source, `${name}:v1`, {
      keychain: { ...keychainFor(host, 'user', 'new'), identity: 'other' },
    });
    assert.deepEqual(
      tokens().map((r) => r.headers.authorization),
      ['user:old', 'user:new', 'user:new'].map(basic),
    );
  });

  it('X36: that fails is REGISTRY_UNAUTHORIZED, and the message holds no secret', async () => {
    const { name } = putImage(registry);
    demandToken({ accepts: () => false });
    const work = resolve(setup.source([registry]), `${name}:v1`, {
      keychain: keychainFor(registry.host),
    });
    await assert.rejects(work, (thrown: unknown) => {
      assert.ok(thrown instanceof Error && 'code' in thrown);
      assert.equal(thrown.code, 'REGISTRY_UNAUTHORIZED');
      assert.doesNotMatch(thrown.message, /s3cret|user:/);
      return true;
    });
  });

  it('still reads a public repository where the credential is refused', async () => {
    const { name, digest } = putImage(registry);
    registry.handle(/^\/v2\/private/, (_, response) => {
      const challenge = `Bearer realm="http://${registry.host}/token"`;
      response.writeHead(401, { 'www-authenticate': challenge }).end();
      return true;
    });
    registry.handle(/^\/token/, (_, response) => void response.writeHead(401).end());
    const asked = { keychain: keychainFor(registry.host) };
    const source = setup.source([registry]);
    await assert.rejects(
      resolve(source, `${registry.host}/private/app`, asked),
      coded('REGISTRY_UNAUTHORIZED'),
    );
    assert.equal(await resolve(source, `${name}:v1`, asked), digest);
  });

  for (const status of [401, 403]) {
    it(`answers REGISTRY_UNAUTHORIZED for ${status.toString()} without a challenge`, async () => {
      registry.handle(/./, (_, response) => void response.writeHead(status).end());
      await assert.rejects(
        resolve(setup.source([registry]), `${registry.host}/app`),
        coded('REGISTRY_UNAUTHORIZED'),
      );
    });
  }

  for (const status of [500, 503, 429]) {
    it(`answers REGISTRY_UNAVAILABLE where the token service answers ${status.toString()}`, async () => {
      registry.handle(/^\/token/, (_, response) => void response.writeHead(status).end());
      demandToken();
      await assert.rejects(
        resolve(setup.source([registry]), `${registry.host}/app`),
        coded('REGISTRY_UNAVAILABLE'),
      );
    });
  }

  const badAnswers = [
    '',
    'null',
    '[]',
    '{}',
    '{"token":1}',
    '{"token":""}',
    '{"token":"a b"}',
    '{"token":"a\\r\\nx: y"}',
    '{"token":"é"}',
  ];
  for (const answer of badAnswers) {
    it(`refuses the token answer ${JSON.stringify(answer)}`, async () => {
      registry.handle(/^\/token/, (_, response) => void response.end(answer));
      demandToken();
      await assert.rejects(
        resolve(setup.source([registry]), `${registry.host}/app`),
        coded('REGISTRY_UNAVAILABLE'),
      );
    });
  }

  it('D8: cuts a token answer off at the limit', async () => {
    registry.handle(
      /^\/token/,
      (_, response) => void response.end(JSON.stringify({ token: 'a'.repeat(100_000) })),
    );
    demandToken();
    await assert.rejects(
      resolve(setup.source([registry]), `${registry.host}/app`),
      coded('LIMIT_EXCEEDED'),
    );
  });

  it('D4: does not follow a token service that redirects', async () => {
    const other = await setup.registry();
    registry.handle(
      /^\/token/,
      (_, response) => void response.writeHead(307, { location: `http://${other.host}/` }).end(),
    );
    demandToken();
    const asked = { keychain: keychainFor(registry.host) };
    await assert.rejects(
      resolve(setup.source([registry, other]), `${registry.host}/app`, asked),
      coded('REGISTRY_UNSAFE'),
    );
    assert.equal(other.seen.length, 0);
  });

  it('asks a registry again what it wants once what it wanted does not serve any more', async () => {
    const { name } = putImage(registry);
    let realm = 'https://evil.example/token';
    registry.handle(/^\/token/, (_, response) => void response.end('{"token":"good"}'));
    registry.handle(/^\/v2\//, ({ headers }, response) => {
      if (headers.authorization === 'Bearer good') return false;
      response.writeHead(401, { 'www-authenticate': `Bearer realm="${realm}"` }).end();
      return true;
    });
    const source = setup.source([registry]);
    await assert.rejects(resolve(source, `${name}:v1`), coded('REGISTRY_UNSAFE'));
    realm = `http://${registry.host}/token`;
    assert.match(await resolve(source, `${name}:v1`), /^sha256:/);
  });

  it('D2: gives nothing to a realm elsewhere', async () => {
    const thief = await setup.registry();
    const { port } = thief;
    const realms = [
      `http://${thief.host.replace('127.0.0.1', 'localhost')}/token`,
      `https://127.0.0.1:${port.toString()}@evil.example/token`,
      'https://evil.example/token',
      'http://evil.example/token',
      'https://169.254.169.254/token',
      'https://0.0.0.0/token',
      'https://[::]/token',
      '//evil.example/token',
      '/token',
      'file:///etc/passwd',
      'https://',
    ];
    for (const realm of realms) {
      const asking = await setup.registry();
      asking.handle(
        /./,
        (_, response) =>
          void response.writeHead(401, { 'www-authenticate': `Bearer realm="${realm}"` }).end(),
      );
      const source = setup.source([asking, thief], {
        resolve: (_, answer) => answer(null, [{ address: '127.0.0.1', family: 4 }]),
      });
      const asked = { keychain: keychainFor(asking.host) };
      await assert.rejects(
        resolve(source, `${asking.host}/app`, asked),
        coded('REGISTRY_UNSAFE'),
        realm,
      );
      assert.equal(asking.seen.length, 1, realm);
    }
    assert.equal(thief.seen.length, 0);
  });

  it('D2: gives nothing to a plain HTTP realm at another port that is not listed', async () => {
    const other = await setup.registry();
    demandToken({ realm: `http://${other.host}/token` });
    const source = setup.source([registry]);
    await assert.rejects(
      resolve(source, `${registry.host}/app`, { keychain: keychainFor(registry.host) }),
      coded('REGISTRY_UNSAFE'),
    );
    assert.equal(other.seen.length, 0);
  });
});

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { before, beforeEach, describe, it } from 'mocha';
import type { ReasonCode } from '../../reasons.ts';
import type { FakeRegistry } from './__fixtures__/registry.ts';
import { issueServer } from './__fixtures__/certificates.ts';
import { keychainFor, putImage, resolve, setupEach } from './__fixtures__/setup.ts';
import type { ResolvedAddress } from './addresses.ts';
import type { Resolve } from './connections.ts';

function coded(code: ReasonCode): object {
  return { name: 'VerificationError', code };
}

/** DNS that knows a few names, and leads them all to loopback unless told otherwise. */
function names(known: Readonly<Record<string, string>>): Resolve {
  return (hostname, answer) => {
    const found: ResolvedAddress[] = [{ address: known[hostname] ?? '127.0.0.1', family: 4 }];
    answer(null, found);
  };
}

describe('a registry over TLS', () => {
  let issuer: Awaited<ReturnType<typeof issueServer>>;
  const setup = setupEach();
  let registry: FakeRegistry;
  let host: string;
  before(async () => {
    issuer = await issueServer([
      'registry.corp.example',
      'auth.corp.example',
      'localhost.evil.example',
    ]);
  });
  beforeEach(async () => {
    registry = await setup.registry(issuer);
    host = `registry.corp.example:${registry.port.toString()}`;
  });

  it('is read where the policy brings its CA', async () => {
    const { digest } = putImage(registry);
    const source = setup.source([], { privateHosts: [host], resolve: names({}) });
    assert.equal(await resolve(source, `${host}/app:v1`, { registry: { ca: issuer.ca } }), digest);
  });

  it('D7: is unavailable where nobody vouches for its certificate, also when it was read with the CA before', async () => {
    putImage(registry);
    const source = setup.source([], { privateHosts: [host], resolve: names({}) });
    await resolve(source, `${host}/app:v1`, { registry: { ca: issuer.ca } });
    await assert.rejects(resolve(source, `${host}/app:v1`), coded('REGISTRY_UNAVAILABLE'));
    const other = await issueServer(['registry.corp.example']);
    const asked = { registry: { ca: other.ca } };
    await assert.rejects(resolve(source, `${host}/app:v1`, asked), coded('REGISTRY_UNAVAILABLE'));
  });

  it('is unavailable where the certificate is for another name', async () => {
    putImage(registry);
    const wrong = `wrong.corp.example:${registry.port.toString()}`;
    const source = setup.source([], { privateHosts: [wrong], resolve: names({}) });
    const asked = { registry: { ca: issuer.ca } };
    await assert.rejects(resolve(source, `${wrong}/app:v1`, asked), coded('REGISTRY_UNAVAILABLE'));
  });

  it('is TRUST_ROOT_INVALID where the CA is no PEM', async () => {
    const source = setup.source([], { privateHosts: [host], resolve: names({}) });
    const broken = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
    for (const ca of ['', 'hello', broken, issuer.ca + broken]) {
      const asked = { registry: { ca } };
      await assert.rejects(resolve(source, `${host}/app:v1`, asked), coded('TRUST_ROOT_INVALID'));
    }
  });

  it('D13: is never spoken to in plain HTTP, though a name in it is listed', async () => {
    const plain = await setup.registry();
    putImage(plain);
    const port = plain.port.toString();
    for (const name of ['localhost.evil.example', '127.0.0.1.evil.example', 'evil-localhost']) {
      const source = setup.source([plain], {
        plainHttpHosts: ['localhost', `localhost:${port}`, `127.0.0.1:${port}`],
        privateHosts: [`${name}:${port}`],
        resolve: names({}),
      });
      await assert.rejects(
        resolve(source, `${name}:${port}/app:v1`),
        coded('REGISTRY_UNAVAILABLE'),
      );
    }
    assert.equal(plain.seen.length, 0);
  });

  it('D6: never sees a secret of another, whose names only resemble its own', async () => {
    registry.handle(
      /./,
      (_, response) => void response.writeHead(401, { 'www-authenticate': 'Basic' }).end(),
    );
    const source = setup.source([], { privateHosts: [host], resolve: names({}) });
    const asked = { registry: { ca: issuer.ca }, keychain: keychainFor('corp.example') };
    await assert.rejects(resolve(source, `${host}/app:v1`, asked), coded('REGISTRY_UNAUTHORIZED'));
    assert.ok(registry.seen.every((r) => r.headers.authorization === undefined));
  });

  describe('at an address that nobody listed', () => {
    for (const image of [
      '127.0.0.1',
      'localhost',
      '[::1]',
      '169.254.169.254',
      '0.0.0.0',
      'kubernetes.default.svc',
      'evil.example',
    ]) {
      it(`X37: is refused as ${image}`, async () => {
        const name =
          image === 'localhost' ? `localhost:${registry.port.toString()}` : `${image}:6443`;
        const source = setup.source([], {
          resolve: names({
            'kubernetes.default.svc': '10.96.0.1',
            'evil.example': '169.254.169.254',
          }),
        });
        await assert.rejects(resolve(source, `${name}/app:v1`), coded('REGISTRY_UNSAFE'));
        assert.equal(registry.seen.length, 0);
      });
    }
  });

  it('B12: that changes its address between two connections is checked again', async () => {
    let calls = 0;
    const rebinding: Resolve = (_, answer) => {
      calls += 1;
      answer(null, [{ address: calls === 1 ? '203.0.113.1' : '127.0.0.1', family: 4 }]);
    };
    const source = setup.source([], {
      resolve: rebinding,
      limits: { connectMs: 200, requestMs: 600 },
    });
    await assert.rejects(resolve(source, `${host}/app:v1`), coded('REGISTRY_UNAVAILABLE'));
    await assert.rejects(resolve(source, `${host}/app:v1`), coded('REGISTRY_UNSAFE'));
  });

  it('may have its token service on its own site', async () => {
    const { digest } = putImage(registry);
    const auth = await setup.registry(issuer);
    const realm = `https://auth.corp.example:${auth.port.toString()}/token`;
    auth.handle(/token/, (_, response) => void response.end('{"token":"t"}'));
    registry.handle(/v2/, (request, response) => {
      if (request.headers.authorization === 'Bearer t') return false;
      response.writeHead(401, { 'www-authenticate': `Bearer realm="${realm}"` }).end();
      return true;
    });
    const source = setup.source([], { privateHosts: [host], resolve: names({}) });
    const asked = { registry: { ca: issuer.ca }, keychain: keychainFor(host) };
    assert.equal(await resolve(source, `${host}/app:v1`, asked), digest);
    assert.match(auth.seen[0]?.headers.authorization ?? '', /^Basic /);
  });

  it('D7: does not let a token service see a secret whose certificate nobody vouches for', async () => {
    putImage(registry);
    const auth = await setup.registry(await issueServer(['auth.corp.example']));
    const realm = `https://auth.corp.example:${auth.port.toString()}/token`;
    registry.handle(
      /v2/,
      (_, response) =>
        void response.writeHead(401, { 'www-authenticate': `Bearer realm="${realm}"` }).end(),
    );
    const source = setup.source([], { privateHosts: [host], resolve: names({}) });
    const asked = { registry: { ca: issuer.ca }, keychain: keychainFor(host) };
    await assert.rejects(resolve(source, `${host}/app:v1`, asked), coded('REGISTRY_UNAVAILABLE'));
    assert.equal(auth.seen.length, 0);
  });
});

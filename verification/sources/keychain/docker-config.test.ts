// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { dockerConfigKeychain } from './docker-config.ts';

function auth(name: string): object {
  return { auth: Buffer.from(`${name}:secret`).toString('base64') };
}

/** Names of users by key: who is asked for which image. */
function userFor(
  keys: readonly string[],
  host: string,
  repository = 'org/app',
): string | undefined {
  const auths = Object.fromEntries(keys.map((key) => [key, auth(key.replaceAll(':', ';'))]));
  const credential = dockerConfigKeychain({ auths }, 'test').credentialFor(host, repository);
  return credential?.kind === 'basic' ? credential.username.replaceAll(';', ':') : undefined;
}

describe('dockerConfigKeychain', () => {
  it('D6: matches exactly the host', () => {
    for (const key of [
      'io',
      'evil-ghcr.io',
      'ghcr.io.evil',
      'hcr.io',
      'x.ghcr.io',
      'ghcr.io:5000',
      'ghcr',
      '*',
      '*.*',
      'ghcr.*',
      '*hcr.io',
      '[ab]hcr.io',
      'ghcr.i?',
      '',
    ]) {
      assert.equal(userFor([key], 'ghcr.io'), undefined, key);
    }
    for (const key of [
      'ghcr.io',
      'GHCR.io',
      'https://ghcr.io',
      'http://ghcr.io',
      'https://ghcr.io/',
      'https://ghcr.io/v2/',
      'https://ghcr.io/v1/',
      'ghcr.io:443',
    ]) {
      assert.equal(userFor([key], 'ghcr.io'), key, key);
    }
  });

  it('D6: matches exactly the port', () => {
    assert.equal(userFor(['localhost:5000'], 'localhost:5000'), 'localhost:5000');
    assert.equal(userFor(['localhost'], 'localhost:5000'), undefined);
    assert.equal(userFor(['localhost:500'], 'localhost:5000'), undefined);
  });

  it('prefers the longest path, by whole segments', () => {
    const keys = ['ghcr.io', 'ghcr.io/org', 'ghcr.io/org/app/sub', 'ghcr.io/or'];
    assert.equal(userFor(keys, 'ghcr.io', 'org/app'), 'ghcr.io/org');
    assert.equal(userFor(keys, 'ghcr.io', 'org/app/sub'), 'ghcr.io/org/app/sub');
    assert.equal(userFor(keys, 'ghcr.io', 'org-evil/app'), 'ghcr.io');
    assert.equal(userFor(['ghcr.io/org'], 'ghcr.io', 'other/app'), undefined);
  });

  it('knows the names of Docker Hub', () => {
    for (const key of [
      'https://index.docker.io/v1/',
      'index.docker.io',
      'docker.io',
      'registry-1.docker.io',
      'https://index.docker.io/v2/',
    ]) {
      assert.equal(userFor([key], 'docker.io', 'library/nginx'), key, key);
      assert.equal(userFor([key], 'docker.io.evil', 'library/nginx'), undefined, key);
    }
  });

  it('lets a star stand for one label in front', () => {
    assert.equal(userFor(['*.example.com'], 'a.example.com'), '*.example.com');
    assert.equal(userFor(['*.example.com'], 'a.b.example.com'), undefined);
    assert.equal(userFor(['*.example.com'], 'example.com'), undefined);
    assert.equal(userFor(['*.example.com'], 'a.example.com:5000'), undefined);
    assert.equal(userFor(['*.example.com:5000'], 'a.example.com:5000'), '*.example.com:5000');
    assert.equal(userFor(['*.localhost'], 'localhost'), undefined);
    assert.equal(userFor(['*.example.com/org', 'a.example.com'], 'a.example.com'), 'a.example.com');
  });

  it('reads credentials in every form', () => {
    const auths = {
      'a.io': { username: 'u', password: 'p:q' },
      'b.io': { auth: Buffer.from('u:p:q').toString('base64') },
      'c.io': { auth: Buffer.from('u:p\0\0').toString('base64') },
      'd.io': { auth: Buffer.from('<token>:x').toString('base64'), identitytoken: 'refresh' },
      'e.io': { auth: 'bm9jb2xvbg==' },
      'f.io': {},
      'g.io': null,
      constructor: { username: 1, password: [] },
    };
    const keychain = dockerConfigKeychain({ auths }, 'test');
    const found = Object.keys(auths).map((host) => keychain.credentialFor(host, 'x'));
    assert.deepEqual(found, [
      { kind: 'basic', username: 'u', password: 'p:q' },
      { kind: 'basic', username: 'u', password: 'p:q' },
      { kind: 'basic', username: 'u', password: 'p' },
      { kind: 'identity-token', token: 'refresh' },
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('refuses what is no Docker configuration', () => {
    for (const bad of [
      null,
      undefined,
      'x',
      [],
      {},
      { auths: [] },
      { auths: null },
      { 'ghcr.io': auth('a') },
    ]) {
      assert.throws(() => dockerConfigKeychain(bad, 'team-a/pull'), {
        code: 'REGISTRY_UNAUTHORIZED',
        message: /team-a\/pull/,
      });
    }
    assert.equal(dockerConfigKeychain({ auths: {} }, 'x').credentialFor('a.io', 'b'), undefined);
  });
});

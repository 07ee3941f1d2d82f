// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { HostLists } from './endpoint.ts';
import { checkRealm } from './realm.ts';
import { isSameSite } from './site.ts';

describe('HostLists', () => {
  const hosts = new HostLists(
    ['localhost:5000', 'plain.example', '[::1]:5000', 'old.example:80'],
    ['in.example'],
  );

  it('D13: speaks plain HTTP to exactly the listed hosts', () => {
    for (const host of ['localhost:5000', 'plain.example', '[::1]:5000', 'old.example:80']) {
      assert.equal(hosts.endpoint(host).origin.protocol, 'http:', host);
    }
    const others = [
      'localhost',
      'localhost:5001',
      'localhost.evil.tld',
      'localhost.evil.tld:5000',
      '127.0.0.1.evil.tld',
      'evil-plain.example',
      'x.plain.example',
      'plain.example.evil',
      'plain.example:80',
      'old.example',
      '127.0.0.1:5000',
      'in.example',
    ];
    for (const host of others) assert.equal(hosts.endpoint(host).origin.protocol, 'https:', host);
  });

  it('knows where Docker Hub is served', () => {
    const { host, origin } = hosts.endpoint('docker.io');
    assert.deepEqual([host, origin.origin], ['docker.io', 'https://registry-1.docker.io']);
  });

  it('tells endpoints with different trust apart', () => {
    const keys = new Set([undefined, 'a', 'b'].map((ca) => hosts.endpoint('r.example', ca).key));
    assert.equal(keys.size, 3);
  });

  it('refuses entries that are no hosts, and plain HTTP on port 443', () => {
    for (const bad of ['http://a', 'a/b', '*', '*.a', 'a.', '', 'a:443', 'a:x', 'user@a']) {
      assert.throws(() => new HostLists([bad], []), { code: 'REF_INVALID' }, bad);
    }
    assert.throws(() => new HostLists([], ['10.0.0.0/8']), { code: 'REF_INVALID' });
  });
});

describe('checkRealm', () => {
  const hosts = new HostLists(['localhost:5000', 'localhost:5001', 'plain.example'], []);
  const trusted: readonly (readonly [string, string])[] = [
    ['docker.io', 'https://auth.docker.io/token'],
    ['ghcr.io', 'https://ghcr.io/token'],
    ['registry.gitlab.com', 'https://gitlab.com/jwt/auth'],
    ['registry.corp.example', 'https://sso.corp.example:8443/token'],
    ['quay.io', 'https://auth.quay.io/token'],
    ['10.0.0.5:5000', 'https://10.0.0.5:5001/token'],
    ['localhost:5000', 'http://localhost:5000/token'],
    ['localhost:5000', 'http://localhost:5001/token'],
    ['localhost:5000', 'https://localhost/token'],
  ];
  for (const [host, realm] of trusted) {
    it(`lets ${host} name ${realm}`, () => {
      assert.equal(checkRealm(realm, hosts.endpoint(host), hosts).href, realm);
    });
  }
  const refused: readonly (readonly [string, string])[] = [
    ['docker.io', 'https://auth.docker.io.evil.example/token'],
    ['docker.io', 'http://auth.docker.io/token'],
    ['ghcr.io', 'https://evil.io/token'],
    ['ghcr.io', 'https://evil-ghcr.io/token'],
    ['registry.co.uk', 'https://evil.co.uk/token'],
    ['acme.jfrog.io', 'https://evil.jfrog.io/token'],
    ['acme.azurecr.io', 'https://evil.azurecr.io/token'],
    ['1.ecr.amazonaws.com', 'https://evil.amazonaws.com/token'],
    ['10.0.0.5', 'https://10.0.0.6/token'],
    ['10.0.0.5', 'https://11.0.0.5/token'],
    ['localhost:5000', 'http://localhost:5002/token'],
    ['localhost:5000', 'http://plain.example/token'],
    ['ghcr.io', 'http://localhost:5000/token'],
    ['ghcr.io', 'https://user@ghcr.io/token'],
    ['ghcr.io', 'token'],
    ['ghcr.io', ''],
  ];
  for (const [host, realm] of refused) {
    it(`D2: does not let ${host} name ${JSON.stringify(realm)}`, () => {
      assert.throws(() => checkRealm(realm, hosts.endpoint(host), hosts), {
        code: 'REGISTRY_UNSAFE',
      });
    });
  }
});

describe('isSameSite', () => {
  it('D2: is symmetric and never crosses a shared suffix', () => {
    const pairs: readonly (readonly [string, string, boolean])[] = [
      ['a.example.com', 'b.example.com', true],
      ['a.example.com', 'example.com', true],
      ['a.b.example.com', 'c.example.com', true],
      ['example.com', 'example.org', false],
      ['a.co.uk', 'b.co.uk', false],
      ['x.a.co.uk', 'y.a.co.uk', true],
      ['docker.elastic.co', 'docker-auth.elastic.co', true],
      ['co.uk', 'co.uk', true],
      ['localhost', 'localhost', true],
      ['localhost', 'otherhost', false],
      ['io', 'ghcr.io', false],
      ['a.azurecr.us', 'b.azurecr.us', false],
      ['1.dkr.ecr.us-east-1.amazonaws.com', 'x.execute-api.us-east-1.amazonaws.com', false],
      ['1.dkr.ecr.us-east-1.amazonaws.com', '1.dkr.ecr.us-east-1.amazonaws.com', true],
      ['1.dkr.ecr.cn-north-1.amazonaws.com.cn', 'b.s3.cn-north-1.amazonaws.com.cn', false],
      ['[::1]', '[::2]', false],
      ['a..com', 'b..com', false],
    ];
    for (const [left, right, same] of pairs) {
      assert.equal(isSameSite(left, right), same, `${left} ${right}`);
      assert.equal(isSameSite(right, left), same, `${right} ${left}`);
    }
  });
});

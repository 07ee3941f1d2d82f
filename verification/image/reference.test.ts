// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { assertSoon } from '../testing/index.ts';
import {
  isDigest,
  parseDigest,
  parseImageReference,
  repositoryName,
  withDigest,
} from './reference.ts';

const HEX = 'a'.repeat(64);
const D = `sha256:${HEX}` as const;

/** written -> name, tag, digest */
const GOOD: readonly (readonly [string, string, (string | undefined)?, string?])[] = [
  ['nginx', 'docker.io/library/nginx'],
  ['nginx:1.27', 'docker.io/library/nginx', '1.27'],
  ['library/nginx', 'docker.io/library/nginx'],
  ['docker.io/nginx', 'docker.io/library/nginx'],
  ['docker.io:443/nginx', 'docker.io/library/nginx'],
  ['index.docker.io/library/nginx', 'docker.io/library/nginx'],
  ['INDEX.docker.io/nginx', 'docker.io/library/nginx'],
  ['registry-1.docker.io/library/nginx', 'docker.io/library/nginx'],
  ['bitnami/redis', 'docker.io/bitnami/redis'],
  ['localhost/app', 'localhost/app'],
  ['LocalHost/app', 'localhost/app'],
  ['localhost:5000', 'docker.io/library/localhost', '5000'],
  ['localhost:5000/app:v1', 'localhost:5000/app', 'v1'],
  ['ghcr.io/org/app', 'ghcr.io/org/app'],
  ['ghcr.io:443/org/app', 'ghcr.io/org/app'],
  ['GHCR.IO/org/app', 'ghcr.io/org/app'],
  [`ghcr.io/org/app@${D}`, 'ghcr.io/org/app', undefined, D],
  [`ghcr.io/org/app:v1@${D}`, 'ghcr.io/org/app', 'v1', D],
  [
    `app@sha512:${'b'.repeat(128)}`,
    'docker.io/library/app',
    undefined,
    `sha512:${'b'.repeat(128)}`,
  ],
  ['[::1]:5000/app', '[::1]:5000/app'],
  ['[0:0:0:0:0:0:0:1]:5000/app:v1', '[::1]:5000/app', 'v1'],
  ['[FE80::1]/app', '[fe80::1]/app'],
  ['10.0.0.5:80/app', '10.0.0.5:80/app'],
  ['a.b/x__y/z--w/q.r', 'a.b/x__y/z--w/q.r'],
  ['app:A_b.C-1', 'docker.io/library/app', 'A_b.C-1'],
  [`a.b/${'x'.repeat(255)}`, `a.b/${'x'.repeat(255)}`],
];

const BAD: readonly string[] = [
  '',
  ' ',
  'nginx ',
  ' nginx',
  'ng inx',
  'nginx\n',
  'nginx\u0000',
  'nginx\u200d',
  'nginх',
  'ghcr.io/\u202eapp',
  'ｎginx',
  'Nginx',
  'ghcr.io/Org/app',
  'Foo/bar',
  'ghcr.io/org/',
  '/org/app',
  'ghcr.io//app',
  'ghcr.io/',
  '/',
  ':',
  '@',
  ':v1',
  'ghcr.io./org/app',
  'ghcr..io/app',
  '.ghcr.io/app',
  '-ghcr.io/app',
  'ghcr-.io/app',
  'gh_cr.io/app',
  '-app',
  'app-',
  'a___b',
  'a..b',
  'a._b',
  'user@ghcr.io/app',
  'user:pass@ghcr.io/app',
  'ghcr.io/%2e%2e/app',
  'ghcr.io/../app',
  'ghcr.io/./app',
  'https://ghcr.io/app',
  'oci://a/b',
  'xn--ghr-1na.io/app',
  '127.1/app',
  '0x7f.0.0.1/app',
  '0177.0.0.1/app',
  '256.1.1.1/app',
  '1.2.3.4.5/app',
  '2130706433:80/app',
  '1.2.3.0x4/app',
  'ghcr.io:0/app',
  'ghcr.io:00443/app',
  'ghcr.io:65536/app',
  'ghcr.io:/app',
  'ghcr.io:80:80/app',
  'ghcr.io:8a/app',
  '[::1/app',
  '::1/app',
  '[::1]x/app',
  '[fe80::1%25eth0]/app',
  '[::ffff:127.0.0.1]/app',
  '[]/app',
  '[::1]',
  '[:::]/app',
  'app:',
  'app:-v',
  'app:.v',
  'app:a/b',
  `app:${'t'.repeat(129)}`,
  'app:v1:v2',
  'app?x=1',
  'app#x',
  'app\\x',
  "app';",
  'app&b',
  'a+b',
  `app@sha256:${'A'.repeat(64)}`,
  'app@sha256:abc',
  `app@sha256:${'a'.repeat(65)}`,
  `app@md5:${'a'.repeat(32)}`,
  `app@sha384:${'a'.repeat(96)}`,
  `app@SHA256:${HEX}`,
  `app@${D}@${D}`,
  `app@${D}:v1`,
  'app@',
  `@${D}`,
  HEX,
  `a.b/${'x'.repeat(256)}`,
  `a.b/${'x/'.repeat(3000)}x`,
  `${'a'.repeat(64)}.io/app`,
  `${'a.'.repeat(130)}io/app`,
];

describe('parseImageReference', () => {
  for (const [written, name, tag, digest] of GOOD) {
    it(`reads ${written.slice(0, 70)}`, () => {
      const reference = parseImageReference(written);
      assert.deepEqual(
        [reference.written, repositoryName(reference), reference.tag, reference.digest],
        [written, name, tag, digest],
      );
    });
  }
  for (const written of BAD) {
    it(`refuses ${JSON.stringify(written.slice(0, 70))}`, () => {
      assert.throws(() => parseImageReference(written), {
        name: 'VerificationError',
        code: 'REF_INVALID',
      });
    });
  }

  it('leaves absent parts out', () => {
    assert.deepEqual(Object.keys(parseImageReference('nginx')), ['written', 'host', 'repository']);
  });

  it('does not repeat a long reference in its message', () => {
    assert.throws(
      () => parseImageReference(`a.b/${'x'.repeat(4000)}`),
      (thrown: unknown) => thrown instanceof Error && thrown.message.length < 400,
    );
  });

  it('reads its own normalised name back as the same repository, whatever is written', () => {
    const part = fc.stringMatching(/^[a-zA-Z0-9._:[\]@/-]{1,12}$/);
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 4 }), (parts) => {
        let name: string;
        try {
          name = repositoryName(parseImageReference(parts.join('/')));
        } catch {
          return;
        }
        assert.equal(repositoryName(parseImageReference(name)), name);
      }),
      { numRuns: 2000 },
    );
  });

  it('answers a hostile reference in less than 20 ms', () => {
    const hostile = [
      'a-'.repeat(2047),
      `${'-'.repeat(4000)}a`,
      'a/'.repeat(2047),
      `a${'_'.repeat(4000)}`,
      `a.b/${'a-'.repeat(120)}!`,
    ];
    assertSoon(20, () => {
      for (const written of hostile)
        assert.throws(() => parseImageReference(written), { code: 'REF_INVALID' });
    });
  });
});

describe('withDigest', () => {
  it('appends the digest to the string as written', () => {
    const pinned = withDigest(parseImageReference('nginx:1.27'), D);
    assert.deepEqual([pinned.written, pinned.digest, pinned.tag], [`nginx:1.27@${D}`, D, '1.27']);
    assert.equal(parseImageReference(pinned.written).digest, D);
  });
  it('replaces the digest that is there', () => {
    const other = `sha256:${'b'.repeat(64)}` as const;
    assert.equal(
      withDigest(parseImageReference(`GHCR.io/a/b@${D}`), other).written,
      `GHCR.io/a/b@${other}`,
    );
  });
});

describe('digests', () => {
  it('are sha256 or sha512 in lower case and nothing else', () => {
    assert.ok(isDigest(D));
    assert.equal(parseDigest(D), D);
    for (const bad of [
      '',
      HEX,
      `sha256:${HEX}\n`,
      `sha1:${'a'.repeat(40)}`,
      `sha512:${HEX}`,
      `constructor:${HEX}`,
    ]) {
      assert.equal(isDigest(bad), false);
      assert.throws(() => parseDigest(bad), { code: 'REF_INVALID' });
    }
  });
});

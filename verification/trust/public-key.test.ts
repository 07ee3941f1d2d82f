// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, it } from 'mocha';
import fc from 'fast-check';
import { assertSoon, KeyIssuer, type KeyKind } from '../testing/index.ts';
import { parsePublicKeys, trustedKeyOf, verifySignature, type TrustedKey } from './public-key.ts';

const KINDS: readonly KeyKind[] = ['P-256', 'P-384', 'P-521', 'RSA-2048', 'RSA-PSS', 'Ed25519'];
const MESSAGE = Buffer.from('what was signed');
const invalid = (message: RegExp): object => ({
  name: 'VerificationError',
  code: 'POLICY_INVALID',
  message,
});

function only(pem: string): TrustedKey {
  const keys = parsePublicKeys(pem);
  assert.equal(keys.length, 1);
  const [key] = keys;
  assert.ok(key);
  return key;
}

const pemOf = (key: KeyObject): string => key.export({ format: 'pem', type: 'spki' }).toString();
const block = (label: string, body: Buffer | string): string =>
  `-----BEGIN ${label}-----\n${Buffer.from(body).toString('base64')}\n-----END ${label}-----\n`;

/** The SubjectPublicKeyInfo of a P-256 key with its point compressed. */
function compressed(pem: string): Buffer {
  const point = createPublicKey(pem).export({ format: 'der', type: 'spki' }).subarray(-65);
  const parity = ((point[64] ?? 0) & 1) === 1 ? 3 : 2;
  const head = Buffer.from('3039301306072a8648ce3d020106082a8648ce3d030107032200', 'hex');
  return Buffer.concat([head, Buffer.of(parity), point.subarray(1, 33)]);
}

describe('public keys', () => {
  for (const kind of KINDS) {
    it(`of the type ${kind} verify what they signed, and nothing else`, () => {
      const issuer = new KeyIssuer(kind);
      const key = only(issuer.publicKeyPem);
      const signature = issuer.sign(MESSAGE);
      assert.equal(key.fingerprint, issuer.fingerprint);
      assert.equal(verifySignature(key, MESSAGE, signature), true);
      assert.equal(verifySignature(key, Buffer.from('something else'), signature), false);
      assert.equal(verifySignature(key, MESSAGE, new KeyIssuer(kind).sign(MESSAGE)), false);
      assert.equal(verifySignature(key, MESSAGE, Buffer.alloc(0)), false);
    });
  }

  for (const kind of ['P-384', 'P-521'] as const) {
    it(`of the type ${kind} take the hash of the curve and SHA-256, which cosign 2 signs with`, () => {
      const old = new KeyIssuer(kind, 'sha256');
      assert.equal(verifySignature(only(old.publicKeyPem), MESSAGE, old.sign(MESSAGE)), true);
      const odd = new KeyIssuer(kind, 'sha224');
      assert.equal(verifySignature(only(odd.publicKeyPem), MESSAGE, odd.sign(MESSAGE)), false);
    });
  }

  it('X50: take their algorithm from the key and not from the signature', () => {
    const signers = KINDS.map((kind) => new KeyIssuer(kind));
    for (const trusted of signers) {
      for (const other of signers.filter((s) => s !== trusted)) {
        assert.equal(
          verifySignature(only(trusted.publicKeyPem), MESSAGE, other.sign(MESSAGE)),
          false,
        );
      }
    }
    const weak = new KeyIssuer('RSA-2048', 'sha1');
    assert.equal(verifySignature(only(weak.publicKeyPem), MESSAGE, weak.sign(MESSAGE)), false);
  });

  it('X50: take RSA with PSS and SHA-256 where a policy names the key, and nowhere else', () => {
    const issuer = new KeyIssuer('RSA-PSS');
    const named = only(issuer.publicKeyPem);
    const signature = issuer.sign(MESSAGE);
    assert.equal(verifySignature(named, MESSAGE, signature), true);
    assert.equal(verifySignature(named, Buffer.from('something else'), signature), false);
    const certified = trustedKeyOf(createPublicKey(issuer.publicKeyPem), 'CERT_MALFORMED');
    assert.equal(verifySignature(certified, MESSAGE, signature), false);
    const odd = new KeyIssuer('RSA-PSS', 'sha512');
    assert.equal(verifySignature(only(odd.publicKeyPem), MESSAGE, odd.sign(MESSAGE)), false);
  });

  it('do not verify with a hash that the platform lacks', () => {
    const key = only(new KeyIssuer().publicKeyPem);
    assert.equal(
      verifySignature({ ...key, hashes: ['no-such-hash'] }, MESSAGE, Buffer.of(1)),
      false,
    );
  });

  it('never throw, whatever the signature is', () => {
    const keys = KINDS.map((kind) => only(new KeyIssuer(kind).publicKeyPem));
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (junk) => {
        for (const key of keys) assert.equal(verifySignature(key, MESSAGE, junk), false);
      }),
    );
  });
});

describe('parsing public keys', () => {
  it('takes several blocks as a rotation set', () => {
    const set = [new KeyIssuer('P-256'), new KeyIssuer('Ed25519')];
    const keys = parsePublicKeys(set.map((issuer) => issuer.publicKeyPem).join('\n'));
    assert.deepEqual(
      keys.map((k) => k.fingerprint),
      set.map((issuer) => issuer.fingerprint),
    );
  });

  it('reads CRLF line ends', () => {
    const issuer = new KeyIssuer();
    assert.equal(
      only(issuer.publicKeyPem.replaceAll('\n', '\r\n')).fingerprint,
      issuer.fingerprint,
    );
  });

  const pem = new KeyIssuer().publicKeyPem;
  const rsa = (jwk: object): string =>
    pemOf(
      createPublicKey({
        key: {
          ...generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({
            format: 'jwk',
          }),
          ...jwk,
        },
        format: 'jwk',
      }),
    );
  for (const [what, text, message] of [
    ['nothing', '', /holds no PEM block/],
    ['white space', ' \n', /holds no PEM block/],
    ['text before a block', `# release key\n${pem}`, /text that is not a PEM block/],
    [
      'text between blocks',
      `${pem}x\n${new KeyIssuer().publicKeyPem}`,
      /text that is not a PEM block/,
    ],
    ['a block without an end', pem.replace(/-----END.*/, ''), /text that is not a PEM block/],
    ['a block inside a block', pem.replace('\n', `\n${pem}`), /text that is not a PEM block/],
    [
      'a block whose end has another label',
      pem.replace('END PUBLIC', 'END PRIVATE'),
      /text that is not a PEM block/,
    ],
    [
      'a private key',
      generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
      /"PRIVATE KEY"/,
    ],
    [
      'a PKCS#1 key',
      generateKeyPairSync('rsa', { modulusLength: 2048 })
        .publicKey.export({ format: 'pem', type: 'pkcs1' })
        .toString(),
      /"RSA PUBLIC KEY"/,
    ],
    ['a certificate label', block('CERTIFICATE', 'x'), /"CERTIFICATE"/],
    ['a block that holds no key', block('PUBLIC KEY', 'junk'), /cannot be parsed/],
    ['an empty block', block('PUBLIC KEY', ''), /cannot be parsed/],
    [
      'RSA below 2048 bits',
      pemOf(generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey),
      /less than 2048 bits/,
    ],
    ['RSA with the exponent 1', rsa({ e: 'AQ' }), /exponent 1/],
    [
      'RSA-PSS',
      pemOf(generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).publicKey),
      /type rsa-pss/,
    ],
    [
      'secp256k1',
      pemOf(generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey),
      /curve secp256k1/,
    ],
    [
      'P-224',
      pemOf(generateKeyPairSync('ec', { namedCurve: 'secp224r1' }).publicKey),
      /curve secp224r1/,
    ],
    ['Ed448', pemOf(generateKeyPairSync('ed448').publicKey), /type ed448/],
    ['X25519', pemOf(generateKeyPairSync('x25519').publicKey), /type x25519/],
    ['the same key twice', pem + pem, /same key twice/],
    [
      'the same key in another encoding',
      pem + block('PUBLIC KEY', compressed(pem)),
      /same key twice/,
    ],
    [
      'more than 32 keys',
      Array.from({ length: 33 }, () => pemOf(generateKeyPairSync('ed25519').publicKey)).join(''),
      /more than 32 keys/,
    ],
  ] as const) {
    it(`refuses ${what}`, () => assert.throws(() => parsePublicKeys(text), invalid(message)));
  }

  it('gives a key one fingerprint, whatever its encoding', () => {
    const issuer = new KeyIssuer('P-256');
    const key = only(block('PUBLIC KEY', compressed(issuer.publicKeyPem)));
    assert.equal(key.fingerprint, issuer.fingerprint);
    assert.equal(verifySignature(key, MESSAGE, issuer.sign(MESSAGE)), true);
    const { publicKey } = generateKeyPairSync('ec', {
      namedCurve: 'P-384',
      paramEncoding: 'explicit',
    });
    const named = createPublicKey({ key: publicKey.export({ format: 'jwk' }), format: 'jwk' });
    assert.equal(only(pemOf(publicKey)).fingerprint, only(pemOf(named)).fingerprint);
  });

  it('takes time in proportion to the text', () => {
    const text = '-----BEGIN PUBLIC KEY-----\n'.repeat(40_000);
    assertSoon(1000, () =>
      assert.throws(() => parsePublicKeys(text), invalid(/text that is not a PEM block/)),
    );
  });
});

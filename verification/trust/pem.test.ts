// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import {
  assertSoon,
  issueCertificate,
  KeyIssuer,
  TestCertificateAuthority,
} from '../testing/index.ts';
import { certificateAuthoritiesOf, timestampAuthoritiesOf } from './authorities-pem.ts';
import { parseCertificatesPem } from './pem.ts';

const ca = new TestCertificateAuthority();
const other = new TestCertificateAuthority({ name: 'other' });
const malformed = (message: RegExp): object => ({ code: 'CERT_MALFORMED', message });
const invalid = (message: RegExp): object => ({ code: 'POLICY_INVALID', message });
const stamped = ca.issueTimestampLeaf();

describe('PEM certificates', () => {
  it('keep their order', () => {
    const certificates = parseCertificatesPem(ca.pem.replaceAll('\n', '\r\n'));
    assert.deepEqual(
      certificates.map(({ der }) => der),
      ca.chain.map(({ der }) => der),
    );
  });

  for (const [what, pem, message] of [
    ['nothing', '', /no PEM block/],
    ['text around them', `# root\n${ca.pem}`, /not a PEM block/],
    ['a key', new KeyIssuer().publicKeyPem, /"PUBLIC KEY"/],
    [
      'a certificate of OpenSSL',
      ca.pem.replaceAll('CERTIFICATE', 'TRUSTED CERTIFICATE'),
      /TRUSTED/,
    ],
    ['base64 that is not', ca.pem.replace(/\nMI/, '\nM!'), /certificate 1: not standard base64/],
    ['a certificate that is none', ca.pem.replace(/\nMI/, '\nMA'), /certificate 1: /],
    ['more than 32', other.root.pem.repeat(33), /more than 32/],
  ] as const) {
    it(`are refused with ${what}`, () => {
      assert.throws(() => parseCertificatesPem(pem), malformed(message));
      assert.throws(() => parseCertificatesPem(pem, 'POLICY_INVALID'), invalid(message));
    });
  }

  it('take time in proportion to the text', () => {
    const text = '-----BEGIN CERTIFICATE-----\n'.repeat(40_000);
    assertSoon(1000, () =>
      assert.throws(() => parseCertificatesPem(text), malformed(/not a PEM block/)),
    );
  });
});

describe('authorities of PEM', () => {
  it('are one for each root, for ever, with what is below it', () => {
    const authorities = certificateAuthoritiesOf(other.root.pem + ca.pem + other.issuer.pem);
    assert.deepEqual(
      authorities.map(({ chain }) => chain.map(({ der }) => der)),
      [
        [other.issuer.der, other.root.der],
        [ca.issuer.der, ca.root.der],
      ],
    );
    assert.deepEqual(authorities[0]?.validity, { from: -Infinity, until: Infinity });
    assert.equal(authorities[0].id, authorities[0].chain.at(-1)?.fingerprint);
  });

  it('may go down several levels, in any order', () => {
    const low = issueCertificate({ commonName: 'low', isCa: true, issuer: ca.issuer });
    const [authority] = certificateAuthoritiesOf(low.pem + ca.root.pem + ca.issuer.pem);
    assert.equal(authority?.chain.length, 3);
    assert.deepEqual(authority.chain.at(-1)?.der, ca.root.der);
  });

  it('for timestamps are one for each leaf that is named', () => {
    const second = ca.issueTimestampLeaf();
    const authorities = timestampAuthoritiesOf(stamped.pem + second.pem + ca.pem + other.pem);
    assert.deepEqual(
      authorities.map(({ chain }) => chain[0]?.der),
      [stamped.der, second.der, other.issuer.der],
    );
    assert.equal(new Set(authorities.map(({ id }) => id)).size, 2);
  });

  const alone = issueCertificate({ commonName: 'alone' }).pem;
  for (const [what, pem, message] of [
    ['no root', ca.issuer.pem, /no root/],
    ['a certificate of nobody here', other.issuer.pem + ca.pem, /none of its roots/],
    ['a certificate twice', ca.pem + ca.root.pem, /twice/],
    ['a root that is no CA', alone, /not a CA/],
    ['nothing', '', /no PEM block/],
  ] as const) {
    it(`are refused with ${what}`, () => {
      assert.throws(() => certificateAuthoritiesOf(pem), invalid(message));
      assert.throws(() => timestampAuthoritiesOf(pem), invalid(message));
    });
  }

  it('are no leaves', () =>
    assert.throws(() => certificateAuthoritiesOf(stamped.pem + ca.pem), invalid(/not a CA/)));
});

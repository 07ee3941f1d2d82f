// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { VerificationError } from '../error.ts';
import {
  assertSoon,
  type CertificateSpec,
  der,
  issueCertificate,
  TestCertificateAuthority,
  type TestSan,
  tlv,
} from '../testing/index.ts';
import { parseCertificate } from './certificate.ts';
import { isSelfSigned } from './issued-by.ts';
import type { SubjectAltName } from './material.ts';

const ca = new TestCertificateAuthority();
const malformed = (message: RegExp): object => ({
  name: 'VerificationError',
  code: 'CERT_MALFORMED',
  message,
});
const leafOf = (spec: CertificateSpec = {}): Buffer => ca.issueLeaf(spec).der;
const namesOf = (...sans: readonly TestSan[]): readonly SubjectAltName[] =>
  parseCertificate(leafOf({ sans })).subjectAltNames;

/** The certificate with one piece of its bytes replaced; the lengths must stay. */
function replaced(certificate: Buffer, from: Buffer, to: Buffer): Buffer {
  const at = certificate.indexOf(from);
  assert.ok(at >= 0 && from.length === to.length);
  return Buffer.concat([certificate.subarray(0, at), to, certificate.subarray(at + to.length)]);
}

describe('a certificate', () => {
  it('gives what it says', () => {
    const parsed = parseCertificate(
      leafOf({
        sans: [{ type: 'uri', value: 'https://example.com/x' }],
        claims: { 1: 'https://issuer', 8: 'https://issuer' },
        serialNumber: Buffer.of(0x00, 0x81),
      }),
    );
    assert.deepEqual(parsed.subjectAltNames, [{ type: 'uri', value: 'https://example.com/x' }]);
    assert.deepEqual(parsed.extensions.get('1.3.6.1.4.1.57264.1.1'), Buffer.from('https://issuer'));
    assert.deepEqual(parsed.extensions.get('1.3.6.1.4.1.57264.1.8'), der.utf8('https://issuer'));
    assert.deepEqual(parsed.serialNumber, Buffer.of(0x00, 0x81));
    assert.deepEqual(parsed.validity, {
      from: Date.UTC(2025, 5, 1, 12, 0),
      until: Date.UTC(2025, 5, 1, 12, 10),
    });
    assert.deepEqual(parsed.subject, Buffer.from('3000', 'hex'));
    assert.deepEqual(parsed.issuer, ca.issuer.subject);
    assert.deepEqual([...(parsed.keyUsage ?? [])], ['digitalSignature']);
    assert.deepEqual(parsed.extendedKeyUsage, ['1.3.6.1.5.5.7.3.3']);
    assert.equal(parsed.extendedKeyUsageCritical, false);
    assert.equal(parsed.isCa, false);
  });

  it('of a CA says how many may follow', () => {
    const parsed = parseCertificate(ca.issuer.der);
    assert.equal(parsed.isCa, true);
    assert.equal(parsed.pathLength, 0);
    assert.deepEqual([...(parsed.keyUsage ?? [])], ['keyCertSign', 'cRLSign']);
    assert.equal(parsed.extendedKeyUsage, undefined);
  });

  it('is one object for equal bytes, which are its own', () => {
    const bytes = leafOf();
    const copy = Buffer.from(bytes);
    const parsed = parseCertificate(bytes);
    bytes.fill(0);
    assert.equal(parseCertificate(copy), parsed);
    assert.deepEqual(parsed.der, copy);
  });

  for (const kind of ['P-256', 'P-384', 'P-521', 'RSA-2048', 'Ed25519'] as const) {
    it(`may have a key of the type ${kind} and be signed with it`, () => {
      const root = issueCertificate({ commonName: 'root', isCa: true, key: kind });
      assert.equal(isSelfSigned(parseCertificate(root.der)), true);
    });
  }

  it('may be valid beyond 2049', () => {
    const notAfter = Date.UTC(9999, 11, 31, 23, 59, 59);
    assert.equal(parseCertificate(leafOf({ notAfter })).validity.until, notAfter);
    const notBefore = Date.UTC(1999, 0, 1);
    assert.equal(parseCertificate(leafOf({ notBefore })).validity.from, notBefore);
  });

  it('may be a root that is signed with SHA-1: its own signature says nothing', () => {
    const root = issueCertificate({
      commonName: 'old',
      isCa: true,
      key: 'RSA-2048',
      hash: 'sha1',
    });
    assert.equal(isSelfSigned(parseCertificate(root.der)), true);
  });
});

describe('the names of a certificate', () => {
  it('keep their types and their order', () => {
    assert.deepEqual(
      namesOf(
        { type: 'email', value: 'a@example.com' },
        { type: 'dns', value: 'example.com' },
        { type: 'uri', value: 'https://example.com' },
        { type: 'username', value: 'ünal!example.com' },
      ),
      [
        { type: 'email', value: 'a@example.com' },
        { type: 'dns', value: 'example.com' },
        { type: 'uri', value: 'https://example.com' },
        { type: 'username', value: 'ünal!example.com' },
      ],
    );
  });

  it('of a type that no identity may have are told as such', () => {
    const types = namesOf(
      { type: 'ip', value: Buffer.of(127, 0, 0, 1) },
      { type: 'otherName', value: 'x' },
      { type: 'raw', value: tlv(0xa4, der.sequence()) },
    );
    assert.deepEqual(
      types.map(({ type }) => type),
      ['other', 'other', 'other'],
    );
  });

  for (const [what, san] of [
    ['a NUL in an e-mail address', { type: 'email', value: 'a@example.com\0.evil' }],
    ['a NUL in a user name', { type: 'username', value: 'a\0b' }],
    ['a line feed in a URI', { type: 'uri', value: 'https://a\nhttps://b' }],
    ['a byte beyond ASCII', { type: 'uri', value: Buffer.from('https://\xe4', 'latin1') }],
    ['an empty URI', { type: 'uri', value: '' }],
    ['a user name that is not UTF-8', { type: 'username', value: Buffer.of(0x61, 0xff) }],
    ['an unknown choice', { type: 'raw', value: tlv(0x8a, Buffer.of(1)) }],
    ['a constructed URI', { type: 'raw', value: tlv(0xa6, tlv(0x86, Buffer.from('x'))) }],
    [
      'an otherName of two values',
      {
        type: 'raw',
        value: der.explicit(
          0,
          der.oid('1.3.6.1.4.1.57264.1.7'),
          der.explicit(0, der.utf8('good'), der.utf8('evil')),
        ),
      },
    ],
    [
      'a user name of another string type',
      {
        type: 'raw',
        value: der.explicit(
          0,
          der.oid('1.3.6.1.4.1.57264.1.7'),
          der.explicit(0, tlv(0x13, Buffer.from('x'))),
        ),
      },
    ],
  ] as const) {
    it(`X10: are refused with ${what}`, () =>
      assert.throws(() => namesOf(san), malformed(/subjectAltName|cannot be parsed/)));
  }

  it('are refused where the list is empty', () => {
    const extensions = [{ oid: '2.5.29.17', value: der.sequence() }];
    assert.throws(() => parseCertificate(leafOf({ extensions })), malformed(/./));
  });
});

describe('parsing certificates', () => {
  const weak = (spec: CertificateSpec): Buffer =>
    issueCertificate({ commonName: 'weak', isCa: true, ...spec }).der;
  const extension = (oid: string, value: Buffer, critical = false): Buffer =>
    leafOf({ extensions: [{ oid, value, critical }] });
  const rsaPss = (...fields: readonly Buffer[]): Buffer =>
    der.sequence(der.oid('1.2.840.113549.1.1.10'), der.sequence(...fields));

  for (const [row, what, bytes, message] of [
    ['X42: ', 'a v1 certificate', () => leafOf({ version: 0 }), /v3|cannot be parsed/],
    ['X42: ', 'a v2 certificate', () => leafOf({ version: 1 }), /v3|cannot be parsed/],
    ['X42: ', 'a v4 certificate', () => leafOf({ version: 3 }), /v3|cannot be parsed/],
    ['X42: ', 'a signature with SHA-1', () => leafOf({ hash: 'sha1' }), /weak/],
    [
      'X42: ',
      'a signature with SHA-1 over another name',
      () => weak({ hash: 'sha1', issuer: ca.root }),
      /weak/,
    ],
    ['X42: ', 'RSA of 1024 bits', () => weak({ key: 'RSA-1024' }), /less than 2048 bits/],
    ['X42: ', 'a key on P-192', () => weak({ key: 'P-192' }), /curve prime192v1/],
    ['X42: ', 'a key on P-224', () => weak({ key: 'P-224' }), /curve secp224r1/],
    [
      'X42: ',
      'an unknown critical extension',
      () => extension('1.2.3.4', der.null(), true),
      /1\.2\.3\.4: critical/,
    ],
    [
      'X42: ',
      'critical name constraints',
      () => extension('2.5.29.30', der.sequence(), true),
      /constrains names/,
    ],
    [
      'X42: ',
      'name constraints that are not critical',
      () => extension('2.5.29.30', der.sequence()),
      /constrains names/,
    ],
    [
      '',
      'a poisoned precertificate',
      () => extension('1.3.6.1.4.1.11129.2.4.3', der.null(), true),
      /precertificate/,
    ],
    [
      'X44: ',
      'an extension that occurs twice',
      () => extension('2.5.29.37', der.sequence(der.oid('2.5.29.37.0'))),
      /2\.5\.29\.37: occurs twice/,
    ],
    ['', 'an empty serial number', () => leafOf({ serialNumber: Buffer.alloc(0) }), /./],
    [
      '',
      'a negative serial number',
      () => leafOf({ serialNumber: Buffer.of(0x80) }),
      /serialNumber/,
    ],
    ['', 'an endless serial number', () => leafOf({ serialNumber: Buffer.alloc(40, 1) }), /serial/],
    [
      '',
      'an algorithm that is another inside than outside',
      () => leafOf({ innerAlgorithm: der.sequence(der.oid('1.2.840.10045.4.3.2')) }),
      /inside/,
    ],
    [
      '',
      'RSA-PSS without parameters, which means SHA-1',
      () => leafOf({ algorithm: rsaPss() }),
      /SHA-1/,
    ],
    [
      '',
      'RSA-PSS with SHA-1 for its mask',
      () =>
        leafOf({
          algorithm: rsaPss(
            der.explicit(0, der.sequence(der.oid('2.16.840.1.101.3.4.2.1'))),
            der.explicit(
              1,
              der.sequence(der.oid('1.2.840.113549.1.1.8'), der.sequence(der.oid('1.3.14.3.2.26'))),
            ),
          ),
        }),
      /weak/,
    ],
    [
      '',
      'a CA of a negative path length',
      () => extension('2.5.29.19', der.sequence(der.boolean(true), der.integer(Buffer.of(0xff)))),
      /path length|cannot be parsed/,
    ],
    [
      '',
      'a path length of what is no CA',
      () => extension('2.5.29.19', der.sequence(der.integer(1))),
      /path length/,
    ],
    ['', 'a key usage that allows nothing', () => leafOf({ keyUsage: [] }), /./],
    ['', 'an empty extended key usage', () => leafOf({ extendedKeyUsage: [] }), /./],
    [
      '',
      'an extension that is followed by something',
      () => extension('2.5.29.19', Buffer.concat([der.sequence(), der.null()])),
      /./,
    ],
    [
      '',
      'a boolean that is neither true nor false',
      () => extension('2.5.29.19', der.sequence(tlv(0x01, Buffer.of(1)))),
      /./,
    ],
    [
      '',
      'an issuer without a name',
      () => leafOf({ issuer: { ...ca.issuer, subject: der.sequence() } }),
      /issuer/,
    ],
    ['', 'nothing', () => Buffer.alloc(0), /cannot be parsed/],
    ['', 'PEM', () => Buffer.from(ca.root.pem), /not DER/],
    ['', 'more bytes than any certificate has', () => Buffer.alloc(70_000, 0x30), /too large/],
  ] as const) {
    it(`${row}refuses ${what}`, () =>
      assert.throws(() => parseCertificate(bytes()), malformed(message)));
  }

  for (const [what, time] of [
    ['a day that does not exist', '250230120000Z'],
    ['a fraction of a second', '250601120000.5Z'],
    ['a time zone', '250601120000+0100'],
  ] as const) {
    it(`refuses ${what}`, () => {
      const good = leafOf();
      const from = der.time(Date.UTC(2025, 5, 1, 12, 0));
      const to = tlv(0x17, Buffer.from(time));
      const grown = to.length - from.length;
      const bytes = grown === 0 ? replaced(good, from, to) : spliced(good, from, to);
      assert.throws(() => parseCertificate(bytes), malformed(/notBefore/));
    });
  }

  /** Replaces bytes of another length in the validity, and mends the lengths around it. */
  function spliced(certificate: Buffer, from: Buffer, to: Buffer): Buffer {
    const grown = to.length - from.length;
    const at = certificate.indexOf(from);
    const bytes = Buffer.concat([
      certificate.subarray(0, at),
      to,
      certificate.subarray(at + from.length),
    ]);
    for (const length of [2, 6]) bytes.writeUInt16BE(bytes.readUInt16BE(length) + grown, length);
    bytes.writeUInt8(bytes.readUInt8(at - 1) + grown, at - 1);
    return bytes;
  }

  it('A18: refuses bytes after the certificate', () => {
    const good = leafOf();
    for (const rest of [Buffer.of(0), der.null(), good])
      assert.throws(() => parseCertificate(Buffer.concat([good, rest])), malformed(/DER/));
  });

  it('A18: refuses lengths that are not the shortest, or not known', () => {
    const body = leafOf().subarray(4);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(body.length);
    const long = Buffer.concat([Buffer.of(0x30, 0x84), length, body]);
    const indefinite = Buffer.concat([Buffer.of(0x30, 0x80), body, Buffer.of(0, 0)]);
    for (const bytes of [long, indefinite])
      assert.throws(() => parseCertificate(bytes), malformed(/./));
  });

  it('A18: refuses ten thousand nested sequences, fast', () => {
    let nested = der.null();
    for (let i = 0; i < 10_000; i += 1) nested = der.sequence(nested);
    const leaf = leafOf({ extensions: [{ oid: '2.5.29.19', value: nested }] });
    assertSoon(1000, () => {
      assert.throws(() => parseCertificate(nested), malformed(/./));
      assert.throws(() => parseCertificate(leaf), malformed(/./));
    });
  });

  it('A18: takes little time for whatever fits into a certificate', () => {
    const long = Buffer.alloc(30_000, 0x81);
    // Half of these bytes would keep a parser busy for ever that reads into octet strings.
    const units = Array.from({ length: 31 }, (_, i) => Buffer.of(4, 2, 4, (30 - i) * 4));
    const many = Buffer.concat(Array.from({ length: 14_000 }, () => der.octets()));
    let octets = der.octets();
    for (let i = 0; i < 90; i += 1) octets = der.octets(octets, Buffer.alloc(300, 0x04));
    const extensions = [
      [tlv(0x06, long), Buffer.alloc(0)],
      ['1.2.3', many],
      ['1.2.3', octets],
      ['1.2.3', der.sequence(...units)],
      ['2.5.29.15', der.bits(long)],
      ['2.5.29.17', der.sequence(many)],
      ['2.5.29.19', der.sequence(der.boolean(true), der.integer(long))],
      ['2.5.29.37', der.sequence(tlv(0x06, long))],
    ] as const;
    for (const [oid, value] of extensions) {
      const bytes = leafOf({
        keyUsage: null,
        extendedKeyUsage: null,
        extensions: [{ oid, value }],
      });
      assertSoon(200, () => {
        try {
          parseCertificate(bytes);
        } catch (thrown) {
          assert.ok(thrown instanceof VerificationError);
        }
      });
    }
  });

  it('A18: does not take an OID for a known one whose number it is the rest of', () => {
    const oid = `2.5.${(2 ** 32 + 29).toString()}.19`;
    const value = der.sequence(der.boolean(true));
    const parsed = parseCertificate(leafOf({ extensions: [{ oid, value }] }));
    assert.equal(parsed.isCa, false);
    assert.ok(parsed.extensions.has(oid));
  });

  it('lets nothing but its own error out, whatever it is given', () => {
    const good = leafOf({ sans: [{ type: 'email', value: 'a@example.com' }] });
    const attempt = (bytes: Uint8Array): void => {
      try {
        parseCertificate(bytes);
      } catch (thrown) {
        assert.ok(thrown instanceof VerificationError);
        assert.equal(thrown.code, 'CERT_MALFORMED');
      }
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), attempt));
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const bytes = Buffer.from(good);
        bytes.writeUInt8(bytes.readUInt8(at) ^ flip, at);
        attempt(bytes);
        attempt(bytes.subarray(0, at));
      }),
    );
  });
});

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'mocha';
import {
  CODE_SIGNING,
  der,
  pssDer,
  stampAttribute,
  stampHashDer,
  TestCertificateAuthority,
  TestTimestampAuthority,
  TIME_STAMPING,
  type CertificateKeyKind,
  type StampOptions,
} from '../testing/index.ts';
import { timestampAuthoritiesOf } from './authorities-pem.ts';
import { parseCertificate } from './certificate.ts';
import type { CertificateAuthority } from './material.ts';
import { verifyTimestamp, verifyTimestamps, type TrustedTimestamp } from './timestamp.ts';
import { parseTrustedRoot } from './trusted-root.ts';

const SIGNATURE = Buffer.from('a signature');
const AT = Date.UTC(2025, 5, 1, 12, 5);
const HOUR = 3_600_000;
/** Place of the signed attributes in a SignerInfo. */
const ATTRIBUTES = 3;
const tsa = new TestTimestampAuthority();
const other = new TestTimestampAuthority({ name: 'other' });

const verified = (
  token: Buffer,
  authorities: readonly CertificateAuthority[] = [tsa.trusted()],
): TrustedTimestamp => verifyTimestamp(token, { imprints: [SIGNATURE], authorities });
const stamped = (options: StampOptions = {}, by = tsa): Buffer => by.stamp(SIGNATURE, options);
const untrusted = (message = /./): object => ({
  name: 'VerificationError',
  code: 'TIMESTAMP_UNTRUSTED',
  message,
});
const rootOf = (...authorities: readonly object[]): readonly CertificateAuthority[] =>
  parseTrustedRoot(
    JSON.stringify({
      mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
      timestampAuthorities: authorities,
    }),
  ).timestampAuthorities;

describe('a timestamp', () => {
  it('gives its authority and its time', () => {
    const [authority] = rootOf(tsa.trustedRoot());
    assert.ok(authority);
    assert.deepEqual(verified(stamped(), [authority]), { authority: authority.id, time: AT });
    assert.equal(authority.id, tsa.trusted().id);
  });

  it('gives a fraction of a second to the millisecond', () => {
    assert.equal(verified(stamped({ time: AT + 289 })).time, AT + 289);
    assert.equal(verified(stamped({ time: '20250601120500.0019999Z' })).time, AT + 1);
  });

  it('is taken over each of the byte strings that may have been stamped, and over no other', () => {
    const imprints = [Buffer.from('layer'), SIGNATURE];
    const options = { imprints, authorities: [tsa.trusted()] };
    for (const imprint of imprints)
      assert.equal(verifyTimestamp(tsa.stamp(imprint), options).time, AT);
    const message = /not of this signature/;
    assert.throws(() => verifyTimestamp(tsa.stamp(Buffer.alloc(0)), options), untrusted(message));
    const none = { imprints: [], authorities: [tsa.trusted()] };
    assert.throws(() => verifyTimestamp(stamped(), none), untrusted(message));
  });

  for (const imprintHash of ['sha256', 'sha384', 'sha512'] as const)
    it(`is taken with an imprint by ${imprintHash}`, () => {
      assert.equal(verified(stamped({ imprintHash })).time, AT);
    });

  it('is refused with an imprint by SHA-1', () => {
    assert.throws(() => verified(stamped({ imprintHash: 'sha1' })), untrusted(/not supported/));
  });

  it('is verified with the certificate of the trusted root alone, and with one that came along', () => {
    const { certificates } = tsa;
    for (const naming of ['leaf', 'issuers', 'root'] as const)
      assert.equal(verified(stamped({ certificates }), [tsa.trusted({ naming })]).time, AT);
    assert.equal(verified(stamped(), [tsa.trusted()]).time, AT);
    for (const naming of ['issuers', 'root'] as const)
      assert.throws(() => verified(stamped(), [tsa.trusted({ naming })]), untrusted(/nobody/));
  });

  it('is verified against authorities of a PEM text', () => {
    const { certificates } = tsa;
    const withLeaf = timestampAuthoritiesOf(tsa.leaf.pem + tsa.ca.pem);
    const root = timestampAuthoritiesOf(tsa.ca.root.pem);
    assert.equal(verified(stamped(), withLeaf).authority, tsa.trusted().id);
    assert.equal(verified(stamped({ certificates }), root).authority, tsa.trusted().id);
  });

  it('is refused from an unknown authority, with and without its certificates', () => {
    const certificates = [...other.certificates, other.ca.root.der];
    assert.throws(() => verified(stamped({}, other)), untrusted(/nobody/));
    for (const naming of ['leaf', 'issuers', 'root'] as const)
      assert.throws(
        () => verified(stamped({ certificates }, other), [tsa.trusted({ naming })]),
        untrusted(),
      );
    assert.throws(() => verified(stamped(), []), untrusted(/nobody/));
  });
});

describe('the signature of a timestamp', () => {
  const signers = new Map<CertificateKeyKind, TestTimestampAuthority>();
  const signedWith = (key: CertificateKeyKind, options: StampOptions): number => {
    const by = signers.get(key) ?? new TestTimestampAuthority({ key });
    signers.set(key, by);
    return verified(stamped(options, by), [by.trusted()]).time;
  };

  it('is ECDSA over any curve with any SHA-2', () => {
    for (const key of ['P-256', 'P-384', 'P-521'] as const)
      for (const hash of ['sha256', 'sha384', 'sha512'] as const)
        assert.equal(signedWith(key, { hash }), AT);
  });

  it('is RSA under each of its names, or Ed25519', () => {
    for (const hash of ['sha256', 'sha384', 'sha512'] as const) {
      assert.equal(signedWith('RSA-2048', { hash }), AT);
      assert.equal(signedWith('RSA-2048', { hash, rsa: 'rsaEncryption' }), AT);
      assert.equal(signedWith('RSA-2048', { hash, rsa: 'pss' }), AT);
    }
    assert.equal(signedWith('Ed25519', { hash: 'sha512' }), AT);
  });

  it('is refused by SHA-1', () => {
    for (const key of ['P-256', 'RSA-2048'] as const)
      assert.throws(() => signedWith(key, { hash: 'sha1' }), untrusted(/not supported/));
  });

  it('is refused under another algorithm than it was made with', () => {
    const rsa = der.sequence(der.oid('1.2.840.113549.1.1.11'), der.null());
    const longer = der.sequence(der.oid('1.2.840.10045.4.3.3'));
    const unknown = der.sequence(der.oid('1.2.840.10045.4.3.9'));
    assert.throws(() => verified(stamped({ algorithm: rsa })), untrusted(/nobody/));
    assert.throws(() => verified(stamped({ algorithm: longer })), untrusted(/another hash/));
    assert.throws(() => verified(stamped({ algorithm: unknown })), untrusted(/not supported/));
    const pkcs1 = { algorithm: rsa, rsa: 'pss' } as const;
    assert.throws(() => signedWith('RSA-2048', pkcs1), untrusted(/nobody/));
  });

  it('is refused by RSA-PSS with SHA-1 or two hashes', () => {
    const parameters = [
      pssDer('sha1', 'sha256'),
      pssDer('sha256', 'sha1'),
      pssDer('sha384', 'sha256'),
    ];
    const bare = der.sequence(der.oid('1.2.840.113549.1.1.10'), der.sequence());
    for (const algorithm of parameters)
      assert.throws(() => signedWith('RSA-2048', { rsa: 'pss', algorithm }), untrusted());
    assert.throws(() => signedWith('RSA-2048', { rsa: 'pss', algorithm: bare }), {
      code: 'BUNDLE_MALFORMED',
    });
  });

  it('is over the signed attributes as they stand in the token', () => {
    const attributes = (parts: readonly Buffer[]): readonly Buffer[] => parts.toReversed();
    assert.equal(verified(stamped({ edit: { attributes } })).time, AT);
    const flipped = (parts: readonly Buffer[]): readonly Buffer[] =>
      parts.map((part, place) => {
        const copy = Buffer.from(part);
        if (place === ATTRIBUTES) copy[copy.length - 1]! ^= 1;
        return copy;
      });
    const attribute = stampAttribute('1.2.3.4', der.octets(Buffer.from('signed')));
    const withOne = (parts: readonly Buffer[]): readonly Buffer[] => [...parts, attribute];
    assert.equal(verified(stamped({ edit: { attributes: withOne } })).time, AT);
    const edit = { attributes: withOne, signer: flipped };
    assert.throws(() => verified(stamped({ edit })), untrusted(/nobody/));
  });

  it('is refused where the attributes are about another content', () => {
    const good = stamped();
    const withDigest = (content: string): StampOptions => ({
      edit: {
        attributes: ([type, , ...rest]) => [
          type!,
          der.sequence(
            der.oid('1.2.840.113549.1.9.4'),
            der.set(der.octets(createHash('sha256').update(content).digest())),
          ),
          ...rest,
        ],
      },
    });
    assert.throws(() => verified(stamped(withDigest('x'))), untrusted(/another content/));
    const data = der.sequence(
      der.oid('1.2.840.113549.1.9.3'),
      der.set(der.oid('1.2.840.113549.1.7.1')),
    );
    const edit = { attributes: ([, ...rest]: readonly Buffer[]) => [data, ...rest] };
    assert.throws(() => verified(stamped({ edit })), untrusted(/another content/));
    // Time and imprint of another token do not come along with its signature.
    const later = good.toString('latin1').replace('20250601120500Z', '20250601120501Z');
    assert.throws(() => verified(Buffer.from(later, 'latin1')), untrusted(/another content/));
  });
});

describe('the certificate of a timestamp', () => {
  const { certificates } = tsa;
  const sibling = tsa.ca.issueTimestampLeaf();

  it('is found by the identifier of its key too', () => {
    const sid = 'keyIdentifier';
    assert.equal(verified(stamped({ sid })).time, AT);
    const token = stamped({ sid, certificates });
    assert.equal(verified(token, [tsa.trusted({ naming: 'root' })]).time, AT);
  });

  it('is the one that the signed attribute names, in both versions', () => {
    for (const attribute of ['v1', 'v2'] as const) {
      assert.equal(verified(stamped({ attribute })).time, AT);
      const token = stamped({ attribute, attributed: sibling });
      assert.throws(() => verified(token), untrusted(/nobody/));
    }
    assert.equal(verified(stamped({ attributed: null })).time, AT);
  });

  it('is the one that each part of the signed attribute names', () => {
    const { issuer, serialNumber } = parseCertificate(tsa.leaf.der);
    const { issuer: stranger } = parseCertificate(other.leaf.der);
    const right = createHash('sha384').update(tsa.leaf.der).digest();
    const issuerSerial = (name: Buffer, serial: Buffer): Buffer =>
      der.sequence(der.sequence(der.explicit(4, name)), der.integer(serial));
    const named = (digest: Buffer, ...rest: readonly Buffer[]): Buffer =>
      der.sequence(stampHashDer('sha384'), der.octets(digest), ...rest);
    const time = (...ids: readonly Buffer[]): number => {
      const attribute = stampAttribute(
        '1.2.840.113549.1.9.16.2.47',
        der.sequence(der.sequence(...ids)),
      );
      const attributes = (parts: readonly Buffer[]): readonly Buffer[] => [...parts, attribute];
      return verified(stamped({ attributed: null, edit: { attributes } })).time;
    };
    const good = named(right, issuerSerial(issuer, serialNumber));
    const wrong = [
      named(Buffer.alloc(48), issuerSerial(issuer, serialNumber)),
      named(right, issuerSerial(stranger, serialNumber)),
      named(right, issuerSerial(issuer, Buffer.of(1))),
    ];
    assert.equal(time(good), AT);
    assert.equal(time(named(right)), AT);
    assert.equal(time(good, ...wrong), AT);
    for (const id of wrong) assert.throws(() => time(id, good), untrusted(/nobody/));
    assert.throws(() => time(), { code: 'BUNDLE_MALFORMED' });
  });

  it('is the one that the token names, and not another that verifies', () => {
    assert.throws(() => verified(stamped({ named: sibling })), untrusted(/nobody/));
    assert.throws(() => verified(stamped({ named: sibling, certificates })), untrusted());
  });

  it('A30: is the one of the signer, whatever certificates were put into the token', () => {
    // Issued by the same CA, but not for timestamps; the injected one is, and stands first.
    const signer = tsa.ca.issueLeaf();
    const injected = [sibling.der, signer.der, ...certificates];
    for (const naming of ['leaf', 'issuers', 'root'] as const) {
      const authorities = [tsa.trusted({ naming })];
      const bad = stamped({ signer, certificates: injected });
      assert.throws(() => verified(bad, authorities), untrusted());
      const lie = stamped({ signer, named: sibling, attributed: sibling, certificates: injected });
      assert.throws(() => verified(lie, authorities), untrusted(/nobody/));
      const foreign = stamped({ signer: other.leaf, certificates: [...injected, other.leaf.der] });
      assert.throws(() => verified(foreign, authorities), untrusted());
    }
    // What was injected into a good token changes nothing.
    const good = stamped({
      certificates: [other.leaf.der, Buffer.from('3000', 'hex'), ...injected],
    });
    assert.equal(verified(good).time, AT);
    assert.equal(verified(good, [tsa.trusted({ naming: 'root' })]).time, AT);
  });

  it('A30: is for timestamps alone, and critically so', () => {
    const usages = [
      { extendedKeyUsage: [CODE_SIGNING] },
      { extendedKeyUsage: [TIME_STAMPING, CODE_SIGNING] },
      { extendedKeyUsage: ['2.5.29.37.0'] },
      { extendedKeyUsage: null },
      { extendedKeyUsageCritical: false },
      { isCa: true, extendedKeyUsage: [TIME_STAMPING] },
    ];
    for (const leafSpec of usages) {
      const by = new TestTimestampAuthority({ ca: tsa.ca, leafSpec });
      for (const naming of ['leaf', 'root'] as const) {
        const token = stamped({ certificates: by.certificates }, by);
        assert.throws(
          () => verified(token, [by.trusted({ naming })]),
          untrusted(/not for|of a CA/),
        );
      }
    }
  });

  it('is valid at the time of the token, to the second, and so are those above it', () => {
    const leafSpec = { notBefore: AT, notAfter: AT + HOUR };
    const by = new TestTimestampAuthority({ leafSpec });
    const at = (time: number): number => verified(stamped({ time }, by), [by.trusted()]).time;
    for (const time of [AT, AT + HOUR]) assert.equal(at(time), time);
    for (const time of [AT - 1, AT + HOUR + 1])
      assert.throws(() => at(time), untrusted(/not valid at a time/));
    const ca = new TestCertificateAuthority({ intermediateSpec: { notAfter: AT - HOUR } });
    const late = new TestTimestampAuthority({ ca });
    assert.throws(
      () => verified(stamped({}, late), [late.trusted()]),
      untrusted(/CA in the chain/),
    );
  });
});

describe('the authority of a timestamp', () => {
  it('A29: vouches for what lies in its own window, both ends inside', () => {
    const validity = { from: AT - HOUR, until: AT };
    assert.equal(verified(stamped(), [tsa.trusted({ validity })]).time, AT);
    const retired = { from: AT - HOUR, until: AT - 1000 };
    const early = { from: AT + 1000, until: AT + HOUR };
    for (const outside of [retired, early])
      assert.throws(
        () => verified(stamped(), [tsa.trusted({ validity: outside })]),
        untrusted(/not trusted for a time/),
      );
  });

  it('A29: is not served by the window of another, even below the same root', () => {
    const certificates = [...tsa.certificates, ...other.certificates];
    const retired = tsa.trusted({ validity: { from: 0, until: AT - HOUR } });
    const successor = new TestTimestampAuthority({ ca: tsa.ca });
    const renewed = new TestTimestampAuthority({
      ca: new TestCertificateAuthority({ name: 'renewed' }),
    });
    for (const open of [other, renewed, successor])
      for (const naming of ['leaf', 'issuers', 'root'] as const)
        assert.throws(
          () => verified(stamped({ certificates }), [open.trusted({ naming }), retired]),
          untrusted(/not trusted for a time/),
        );
  });

  it('A29: that names CAs is not served by those of another below the same root', () => {
    const flat = new TestCertificateAuthority({ name: 'shared', intermediate: false });
    const direct = new TestTimestampAuthority({ name: 'direct', ca: flat });
    const branch = new TestCertificateAuthority({
      name: 'branch',
      intermediateSpec: { issuer: flat.root },
    });
    const below = new TestTimestampAuthority({ ca: branch });
    const [leaf, intermediate] = below.trusted().chain;
    const root = direct.trusted().chain.at(-1)!;
    const named = { ...direct.trusted(), chain: [intermediate!, root] };
    assert.equal(leaf?.isCa, false);
    const inside = stamped({ certificates: below.certificates }, below);
    assert.equal(verified(inside, [named]).time, AT);
    const sibling = new TestCertificateAuthority({
      name: 'sibling',
      intermediateSpec: { issuer: flat.root },
    });
    for (const by of [direct, new TestTimestampAuthority({ ca: sibling })]) {
      const outside = stamped({ certificates: by.certificates }, by);
      assert.throws(() => verified(outside, [named]), untrusted(/names CAs/));
      assert.equal(verified(outside, [{ ...named, chain: [root] }]).time, AT);
    }
  });

  it('A29: never counts with an empty chain', () => {
    const empty = { ...tsa.trusted(), chain: [] };
    for (const certificates of [[], tsa.certificates])
      assert.throws(() => verified(stamped({ certificates }), [empty]), untrusted());
    const token = stamped({ certificates: tsa.certificates });
    assert.equal(verified(token, [empty, tsa.trusted()]).authority, tsa.trusted().id);
  });
});

describe('many timestamps', () => {
  const options = { imprints: [SIGNATURE], authorities: [tsa.trusted(), other.trusted()] };
  const codesOf = (tokens: readonly Buffer[]): readonly string[] =>
    verifyTimestamps(tokens, options).refused.map(({ code }) => code);

  it('A25: give every verified time, in their order', () => {
    const tokens = [stamped({ time: AT + HOUR }), stamped({}, other), stamped({ time: AT - HOUR })];
    const { times, refused } = verifyTimestamps(tokens, options);
    assert.deepEqual(times, [AT + HOUR, AT, AT - HOUR]);
    assert.deepEqual(refused, []);
  });

  it('A11: of one authority count once', () => {
    const again = [stamped(), stamped({ time: AT + 1000 }), stamped()];
    const { authorities, times } = verifyTimestamps(again, options);
    assert.deepEqual([...authorities], [tsa.trusted().id]);
    assert.equal(times.length, 3);
    const both = verifyTimestamps([...again, stamped({}, other)], options);
    assert.equal(both.authorities.size, 2);
  });

  it('A11: of two signers below one root count once', () => {
    const second = new TestTimestampAuthority({ ca: tsa.ca });
    const { authorities, times } = verifyTimestamps([stamped(), stamped({}, second)], {
      imprints: [SIGNATURE],
      authorities: [tsa.trusted(), second.trusted()],
    });
    assert.equal(authorities.size, 1);
    assert.equal(times.length, 2);
  });

  it('are not spoilt by those that are refused', () => {
    const strange = new TestTimestampAuthority({ name: 'strange' });
    const tokens = [Buffer.from('x'), stamped({}, strange), stamped(), Buffer.alloc(70_000)];
    const { times, authorities } = verifyTimestamps(tokens, options);
    assert.deepEqual(times, [AT]);
    assert.equal(authorities.size, 1);
    assert.deepEqual(codesOf(tokens), [
      'BUNDLE_MALFORMED',
      'TIMESTAMP_UNTRUSTED',
      'LIMIT_EXCEEDED',
    ]);
  });

  it('give nothing where there is none', () => {
    const { times, authorities, refused } = verifyTimestamps([], options);
    assert.deepEqual([times.length, authorities.size, refused.length], [0, 0, 0]);
  });

  it('A10: are 16 at most', () => {
    const token = stamped();
    const tokens = Array.from({ length: 16 }, () => token);
    assert.equal(verifyTimestamps(tokens, options).times.length, 16);
    assert.throws(() => verifyTimestamps([...tokens, token], options), {
      name: 'VerificationError',
      code: 'LIMIT_EXCEEDED',
    });
  });
});

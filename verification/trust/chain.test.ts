// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { VerificationError } from '../error.ts';
import {
  assertSoon,
  type CertificateSpec,
  CODE_SIGNING,
  generateCertificateKey,
  issueCertificate,
  LEAF_VALIDITY,
  type TestCertificate,
  TestCertificateAuthority,
  TIME_STAMPING,
} from '../testing/index.ts';
import { parseCertificate } from './certificate.ts';
import { verifyChain, type ChainOptions, type VerifiedChain } from './chain.ts';
import { isIssuedBy, isSelfSigned } from './issued-by.ts';
import type { Certificate, CertificateAuthority, Validity } from './material.ts';

const ANY_USAGE = '2.5.29.37.0';
const { notBefore: START, notAfter: END } = LEAF_VALIDITY;
const ALWAYS: Validity = { from: -Infinity, until: Infinity };
const ca = new TestCertificateAuthority();
const parsed = ({ der }: TestCertificate): Certificate => parseCertificate(der);

function authorityOf(
  chain: readonly TestCertificate[],
  validity: Validity = ALWAYS,
): CertificateAuthority {
  const certificates = chain.map(parsed);
  return { id: certificates.at(-1)?.fingerprint ?? '', name: 'CA', chain: certificates, validity };
}

function verified(leaf: TestCertificate, options: Partial<ChainOptions> = {}): VerifiedChain {
  return verifyChain(parsed(leaf), {
    untrusted: [],
    authorities: [authorityOf(ca.chain)],
    usage: 'codeSigning',
    times: [START],
    ...options,
  });
}

const refused = (code: string, message = /./): object => ({
  name: 'VerificationError',
  code,
  message,
});
const timestampLeaf = (spec: CertificateSpec = {}): TestCertificate => ca.issueTimestampLeaf(spec);

describe('a chain', () => {
  it('leads from the leaf to the root of its authority', () => {
    const leaf = ca.issueLeaf();
    const authorities = [
      authorityOf(new TestCertificateAuthority({ name: 'other' }).chain),
      authorityOf(ca.chain),
    ];
    const { authority, path } = verified(leaf, { authorities });
    assert.equal(authority, authorities[1]);
    assert.deepEqual(path, [leaf, ...ca.chain].map(parsed));
  });

  it('may be of a root alone', () => {
    const small = new TestCertificateAuthority({ intermediate: false });
    const { path } = verified(small.issueLeaf(), { authorities: [authorityOf(small.chain)] });
    assert.equal(path.length, 2);
  });

  it('may take its intermediates from what came with the leaf', () => {
    const authorities = [authorityOf([ca.root])];
    assert.throws(
      () => verified(ca.issueLeaf(), { authorities }),
      refused('CERT_CHAIN_INVALID', /no path/),
    );
    const { path } = verified(ca.issueLeaf(), { authorities, untrusted: [parsed(ca.issuer)] });
    assert.deepEqual(path.slice(1), ca.chain.map(parsed));
  });

  it('X45: holds at the first and the last moment of everything', () => {
    const authorities = [authorityOf(ca.chain, { from: START, until: END })];
    assert.ok(verified(ca.issueLeaf(), { times: [START, END], authorities }));
    const exact = new TestCertificateAuthority({
      rootSpec: LEAF_VALIDITY,
      intermediateSpec: LEAF_VALIDITY,
    });
    const own = [authorityOf(exact.chain, { from: START, until: END })];
    assert.ok(verified(exact.issueLeaf(), { times: [START, END], authorities: own }));
  });

  it('A20: does not hold a moment before or after the leaf', () => {
    for (const time of [START - 1, END + 1, END + 1000, Number.NaN])
      assert.throws(
        () => verified(ca.issueLeaf(), { times: [START, time] }),
        refused('CERT_EXPIRED_AT_SIGNING'),
      );
  });

  it('A7: does not hold where a certificate above the leaf was not valid at every time', () => {
    const spec = { notAfter: START + 60_000 };
    for (const options of [{ intermediateSpec: spec }, { rootSpec: spec }]) {
      const short = new TestCertificateAuthority(options);
      const authorities = [authorityOf(short.chain)];
      assert.ok(verified(short.issueLeaf(), { authorities, times: [START, START + 60_000] }));
      assert.throws(
        () => verified(short.issueLeaf(), { authorities, times: [START, START + 60_001] }),
        refused('CERT_CHAIN_INVALID', /not valid/),
      );
    }
  });

  it('A19: takes the window of the authority at the trusted time, whatever the leaf says', () => {
    const closed = authorityOf(ca.chain, { from: -Infinity, until: START - 1 });
    const open = authorityOf(ca.chain, { from: START, until: START + 1 });
    const leaf = ca.issueLeaf({ notBefore: START - 60_000 });
    assert.throws(
      () => verified(leaf, { authorities: [closed] }),
      refused('CERT_CHAIN_INVALID', /not trusted for a time/),
    );
    assert.equal(verified(leaf, { authorities: [closed, open] }).authority, open);
    assert.throws(
      () => verified(leaf, { authorities: [open, closed], times: [START, START - 1] }),
      refused('CERT_CHAIN_INVALID'),
    );
  });

  it('X43: needs a time', () => {
    assert.throws(() => verified(ca.issueLeaf(), { times: [] }), refused('TIMESTAMP_MISSING'));
  });

  it('needs an authority', () => {
    assert.throws(
      () => verified(ca.issueLeaf(), { authorities: [] }),
      refused('CERT_CHAIN_INVALID'),
    );
    assert.throws(
      () => verified(ca.issueLeaf(), { authorities: [authorityOf([])] }),
      refused('CERT_CHAIN_INVALID'),
    );
  });

  it('reports the path that got furthest', () => {
    const old = authorityOf(ca.chain, { from: 0, until: 1 });
    const other = authorityOf(new TestCertificateAuthority({ name: 'other' }).chain);
    for (const authorities of [
      [old, other],
      [other, old],
    ])
      assert.throws(
        () => verified(ca.issueLeaf(), { authorities }),
        refused('CERT_CHAIN_INVALID', /not trusted for a time/),
      );
  });
});

describe('a leaf', () => {
  for (const [what, spec] of [
    ['without an extended key usage', { extendedKeyUsage: null }],
    ['for any usage', { extendedKeyUsage: [ANY_USAGE] }],
    ['for timestamps', { extendedKeyUsage: [TIME_STAMPING] }],
    [
      'that is a CA',
      { isCa: true, extendedKeyUsage: [CODE_SIGNING], keyUsage: ['digitalSignature'] },
    ],
    ['whose key is not for signatures', { keyUsage: ['keyEncipherment'] }],
  ] as const) {
    it(`X42: ${what} does not sign code`, () =>
      assert.throws(() => verified(ca.issueLeaf(spec)), refused('CERT_USAGE')));
  }

  it('X42: that is signed by itself does not sign code, trusted or not', () => {
    const own = issueCertificate({ commonName: 'own' });
    assert.throws(
      () => verified(own, { authorities: [authorityOf([own])], untrusted: [parsed(own)] }),
      refused('CERT_USAGE', /by itself/),
    );
  });

  it('may be for other things too', () => {
    assert.ok(verified(ca.issueLeaf({ extendedKeyUsage: [TIME_STAMPING, CODE_SIGNING] })));
    assert.ok(verified(ca.issueLeaf({ keyUsage: null })));
  });

  it('for timestamps must be for nothing else, and say so critically', () => {
    const usage = 'timeStamping';
    assert.ok(verified(timestampLeaf(), { usage }));
    for (const spec of [
      { extendedKeyUsageCritical: false },
      { extendedKeyUsage: [TIME_STAMPING, CODE_SIGNING] },
      { extendedKeyUsage: [CODE_SIGNING] },
      { extendedKeyUsage: [ANY_USAGE] },
      { extendedKeyUsage: null },
    ])
      assert.throws(() => verified(timestampLeaf(spec), { usage }), refused('CERT_USAGE'));
  });

  it('that an authority names is the only one that it vouches for, and issues nothing', () => {
    const leaf = timestampLeaf();
    const authorities = [authorityOf([leaf, ...ca.chain])];
    const usage = 'timeStamping';
    assert.ok(verified(leaf, { usage, authorities }));
    assert.throws(
      () => verified(timestampLeaf(), { usage, authorities }),
      refused('CERT_CHAIN_INVALID', /another certificate/),
    );
  });
});

describe('the issuers of a chain', () => {
  const chainInvalid = (message: RegExp): object => refused('CERT_CHAIN_INVALID', message);

  it('X42: are CAs', () => {
    const fake = ca.issueLeaf({
      commonName: 'fake',
      keyUsage: ['digitalSignature', 'keyCertSign'],
    });
    const leaf = issueCertificate({ issuer: fake });
    assert.throws(() => verified(leaf, { untrusted: [parsed(fake)] }), chainInvalid(/not a CA/));
    assert.throws(
      () => verified(leaf, { authorities: [authorityOf([ca.issuer, fake, ca.root])] }),
      chainInvalid(/not a CA/),
    );
  });

  for (const [what, spec, message] of [
    ['may sign certificates', { keyUsage: ['cRLSign'] }, /may not sign certificates/],
    ['allow the usage', { extendedKeyUsage: [TIME_STAMPING] }, /for codeSigning/],
  ] as const) {
    it(`X42: ${what}`, () => {
      const bad = new TestCertificateAuthority({ intermediateSpec: spec });
      assert.throws(
        () => verified(bad.issueLeaf(), { authorities: [authorityOf(bad.chain)] }),
        chainInvalid(message),
      );
      const worse = new TestCertificateAuthority({ rootSpec: spec });
      assert.throws(
        () => verified(worse.issueLeaf(), { authorities: [authorityOf(worse.chain)] }),
        chainInvalid(message),
      );
    });
  }

  it('may allow the usage by name or any', () => {
    for (const purpose of [CODE_SIGNING, ANY_USAGE]) {
      const good = new TestCertificateAuthority({
        intermediateSpec: { extendedKeyUsage: [purpose], keyUsage: null },
      });
      assert.ok(verified(good.issueLeaf(), { authorities: [authorityOf(good.chain)] }));
    }
  });

  it('X42: have no more of them below than they may', () => {
    const below = issueCertificate({ commonName: 'below', isCa: true, issuer: ca.issuer });
    const leaf = issueCertificate({ issuer: below });
    assert.throws(
      () => verified(leaf, { untrusted: [parsed(below)] }),
      chainInvalid(/more CAs below/),
    );
    const deep = new TestCertificateAuthority({ intermediateSpec: { pathLength: 1 } });
    const under = issueCertificate({ commonName: 'under', isCa: true, issuer: deep.issuer });
    assert.ok(
      verified(issueCertificate({ issuer: under }), {
        authorities: [authorityOf(deep.chain)],
        untrusted: [parsed(under)],
      }),
    );
  });

  it('X42: are never trusted for being sent along', () => {
    const evil = new TestCertificateAuthority({ name: 'test' });
    assert.throws(
      () => verified(evil.issueLeaf(), { untrusted: evil.chain.map(parsed) }),
      chainInvalid(/no path/),
    );
    assert.throws(
      () => verified(evil.issueLeaf(), { untrusted: evil.chain.map(parsed), authorities: [] }),
      chainInvalid(/no trusted authority/),
    );
  });

  it('have the name and the key, not one of them', () => {
    const twin = new TestCertificateAuthority();
    const leaf = twin.issueLeaf({ keyIdentifiers: false });
    assert.throws(() => verified(leaf), chainInvalid(/no path/));
    const renamed = ca.issueLeaf({ issuer: { ...ca.issuer, subject: twin.root.subject } });
    assert.throws(() => verified(renamed), chainInvalid(/no path/));
  });

  it('are found among certificates of the same name', () => {
    const twins = Array.from({ length: 5 }, () => new TestCertificateAuthority());
    const authorities = [authorityOf(ca.chain)];
    const untrusted = twins.map(({ issuer }) => parsed(issuer));
    const leaf = ca.issueLeaf({ keyIdentifiers: false });
    assert.ok(verified(leaf, { authorities, untrusted }));
    const all = authorityOf([...twins.map(({ issuer }) => issuer), ...ca.chain]);
    assert.ok(verified(leaf, { authorities: [all] }));
  });

  it('X42: that sign each other in circles are no way to a root, and take no time', () => {
    const names = ['a', 'b'];
    const keys = names.map(() => generateCertificateKey('P-256'));
    const of = (at: number, length: number): TestCertificate =>
      issueCertificate({
        commonName: names[at] ?? '',
        isCa: true,
        key: keys[at] ?? 'P-256',
        pathLength: length,
        issuer: issueCertificate({
          commonName: names[1 - at] ?? '',
          isCa: true,
          key: keys[1 - at] ?? 'P-256',
        }),
      });
    const circle = [0, 1, 0, 1, 0, 1, 0, 1, 0, 1].map((at, i) => of(at, 100 + i));
    const [first] = circle;
    assert.ok(first);
    const leaf = issueCertificate({ issuer: first });
    const untrusted = circle.map(parsed);
    assertSoon(1000, () =>
      assert.throws(() => verified(leaf, { untrusted }), chainInvalid(/no path/)),
    );
  });

  it('X42: that all have one name are looked at for a bounded time', () => {
    const cas = [
      issueCertificate({
        commonName: 'one',
        isCa: true,
        issuer: ca.issueLeaf({ commonName: 'x' }),
      }),
    ];
    while (cas.length < 10) {
      const issuer = cas.at(-1);
      assert.ok(issuer);
      const spec = { commonName: 'one', isCa: true, keyIdentifiers: false } as const;
      cas.push(issueCertificate({ ...spec, issuer, key: 'P-521' }));
    }
    const last = cas.at(-1);
    assert.ok(last);
    const leaf = issueCertificate({ issuer: last, keyIdentifiers: false });
    const untrusted = cas.map(parsed);
    assertSoon(1000, () =>
      assert.throws(() => verified(leaf, { untrusted }), chainInvalid(/no path/)),
    );
  });

  it('end where a path is too long', () => {
    const root = issueCertificate({ commonName: 'ca 0', isCa: true });
    const path = [root];
    for (let at = 1; at <= 12; at += 1)
      path.unshift(
        issueCertificate({
          commonName: `ca ${at.toString()}`,
          isCa: true,
          ...(path[0] === undefined ? {} : { issuer: path[0] }),
        }),
      );
    const from = (at: number): (() => VerifiedChain) => {
      const [issuer, ...above] = path.slice(at);
      assert.ok(issuer);
      return () =>
        verified(issueCertificate({ issuer }), { authorities: [authorityOf([issuer, ...above])] });
    };
    assert.equal(from(4)().path.length, 10);
    assert.throws(from(3), chainInvalid(/no path/));
  });
});

describe('being issued by', () => {
  it('is a matter of name, key identifier and signature', () => {
    const leaf = ca.issueLeaf();
    assert.equal(isIssuedBy(parsed(leaf), parsed(ca.issuer)), true);
    assert.equal(isIssuedBy(parsed(leaf), parsed(ca.root)), false);
    assert.equal(isIssuedBy(parsed(ca.issuer), parsed(ca.root)), true);
    const twin = issueCertificate({ commonName: 'test intermediate', isCa: true, key: ca.issuer });
    assert.equal(isIssuedBy(parsed(leaf), parsed(twin)), true, 'the same name and key');
    const stranger = { ...generateCertificateKey('P-384'), subject: ca.issuer.subject };
    const signed = issueCertificate({ issuer: { ...ca.issuer, ...stranger } });
    assert.equal(isIssuedBy(parsed(signed), parsed(ca.issuer)), false);
  });

  it('does not survive the change of any byte', () => {
    const leaf = ca.issueLeaf({ sans: [{ type: 'email', value: 'a@example.com' }] });
    const issuer = parsed(ca.issuer);
    for (let at = 0; at < leaf.der.length; at += 1) {
      for (const flip of [0x01, 0x20, 0x80]) {
        const bytes = Buffer.from(leaf.der);
        bytes.writeUInt8(bytes.readUInt8(at) ^ flip, at);
        assert.equal(issuedOrRefused(bytes, issuer), false, `byte ${at.toString()}`);
      }
    }
  });

  function issuedOrRefused(bytes: Buffer, issuer: Certificate): boolean {
    try {
      return isIssuedBy(parseCertificate(bytes), issuer);
    } catch (thrown) {
      assert.ok(thrown instanceof VerificationError);
      return false;
    }
  }

  it('oneself is being self-signed', () => {
    assert.equal(isSelfSigned(parsed(ca.root)), true);
    assert.equal(isSelfSigned(parsed(ca.issuer)), false);
    const claimed = issueCertificate({ commonName: 'test root', issuer: ca.root });
    assert.equal(isSelfSigned(parsed(claimed)), false, 'the name alone');
  });

  it('X42: does not hold for a signature with SHA-1', () => {
    const key = generateCertificateKey('RSA-2048');
    const old = issueCertificate({ commonName: 'old', isCa: true, key, hash: 'sha1' });
    const twin = issueCertificate({ commonName: 'old', isCa: true, key });
    assert.equal(isIssuedBy(parsed(old), parsed(twin)), false);
    assert.equal(isIssuedBy(parsed(twin), parsed(old)), true);
  });

  it('is asked once: the signature is what costs', () => {
    const leaf = parsed(ca.issueLeaf());
    const issuer = parsed(ca.issuer);
    isIssuedBy(leaf, issuer);
    assertSoon(500, () => {
      for (let i = 0; i < 10_000; i += 1) isIssuedBy(leaf, issuer);
    });
  });
});

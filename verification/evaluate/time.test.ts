// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { RawSignature } from '../ports.ts';
import type { Verdict } from '../result.ts';
import {
  bundleEvidence,
  CA_VALIDITY,
  keylessAuthority,
  KeyIssuer,
  layerEvidence,
  LEAF_VALIDITY,
  TestCertificateAuthority,
  TestLog,
  TestSigstore,
  type AuthorityInput,
  type SigningOptions,
} from '../testing/index.ts';
import { assertRejected, assertVerified, IMAGE, judge, NOW } from './__fixtures__/judge.ts';

const SECOND = 1000;
const DAY = 86_400 * SECOND;
/** When logs and timestamp authorities of tests say that a signature was made. */
const SIGNED = LEAF_VALIDITY.notBefore + 300 * SECOND;
const sigstore = new TestSigstore();
const root = sigstore.trustedRoot();
const release = keylessAuthority(root);
const iso = (time: number): string => new Date(time).toISOString();

function bundle(options: SigningOptions = {}): RawSignature {
  return bundleEvidence(sigstore.bundle(IMAGE, options));
}

function keyless(options: SigningOptions, now = NOW): Verdict {
  return judge([bundle(options)], { by: [release], now });
}

describe('the time of a keyless signature', () => {
  const seconds = (time: number): number => time / SECOND;

  it('A20: is within the validity of its certificate, both ends inside', () => {
    for (const time of [LEAF_VALIDITY.notBefore, LEAF_VALIDITY.notAfter]) {
      assertVerified(keyless({ logs: [{ time: seconds(time) }] }));
      assertVerified(keyless({ logs: [{ log: 'v2' }], timestamps: [{ time }] }));
    }
    for (const time of [LEAF_VALIDITY.notBefore - SECOND, LEAF_VALIDITY.notAfter + SECOND]) {
      assertRejected(keyless({ logs: [{ time: seconds(time) }] }), 'CERT_EXPIRED_AT_SIGNING');
      assertRejected(
        keyless({ logs: [{ log: 'v2' }], timestamps: [{ time }] }),
        'CERT_EXPIRED_AT_SIGNING',
      );
      const layer = layerEvidence(sigstore.layer(IMAGE, { logs: [{ time: seconds(time) }] }));
      assertRejected(judge([layer], { by: [release] }), 'CERT_EXPIRED_AT_SIGNING');
    }
  });

  it('A23, A25: is within it by all who are trusted to know', () => {
    const late = LEAF_VALIDITY.notAfter + SECOND;
    const [, second] = sigstore.stampers;
    for (const timestamps of [
      [{}, { authority: second, time: late }],
      [{ authority: second, time: late }, {}],
      [{ time: LEAF_VALIDITY.notBefore - SECOND }],
    ])
      assertRejected(keyless({ timestamps }), 'CERT_EXPIRED_AT_SIGNING');
    assertRejected(keyless({ logs: [{}, { time: seconds(late) }] }), 'CERT_EXPIRED_AT_SIGNING');
  });

  it('A40, X43: is said by somebody: an entry of Rekor v2 says none', () => {
    assertRejected(keyless({ logs: [{ log: 'v2' }] }), 'TIMESTAMP_MISSING');
    // Not even while the certificate is valid.
    assertRejected(keyless({ logs: [{ log: 'v2' }] }, SIGNED), 'TIMESTAMP_MISSING');
  });

  it('X43: is not said by a stranger', () => {
    const stranger = new TestSigstore();
    const timestamps = [{ authority: stranger.stampers[0] }];
    assertRejected(keyless({ logs: [{ log: 'v2' }], timestamps }), 'TIMESTAMP_UNTRUSTED');
    assertVerified(keyless({ timestamps }));
  });

  it('is said of this signature, and of no other bytes', () => {
    const timestamps = [{ over: () => Buffer.from('something else') }];
    const verdict = keyless({ logs: [{ log: 'v2' }], timestamps });
    assert.equal(verdict.outcome, 'rejected');
  });

  it('A26: is not in the future, not by a second', () => {
    assertVerified(keyless({}, SIGNED));
    assertRejected(keyless({}, SIGNED - SECOND), 'TIMESTAMP_UNTRUSTED', /in the future/);
    assertRejected(
      keyless({ timestamps: [{ time: SIGNED + SECOND }] }, SIGNED),
      'TIMESTAMP_UNTRUSTED',
    );
  });

  it('A7: is within the validity of every certificate up to the root', () => {
    for (const [rootUntil, intermediateUntil] of [
      [CA_VALIDITY.notAfter, SIGNED - SECOND],
      [SIGNED - SECOND, CA_VALIDITY.notAfter],
    ] as const) {
      const ca = new TestCertificateAuthority({
        name: 'old',
        rootSpec: { notAfter: rootUntil },
        intermediateSpec: { notAfter: intermediateUntil },
      });
      const text = sigstore.trustedRoot({ certificateAuthorities: [ca.trustedRoot()] });
      const verdict = judge([bundle({ leaf: { issuer: ca.issuer } })], {
        by: [keylessAuthority(text)],
      });
      assertRejected(verdict, 'CERT_CHAIN_INVALID');
    }
  });

  it('A19, A29: is within the time in which CA and timestamp authority are trusted', () => {
    const until = iso(SIGNED - SECOND);
    const retiredCa = sigstore.trustedRoot({
      certificateAuthorities: [sigstore.ca.trustedRoot({ end: until })],
    });
    assertRejected(judge([bundle()], { by: [keylessAuthority(retiredCa)] }), 'CERT_CHAIN_INVALID');
    const [first, second] = sigstore.stampers;
    const retiredTsa = sigstore.trustedRoot({
      timestampAuthorities: [first.trustedRoot({ end: until }), second.trustedRoot()],
    });
    const signature = bundle({ logs: [{ log: 'v2' }], timestamps: [{}] });
    const by = [keylessAuthority(retiredTsa)];
    assertRejected(judge([signature], { by }), 'TIMESTAMP_UNTRUSTED');
    const seconded = bundle({ logs: [{ log: 'v2' }], timestamps: [{ authority: second }] });
    assertVerified(judge([seconded], { by }));
  });

  it('X45: is within the time in which the key of its log was used, both ends inside', () => {
    for (const [from, until, good] of [
      [SIGNED, SIGNED, true],
      [SIGNED + SECOND, SIGNED + DAY, false],
      [SIGNED - DAY, SIGNED - SECOND, false],
    ] as const) {
      for (const version of [1, 2] as const) {
        const log = new TestLog({ version, validity: { from, until } });
        const by = [keylessAuthority(sigstore.trustedRoot({ tlogs: [log.rootMember()] }))];
        const verdict = judge([bundle({ logs: [{ log }], timestamps: [{}] })], { by });
        if (good) assertVerified(verdict);
        else assertRejected(verdict, 'TLOG_KEY_UNTRUSTED');
      }
    }
  });
});

describe('the window of a key', () => {
  const issuer = new KeyIssuer();
  const windowed = (
    window: { readonly validFrom?: string; readonly validUntil?: string },
    trustRoot?: NonNullable<AuthorityInput['key']>['trustRoot'],
  ): AuthorityInput => ({
    name: 'key',
    key: {
      material: { inline: issuer.publicKeyPem },
      ...window,
      ...(trustRoot === undefined ? {} : { transparencyLog: 'Require' as const, trustRoot }),
    },
  });
  const logged = { material: { inline: root } };
  const stamped = { ...logged, thresholds: { logEntries: 0, timestamps: 1 } };

  it('is judged by the present where nobody vouches for a time', () => {
    const signature = bundle({ signer: issuer, logs: [] });
    const window = { validFrom: iso(NOW - DAY), validUntil: iso(NOW + DAY) };
    const judged = (now: number): Verdict => judge([signature], { by: [windowed(window)], now });
    for (const now of [NOW - DAY, NOW, NOW + DAY]) assertVerified(judged(now));
    for (const now of [NOW - DAY - 1, NOW + DAY + 1]) assertRejected(judged(now), 'KEY_EXPIRED');
  });

  it('is judged by the present where the times that came along are not asked for', () => {
    const signature = bundle({ signer: issuer, timestamps: [{}] });
    const past = windowed({ validUntil: iso(NOW - SECOND) });
    assertRejected(judge([signature], { by: [past] }), 'KEY_EXPIRED');
  });

  it('A13: is judged by the times of logs and timestamp authorities where they are asked for', () => {
    const judged = (trustRoot: typeof stamped | typeof logged, from: number, until: number) =>
      judge([bundle({ signer: issuer, timestamps: [{}] })], {
        by: [windowed({ validFrom: iso(from), validUntil: iso(until) }, trustRoot)],
      });
    for (const trustRoot of [logged, stamped]) {
      // The present is long past the end.
      assertVerified(judged(trustRoot, SIGNED - SECOND, SIGNED));
      assertVerified(judged(trustRoot, SIGNED, SIGNED + SECOND));
      assertRejected(judged(trustRoot, SIGNED - DAY, SIGNED - SECOND), 'KEY_EXPIRED');
      assertRejected(judged(trustRoot, SIGNED + SECOND, NOW + DAY), 'KEY_EXPIRED');
    }
  });

  it('A13: is judged by every one of several times', () => {
    const late = SIGNED + DAY;
    const signature = bundle({ signer: issuer, timestamps: [{ time: late }] });
    const until = windowed({ validUntil: iso(late - SECOND) }, logged);
    assertRejected(judge([signature], { by: [until] }), 'KEY_EXPIRED');
  });

  it('A40: is judged by the present where a log is asked for that says no time', () => {
    const signature = bundle({ signer: issuer, logs: [{ log: 'v2' }] });
    const by = [windowed({ validUntil: iso(NOW) }, logged)];
    assertVerified(judge([signature], { by }));
    assertRejected(judge([signature], { by, now: NOW + 1 }), 'KEY_EXPIRED');
  });

  it('needs what it asks of logs and timestamp authorities', () => {
    const bare = bundle({ signer: issuer, logs: [] });
    assertRejected(judge([bare], { by: [windowed({}, logged)] }), 'TLOG_MISSING');
    assertRejected(judge([bare], { by: [windowed({}, stamped)] }), 'TIMESTAMP_MISSING');
  });
});

describe("a certificate of a PKI of one's own", () => {
  const pki = new TestCertificateAuthority({ name: 'pki' });
  const [stamper] = sigstore.stampers;
  const from = SIGNED - DAY;
  const until = SIGNED + DAY;
  const signer = pki.issueLeaf({
    sans: [{ type: 'email', value: 'release@acme.example' }],
    notBefore: from,
    notAfter: until,
  });
  const stampPem = [stamper.leaf, ...stamper.ca.chain].map(({ pem }) => pem).join('');
  const spec = (trustedTime: 'Timestamp' | 'Now', roots = pki.pem): AuthorityInput => ({
    name: 'pki',
    certificate: {
      roots: { inline: roots },
      subject: 'release@acme.example',
      trustedTime,
      ...(trustedTime === 'Now' ? {} : { timestampRoots: { inline: stampPem } }),
    },
  });
  const now = { by: [spec('Now')] };
  const stampedBy = { by: [spec('Timestamp')] };

  it('counts at present where the policy says so, and neither earlier nor later', () => {
    const signatures = [bundle({ signer, logs: [] })];
    for (const at of [from, SIGNED, until]) assertVerified(judge(signatures, { ...now, now: at }));
    for (const at of [from - 1, until + 1])
      assertRejected(judge(signatures, { ...now, now: at }), 'CERT_EXPIRED_AT_SIGNING');
  });

  it('A7: counts only while every certificate up to the root is valid', () => {
    const short = new TestCertificateAuthority({
      name: 'short',
      intermediateSpec: { notAfter: SIGNED },
    });
    const leaf = short.issueLeaf({
      sans: [{ type: 'email', value: 'release@acme.example' }],
      notBefore: from,
      notAfter: until,
    });
    const signatures = [bundle({ signer: leaf, logs: [] })];
    const by = [spec('Now', short.pem)];
    assertVerified(judge(signatures, { by, now: SIGNED }));
    assertRejected(judge(signatures, { by, now: SIGNED + 1 }), 'CERT_EXPIRED_AT_SIGNING');
  });

  it('counts for ever by a timestamp that was made while it was valid', () => {
    const signatures = [bundle({ signer, logs: [], timestamps: [{}] })];
    assertVerified(judge(signatures, { ...stampedBy, now: NOW + 365 * DAY }));
    const bare = [bundle({ signer, logs: [] })];
    assertRejected(judge(bare, { ...stampedBy, now: SIGNED }), 'TIMESTAMP_MISSING');
    for (const time of [from - SECOND, until + SECOND]) {
      const untimely = [bundle({ signer, logs: [], timestamps: [{ time }] })];
      assertRejected(judge(untimely, stampedBy), 'CERT_EXPIRED_AT_SIGNING');
    }
  });

  it('A29: does not count by the timestamp of an authority that is not named', () => {
    const timestamps = [{ authority: sigstore.stampers[1] }];
    const signatures = [bundle({ signer, logs: [], timestamps })];
    assertRejected(judge(signatures, stampedBy), 'TIMESTAMP_UNTRUSTED');
  });

  it('is refused for somebody else, and where another PKI issued it', () => {
    const sans = [{ type: 'email', value: 'intern@acme.example' }] as const;
    const validity = { notBefore: from, notAfter: until };
    const somebody = pki.issueLeaf({ sans, ...validity });
    const at = { ...now, now: SIGNED };
    assertRejected(judge([bundle({ signer: somebody, logs: [] })], at), 'IDENTITY_MISMATCH');
    const foreign = new TestCertificateAuthority({ name: 'pki' }).issueLeaf({
      sans: [{ type: 'email', value: 'release@acme.example' }],
      ...validity,
    });
    assertRejected(judge([bundle({ signer: foreign, logs: [] })], at), 'CERT_CHAIN_INVALID');
  });

  it('signs layers of .sig images as well', () => {
    const stampedLayer = layerEvidence(
      sigstore.layer(IMAGE, { signer, logs: [], timestamps: [{}] }),
    );
    assertVerified(judge([stampedLayer], stampedBy));
  });
});

describe('the age of an attestation', () => {
  const predicateType = 'https://example.com/scan/v1';
  const aged = { predicateType, maxAge: '24h' };
  const judged = (options: SigningOptions, now: number): Verdict =>
    judge([bundle({ predicateType, ...options })], { by: [release], attestation: aged, now });

  it('is counted from its trusted time, and both ends are inside', () => {
    assertVerified(judged({}, SIGNED + DAY));
    assertRejected(judged({}, SIGNED + DAY + 1), 'ATTESTATION_STALE', /young enough until/);
  });

  it('is counted from the earliest of several: stamping it anew makes it no younger', () => {
    const late = { time: SIGNED + 200 * SECOND };
    for (const timestamps of [[late], [late, { authority: sigstore.stampers[1] }]]) {
      assertVerified(judged({ timestamps }, SIGNED + DAY));
      assertRejected(judged({ timestamps }, SIGNED + DAY + 1), 'ATTESTATION_STALE');
    }
  });

  it('is too old where nobody vouches for a time', () => {
    const issuer = new KeyIssuer();
    const by = [{ name: 'key', key: { material: { inline: issuer.publicKeyPem } } }];
    const signature = bundle({ predicateType, signer: issuer, logs: [] });
    const asked = { by, attestation: aged, now: SIGNED };
    assertRejected(judge([signature], asked), 'ATTESTATION_STALE', /nobody vouches/);
    assertVerified(judge([signature], { ...asked, attestation: { predicateType } }));
  });

  it('tells until when a verdict holds', () => {
    const verdict = judged({}, SIGNED);
    assert.ok(verdict.outcome === 'verified');
    assert.equal(verdict.results[0].holdsUntil, SIGNED + DAY);
  });
});

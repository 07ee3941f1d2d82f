// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { RawSignature } from '../ports.ts';
import type { ReasonCode } from '../reasons.ts';
import {
  assertSoon,
  bundleEvidence,
  type BundleShape,
  type CertificateSpec,
  keylessAuthority,
  layerEvidence,
  type SigningOptions,
  TestCertificateAuthority,
  TestCtLog,
  type TestIdentity,
  TestLog,
  TestSigstore,
  WORKFLOW,
} from '../testing/index.ts';
import { assertRejected, assertVerified, IMAGE, judge, OTHER } from './__fixtures__/judge.ts';

const sigstore = new TestSigstore();
const root = sigstore.trustedRoot();
const release = keylessAuthority(root);
/** No log knows the signature; a timestamp authority does. */
const stampedOnly = keylessAuthority(root, {
  thresholds: { logEntries: 0, scts: 1, timestamps: 1 },
});

function bundle(options: SigningOptions & BundleShape = {}, image = IMAGE): RawSignature {
  return bundleEvidence(sigstore.bundle(image, options));
}

function layer(options: SigningOptions = {}, image = IMAGE): RawSignature {
  return layerEvidence(sigstore.layer(image, options));
}

describe('a keyless signature', () => {
  for (const version of ['0.1', '0.2', '0.3'] as const) {
    for (const kind of ['dsse', 'message'] as const) {
      it(`in a bundle v${version} of the content ${kind} is verified`, () => {
        const verdict = judge([bundle({ version, kind })], { by: [release] });
        assertVerified(verdict);
        assert.ok(verdict.outcome === 'verified');
        assert.deepEqual(verdict.results[0].signers, [
          { authority: 'release', identity: WORKFLOW.subject, issuer: WORKFLOW.issuer },
        ]);
      });

      if (version !== '0.1')
        it(`in a bundle v${version} of the content ${kind} is verified by Rekor v2 and a timestamp`, () => {
          const options = { version, kind, logs: [{ log: 'v2' }], timestamps: [{}] } as const;
          assertVerified(judge([bundle(options)], { by: [release] }));
        });
    }
  }

  it('in a layer of a .sig image is verified by the promise of a log, or by a timestamp', () => {
    assertVerified(judge([layer()], { by: [release] }));
    const stamped = layer({ logs: [], timestamps: [{}] });
    assertVerified(judge([stamped], { by: [stampedOnly] }));
    assertRejected(judge([stamped], { by: [release] }), 'TLOG_MISSING');
    assertRejected(judge([layer()], { by: [stampedOnly] }), 'TIMESTAMP_MISSING');
  });

  it('as GitHub makes it for private repositories, without logs, is verified by a timestamp', () => {
    const thresholds = { logEntries: 0, scts: 0, timestamps: 1 };
    const own = sigstore.trustedRoot({ tlogs: [], ctlogs: [] });
    for (const text of [own, root]) {
      const by = [keylessAuthority(text, { thresholds })];
      assertVerified(judge([bundle({ logs: [], scts: [], timestamps: [{}] })], { by }));
      assertRejected(judge([bundle({ logs: [], scts: [] })], { by }), 'TIMESTAMP_MISSING');
    }
  });

  it('may bring its intermediate, but no root', () => {
    const named = sigstore.trustedRoot({
      certificateAuthorities: [
        {
          ...sigstore.ca.trustedRoot(),
          certChain: {
            certificates: [{ rawBytes: sigstore.ca.root.der.toString('base64') }],
          },
        },
      ],
    });
    const [intermediate] = sigstore.ca.chain;
    const by = [keylessAuthority(named)];
    const chain = [intermediate!];
    assertVerified(judge([bundle({ version: '0.2', chain })], { by }));
    assertRejected(judge([bundle()], { by }), 'CERT_CHAIN_INVALID');
    const whole = bundle({ version: '0.2', chain: sigstore.ca.chain });
    assertRejected(judge([whole], { by }), 'CERT_CHAIN_INVALID', /brings a root/);
  });

  it('A22: over another image is refused in every format', () => {
    for (const signature of [
      bundle({}, OTHER),
      bundle({ kind: 'message' }, OTHER),
      layer({}, OTHER),
    ])
      assertRejected(judge([signature], { by: [release] }), 'SUBJECT_MISMATCH');
  });

  it('A31: of a log with another key than the trusted one is refused, and nobody is asked for it', () => {
    const { origin } = sigstore.logs.v1.trusted;
    const log = new TestLog({ version: 1, origin });
    for (const signature of [bundle({ logs: [{ log }] }), layer({ logs: [{ log }] })])
      assertRejected(judge([signature], { by: [release] }), 'TLOG_KEY_UNTRUSTED');
  });

  it('X44: needs the SCT of a log that is trusted', () => {
    const judged = (options: SigningOptions): ReturnType<typeof judge> =>
      judge([bundle(options)], { by: [release] });
    assertRejected(judged({ scts: [] }), 'SCT_MISSING');
    assertRejected(judged({ scts: [new TestCtLog()] }), 'SCT_INVALID');
    const [log] = sigstore.ctLogs;
    const editTbs = (tbs: Buffer): Buffer => Buffer.concat([tbs, Buffer.of(0)]);
    assertRejected(judged({ leaf: { sctsOf: log.scts({ editTbs }) } }), 'SCT_INVALID');
    assertVerified(judged({ scts: [new TestCtLog(), log] }));
  });
});

describe('the certificate of a keyless signature', () => {
  const stranger = new TestCertificateAuthority({ name: 'fulcio' });
  const otherLeaf = sigstore.certificate({ leaf: { commonName: 'leaf' } });
  const cases: readonly (readonly [string, ReasonCode, CertificateSpec])[] = [
    ['of a stranger who calls itself alike', 'CERT_CHAIN_INVALID', { issuer: stranger.issuer }],
    ['signed by another leaf', 'CERT_CHAIN_INVALID', { issuer: otherLeaf }],
    ['without the usage', 'CERT_USAGE', { extendedKeyUsage: null }],
    ['for any usage', 'CERT_USAGE', { extendedKeyUsage: ['2.5.29.37.0'] }],
    ['for another usage', 'CERT_USAGE', { extendedKeyUsage: ['1.3.6.1.5.5.7.3.8'] }],
    ['whose key is not for signatures', 'CERT_USAGE', { keyUsage: ['keyEncipherment'] }],
    ['of a CA', 'CERT_USAGE', { isCa: true, extendedKeyUsage: ['1.3.6.1.5.5.7.3.3'] }],
    ['of an old version', 'CERT_MALFORMED', { version: 0 }],
    ['signed with SHA-1', 'CERT_MALFORMED', { hash: 'sha1' }],
    ['with a short RSA key', 'CERT_MALFORMED', { key: 'RSA-1024' }],
    ['with a small curve', 'CERT_MALFORMED', { key: 'P-192' }],
    [
      'with a critical extension that nobody knows',
      'CERT_MALFORMED',
      { extensions: [{ oid: '1.3.6.1.4.1.99999.2', critical: true, value: Buffer.of(5, 0) }] },
    ],
  ];
  for (const [what, code, leaf] of cases) {
    it(`X42: ${what} is refused`, () => {
      for (const signature of [
        bundle({ leaf }),
        bundle({ kind: 'message', leaf }),
        layer({ leaf }),
      ])
        assertRejected(judge([signature], { by: [release] }), code);
    });
  }

  for (const key of ['P-384', 'P-521', 'RSA-2048', 'Ed25519'] as const) {
    it(`may hold a key of the type ${key}`, () =>
      assertVerified(judge([bundle({ leaf: { key } })], { by: [release] })));
  }

  it('A2: is no substitute for the identity that is wanted', () => {
    const identity: TestIdentity = { sans: [{ type: 'email', value: 'mallory@example.com' }] };
    for (const signature of [bundle({ identity }), layer({ identity })])
      assertRejected(judge([signature], { by: [release] }), 'IDENTITY_MISMATCH', /mallory/);
  });

  const { subject } = WORKFLOW;
  const cased = subject.replace('acme', 'Acme');
  const sans: readonly (readonly [string, TestIdentity['sans']])[] = [
    ['with another case', [{ type: 'uri', value: cased }]],
    ['with an escaped letter', [{ type: 'uri', value: subject.replace('acme', '%61cme') }]],
    ['with dots in its path', [{ type: 'uri', value: subject.replace('/app/', '/x/../app/') }]],
    ['with a slash behind it', [{ type: 'uri', value: `${subject}/` }]],
    ['with a query', [{ type: 'uri', value: `${subject}?x` }]],
    ['with a fragment', [{ type: 'uri', value: `${subject}#x` }]],
    ['that goes on', [{ type: 'uri', value: `${subject}-2` }]],
    ['with something in front', [{ type: 'uri', value: `https://evil.example/?${subject}` }]],
    ['of a type that is no identity', [{ type: 'otherName', value: subject }]],
    [
      'twice',
      [
        { type: 'uri', value: subject },
        { type: 'uri', value: subject },
      ],
    ],
    [
      'beside another one',
      [
        { type: 'email', value: 'a@example.com' },
        { type: 'uri', value: subject },
      ],
    ],
    ['left out', []],
  ];
  for (const [what, names] of sans) {
    it(`X10: with its subject ${what} is for somebody else`, () => {
      const signature = bundle({ identity: { sans: names ?? [] } });
      assertRejected(judge([signature], { by: [release] }), 'IDENTITY_MISMATCH');
    });
  }

  it('B39: with an empty subject is for nobody, and refused', () => {
    const signature = bundle({ identity: { sans: [{ type: 'uri', value: '' }] } });
    const by = [keylessAuthority(root, { subjectPattern: '.*' })];
    const verdict = judge([signature], { by });
    assert.equal(verdict.outcome, 'rejected');
  });

  it('X11: names one issuer, by either extension, and not two', () => {
    const judged = (identity: TestIdentity): ReturnType<typeof judge> =>
      judge([bundle({ identity })], { by: [release] });
    const { issuer } = WORKFLOW;
    assertVerified(judged({ issuer: null, claims: { 1: issuer } }));
    assertVerified(judged({ claims: { 1: issuer } }));
    assertRejected(judged({ issuer: null }), 'IDENTITY_MISMATCH', /does not name the issuer/);
    const other = 'https://accounts.example';
    assertRejected(judged({ claims: { 1: other } }), 'IDENTITY_MISMATCH', /two different/);
    assertRejected(
      judged({ issuer: other, claims: { 1: issuer } }),
      'IDENTITY_MISMATCH',
      /two different/,
    );
    assertRejected(judged({ issuer: `${issuer}/` }), 'IDENTITY_MISMATCH');
  });

  it('X12, A36: carries every claim that is wanted', () => {
    const wanted = {
      sourceRepositoryURI: 'https://github.com/acme/app',
      sourceRepositoryRef: 'refs/heads/main',
      githubWorkflowTrigger: 'push',
    };
    const good = { 2: 'push', 12: wanted.sourceRepositoryURI, 14: wanted.sourceRepositoryRef };
    const judged = (claims: Readonly<Record<number, string>>): ReturnType<typeof judge> =>
      judge([bundle({ identity: { claims } })], {
        by: [keylessAuthority(root, { claims: wanted })],
      });
    assertVerified(judged({ ...good, 13: 'abc' }));
    for (const claims of [
      { ...good, 12: 'https://github.com/mallory/app' },
      { ...good, 14: 'refs/pull/1/merge' },
      { ...good, 14: 'refs/tags/main' },
      { ...good, 2: 'pull_request' },
      { 12: good[12], 14: good[14] },
      {},
    ])
      assertRejected(judged(claims), 'IDENTITY_MISMATCH', /claim/);
  });

  it('X9, A42: matches a pattern as a whole or not at all', () => {
    const subjectPattern = 'https://github\\.com/acme/app/.+@refs/heads/(?:main|release)';
    const by = [keylessAuthority(root, { subjectPattern })];
    const judged = (value: string): ReturnType<typeof judge> =>
      judge([bundle({ identity: { sans: [{ type: 'uri', value }] } })], { by });
    assertVerified(judged(subject));
    for (const value of [
      `https://evil.example/?${subject}`,
      `${subject}-evil`,
      subject.replace('github.com', 'githubXcom'),
    ])
      assertRejected(judged(value), 'IDENTITY_MISMATCH');
    for (const value of [`${subject}\nhttps://evil.example`, `x\n${subject}`, `${subject}\0`])
      assertRejected(judged(value), 'CERT_MALFORMED');
  });

  it('X9: is for nobody where its subject is very long, and soon', () => {
    const by = [keylessAuthority(root, { subjectPattern: '(?:a+)+' })];
    const value = `${'a'.repeat(16 * 1024)}!`;
    const signature = bundle({ identity: { sans: [{ type: 'uri', value }] } });
    assertSoon(500, () => assertRejected(judge([signature], { by }), 'IDENTITY_MISMATCH'));
  });
});

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { RawSignature } from '../ports.ts';
import {
  assertSoon,
  type AuthorityInput,
  bundleEvidence,
  bundleMember,
  type BundleShape,
  editJson,
  KeyIssuer,
  keylessAuthority,
  sctList,
  type SigningOptions,
  TestCertificateAuthority,
  TestCtLog,
  TestLog,
  TestSigstore,
  TestTimestampAuthority,
} from '../testing/index.ts';
import { assertRejected, assertVerified, IMAGE, judge } from './__fixtures__/judge.ts';

const sigstore = new TestSigstore();
const root = sigstore.trustedRoot();
const bundle = (options: SigningOptions & BundleShape = {}): RawSignature =>
  bundleEvidence(sigstore.bundle(IMAGE, options));

interface Counts {
  readonly logEntries?: number;
  readonly scts?: number;
  readonly timestamps?: number;
}
const wanting = (counts: Counts, text = root): { readonly by: readonly AuthorityInput[] } => ({
  by: [
    keylessAuthority(text, { thresholds: { logEntries: 1, scts: 1, timestamps: 0, ...counts } }),
  ],
});

describe('A11: how many vouch for a signature', () => {
  const [first, second] = sigstore.stampers;

  it('is counted by logs, not by their entries', () => {
    const two = wanting({ logEntries: 2 });
    assertVerified(judge([bundle({ logs: [{}, { log: 'v2' }] })], two));
    assertRejected(judge([bundle()], two), 'THRESHOLD_NOT_MET', /1 of 2 needed transparency logs/);
    assertRejected(judge([bundle({ logs: [{}, {}] })], two), 'THRESHOLD_NOT_MET');
    assertRejected(judge([bundle({ logs: [{}, {}, {}] })], two), 'THRESHOLD_NOT_MET');
  });

  it('A12: is not more because an entry is repeated in another writing', () => {
    const two = wanting({ logEntries: 2 });
    const json = JSON.parse(sigstore.bundle(IMAGE).toString()) as {
      verificationMaterial: { tlogEntries: [Record<string, unknown>] };
    };
    const [entry] = json.verificationMaterial.tlogEntries;
    const bytes = Buffer.from(JSON.stringify(json));
    const path = 'verificationMaterial.tlogEntries';
    const twice = editJson(bytes, { [path]: [entry, entry] });
    assertRejected(judge([bundleEvidence(twice)], two), 'THRESHOLD_NOT_MET');
    const padded = { ...entry, logIndex: `0${String(entry['logIndex'])}` };
    const written = editJson(bytes, { [path]: [entry, padded] });
    assertRejected(judge([bundleEvidence(written)], two), 'BUNDLE_MALFORMED');
  });

  it('A12: is not more because an entry claims to be of another log', () => {
    const proofOnly = { log: 'v2', without: ['promise'] } as const;
    const options = { logs: [proofOnly, proofOnly], timestamps: [{}] };
    const logId = sigstore.logs.v1.trusted.logId.toString('base64');
    const edit = { 'verificationMaterial.tlogEntries.1.logId.keyId': logId };
    const signature = bundle({ ...options, edit });
    assertRejected(judge([signature], wanting({ logEntries: 2 })), 'TLOG_PROOF_INVALID');
    const unknown = { 'verificationMaterial.tlogEntries.1.logId.keyId': 'AAAA' };
    const strange = bundle({ ...options, edit: unknown });
    assertRejected(judge([strange], wanting({ logEntries: 2 })), 'THRESHOLD_NOT_MET');
    assertVerified(judge([strange], wanting({ logEntries: 1 })));
  });

  it('is counted by timestamp authorities, not by their tokens', () => {
    const two = wanting({ timestamps: 2 });
    assertVerified(judge([bundle({ timestamps: [{}, { authority: second }] })], two));
    const later = { authority: first, time: Date.UTC(2025, 5, 1, 12, 6) };
    assertRejected(judge([bundle({ timestamps: [{}, later] })], two), 'THRESHOLD_NOT_MET');
    assertRejected(judge([bundle({ timestamps: [{}] })], two), 'THRESHOLD_NOT_MET');
    assertRejected(judge([bundle()], two), 'TIMESTAMP_MISSING');
    const stranger = new TestTimestampAuthority({ name: 'tsa-two' });
    const foreign = bundle({ timestamps: [{}, { authority: stranger }] });
    assertRejected(judge([foreign], two), 'THRESHOLD_NOT_MET');
  });

  it('is counted by certificate logs, not by SCTs', () => {
    const two = wanting({ scts: 2 });
    const [one, other] = sigstore.ctLogs;
    assertVerified(judge([bundle({ scts: [one, other] })], two));
    assertRejected(judge([bundle({ scts: [one] })], two), 'THRESHOLD_NOT_MET');
    assertRejected(judge([bundle({ scts: [one, one] })], two), 'THRESHOLD_NOT_MET');
    assertRejected(judge([bundle({ scts: [one, new TestCtLog()] })], two), 'THRESHOLD_NOT_MET');
    const later = { time: Date.UTC(2025, 5, 1, 12, 1) };
    const sctsOf = (tbs: Buffer, spki: Buffer): Buffer =>
      sctList([one.sct(tbs, spki), one.sct(tbs, spki, later)]);
    assertRejected(judge([bundle({ leaf: { sctsOf } })], two), 'THRESHOLD_NOT_MET');
  });

  it('is one where a log or authority stands twice in the trusted root', () => {
    const log = new TestLog({ version: 1 });
    const member = log.rootMember();
    for (const parts of [
      { tlogs: [member, { ...member, baseUrl: 'https://other.example' }] },
      { timestampAuthorities: [first.trustedRoot(), { ...first.trustedRoot(), uri: 'https://x' }] },
    ]) {
      const [name] = Object.keys(parts);
      const counts = name === 'tlogs' ? { logEntries: 2 } : { timestamps: 2 };
      assert.throws(() => judge([bundle()], wanting(counts, sigstore.trustedRoot(parts))), {
        code: 'POLICY_INVALID',
      });
    }
  });

  it('A10: is not counted of very many', () => {
    const entry = bundleMember(
      sigstore.logs.v1.enter(
        {
          content: { kind: 'message', message: IMAGE.bytes, signature: Buffer.of(0) },
          material: { kind: 'key' },
          entries: [],
          timestamps: [],
        },
        new KeyIssuer().publicKeyPem,
      ),
    );
    const entries = Array.from({ length: 10_000 }, () => entry);
    const many = editJson(sigstore.bundle(IMAGE), {
      'verificationMaterial.tlogEntries': entries.slice(0, 300),
    });
    assertRejected(judge([bundleEvidence(many)], wanting({})), 'LIMIT_EXCEEDED');
    const stamp = { signedTimestamp: first.stamp(IMAGE.bytes).toString('base64') };
    const stamped = editJson(sigstore.bundle(IMAGE), {
      'verificationMaterial.timestampVerificationData.rfc3161Timestamps': Array.from(
        { length: 500 },
        () => stamp,
      ),
    });
    assertSoon(2000, () =>
      assertRejected(judge([bundleEvidence(stamped)], wanting({})), 'LIMIT_EXCEEDED'),
    );
  });
});

describe('how many signed', () => {
  const other = 'https://github.com/acme/app/.github/workflows/review.yml@refs/heads/main';
  const review = keylessAuthority(root, { name: 'review', subject: other });
  const release = keylessAuthority(root);
  const anyone = keylessAuthority(root, {
    name: 'anyone',
    subjectPattern: 'https://github\\.com/acme/.*',
  });
  const reviewed = bundle({ identity: { sans: [{ type: 'uri', value: other }] } });

  it('is counted by distinct identities: one whom two authorities accept counts once', () => {
    const setting = { by: [release, anyone], threshold: 2 };
    assertRejected(judge([bundle()], setting), 'THRESHOLD_NOT_MET');
    assertRejected(judge([bundle(), bundle()], setting), 'THRESHOLD_NOT_MET');
    assertVerified(judge([bundle(), reviewed], setting));
    assertVerified(judge([reviewed, bundle()], { by: [anyone, release], threshold: 2 }));
  });

  it('is counted by issuer and subject together', () => {
    const elsewhere = 'https://accounts.example';
    const google = keylessAuthority(root, { name: 'elsewhere', issuer: elsewhere });
    const setting = { by: [release, google], threshold: 2 };
    assertVerified(judge([bundle(), bundle({ identity: { issuer: elsewhere } })], setting));
  });

  it('may be of different kinds', () => {
    const issuer = new KeyIssuer();
    const key = { name: 'key', key: { material: { inline: issuer.publicKeyPem } } };
    const pki = new TestCertificateAuthority({ name: 'pki' });
    const sans = [{ type: 'email', value: 'release@acme.example' }] as const;
    const signer = pki.issueLeaf({ sans, notAfter: Date.UTC(2030, 0, 1) });
    const own: AuthorityInput = {
      name: 'pki',
      certificate: {
        roots: { inline: pki.pem },
        subject: 'release@acme.example',
        trustedTime: 'Now',
      },
    };
    const setting = { by: [release, review, key, own], threshold: 4 };
    const signatures = [
      bundle(),
      reviewed,
      bundle({ signer: issuer, logs: [] }),
      bundle({ signer, logs: [] }),
    ];
    assertVerified(judge(signatures, setting));
    for (const missing of signatures) {
      const some = signatures.filter((signature) => signature !== missing);
      assertRejected(judge(some, setting), 'THRESHOLD_NOT_MET', /3 of 4/);
    }
  });

  it('B23: needs identity and annotations of one and the same signature', () => {
    const annotations = { stage: 'release' };
    const setting = { by: [release], annotations };
    const stranger = { identity: { sans: [{ type: 'uri', value: other }] } } as const;
    const good = bundle({ annotations });
    assertVerified(judge([good], setting));
    const mixed = [bundle(), bundle({ ...stranger, annotations })];
    for (const order of [mixed, mixed.toReversed()])
      assertRejected(judge(order, setting), 'ANNOTATION_MISMATCH');
    assertRejected(
      judge([bundle({ annotations: { stage: 'test' } })], setting),
      'ANNOTATION_MISMATCH',
    );
  });

  it('X41: is not less for what else there is', () => {
    const junk = [
      bundle({ logs: [] }),
      bundle({ scts: [] }),
      bundle({ identity: { issuer: null } }),
      bundleEvidence(Buffer.from('{}')),
    ];
    const setting = { by: [release] };
    assertVerified(judge([...junk, bundle()], setting));
    assert.equal(judge(junk, setting).outcome, 'rejected');
  });
});

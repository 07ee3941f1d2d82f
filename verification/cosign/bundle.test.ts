// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import fc from 'fast-check';
import type { Evidence } from '../ports.ts';
import {
  bundleEvidence,
  editJson,
  evidenceOf,
  keyAuthority,
  KeyIssuer,
  TestCertificateAuthority,
  testManifest,
  type BundleOptions,
  type KeyKind,
} from '../testing/index.ts';
import { checkSignature } from './check.ts';
import type { SignatureFact } from './fact.ts';

const image = testManifest('image');
const other = testManifest('another image');
const issuer = new KeyIssuer();
const KINDS: readonly KeyKind[] = ['P-256', 'P-384', 'P-521', 'RSA-2048', 'RSA-PSS', 'Ed25519'];

interface Setting {
  readonly trusted?: readonly KeyIssuer[];
  readonly evidence?: Partial<Evidence>;
}

function check(bytes: Buffer, { trusted = [issuer], evidence = {} }: Setting = {}): SignatureFact {
  const signature = bundleEvidence(bytes);
  return checkSignature(
    signature,
    { ...evidenceOf(image, [signature]), ...evidence },
    keyAuthority('release-key', trusted),
  );
}

function refused(fact: SignatureFact, code: string, detail = /./): void {
  assert.equal(fact.outcome, 'refused');
  assert.equal(fact.code, code);
  assert.match(fact.detail, detail);
  assert.equal(fact.checks.at(-1)?.code, code);
}

const statement = (
  edits: Readonly<Record<string, unknown>>,
  options: BundleOptions = {},
): Buffer => {
  const json = JSON.parse(issuer.bundle(image.digest, options).toString('utf8')) as {
    dsseEnvelope: { payload: string };
  };
  return issuer.bundle(image.digest, {
    payload: editJson(Buffer.from(json.dsseEnvelope.payload, 'base64'), edits),
  });
};
const good = issuer.bundle(image.digest);
const message = issuer.messageBundle(image.bytes);

describe('a bundle with a statement', () => {
  for (const kind of KINDS) {
    it(`by a key of the type ${kind} is signed`, () => {
      const signer = new KeyIssuer(kind);
      const fact = check(signer.bundle(image.digest), { trusted: [new KeyIssuer(kind), signer] });
      assert.equal(fact.outcome, 'signed');
      assert.deepEqual(fact.signer.proof, {
        authority: 'release-key',
        identity: signer.fingerprint,
      });
      assert.deepEqual(
        fact.checks.map((c) => c.check),
        ['encoding', 'signature', 'payload', 'payload-subject'],
      );
    });
  }

  for (const kind of ['P-384', 'P-521'] as const) {
    it(`by a ${kind} key with SHA-256, as cosign 2 signs, is signed`, () => {
      const signer = new KeyIssuer(kind, 'sha256');
      assert.equal(check(signer.bundle(image.digest), { trusted: [signer] }).outcome, 'signed');
    });
  }

  for (const mediaType of [
    'application/vnd.dev.sigstore.bundle+json;version=0.1',
    'application/vnd.dev.sigstore.bundle+json;version=0.2',
    'application/vnd.dev.sigstore.bundle+json;version=0.3',
    'application/vnd.dev.sigstore.bundle.v0.3+json',
  ]) {
    it(`of the type ${mediaType} is signed`, () =>
      assert.equal(check(editJson(good, { mediaType })).outcome, 'signed'));
  }

  it('carries the annotations of the subject that is the image', () => {
    const subject = [
      { digest: { sha256: other.digest.slice(7) }, annotations: { team: 'other' } as unknown },
      {
        digest: { sha256: image.digest.slice(7), sha1: 'x' },
        annotations: JSON.parse('{"team":"a","constructor":"c","n":1}') as unknown,
      },
    ];
    const fact = check(statement({ subject }));
    assert.equal(fact.outcome, 'signed');
    assert.deepEqual(
      [...fact.annotations],
      [
        ['team', 'a'],
        ['constructor', 'c'],
      ],
    );
  });

  it('X47: may name the image among 1,024 subjects', () => {
    const others = Array.from({ length: 1023 }, (_, i) => ({
      digest: { sha256: i.toString(16).padStart(64, '0') },
    }));
    assert.equal(
      check(statement({ subject: [...others, { digest: { sha256: image.digest.slice(7) } }] }))
        .outcome,
      'signed',
    );
  });

  it('may be of in-toto 0.1', () => {
    assert.equal(
      check(statement({ _type: 'https://in-toto.io/Statement/v0.1' })).outcome,
      'signed',
    );
  });

  it('takes no notice of the key hint where a key verifies', () => {
    const hint = Buffer.alloc(32).toString('base64');
    assert.equal(
      check(editJson(good, { 'verificationMaterial.publicKey.hint': hint })).outcome,
      'signed',
    );
  });

  it('A22: about another image is refused, although it is genuine', () => {
    refused(check(issuer.bundle(other.digest)), 'SUBJECT_MISMATCH', new RegExp(other.digest));
  });

  it('X6: about the image by another algorithm only is refused', () => {
    refused(check(issuer.bundle(`sha1:${image.digest.slice(7)}`)), 'SUBJECT_MISMATCH');
    refused(check(issuer.bundle(`SHA256:${image.digest.slice(7)}`)), 'SUBJECT_MISMATCH');
    refused(
      check(issuer.bundle(image.digest.replace(/[a-f]/g, (c) => c.toUpperCase()))),
      'SUBJECT_MISMATCH',
    );
    refused(check(issuer.bundle(`constructor:${image.digest.slice(7)}`)), 'SUBJECT_MISMATCH');
  });

  it('by a stranger names a key that is not trusted', () => {
    refused(
      check(new KeyIssuer().bundle(image.digest)),
      'KEY_UNTRUSTED',
      /a key that release-key does not hold/,
    );
  });

  it('A14: for an authority without keys is refused', () =>
    refused(check(good, { trusted: [] }), 'KEY_UNTRUSTED'));

  it('by a stranger who names our key does not verify', () => {
    const hint = Buffer.from(issuer.fingerprint.slice(7), 'hex').toString('base64');
    const forged = editJson(new KeyIssuer().bundle(image.digest), {
      'verificationMaterial.publicKey.hint': hint,
    });
    refused(check(forged), 'SIGNATURE_INVALID', /does not verify with release-key/);
  });

  it('with a certificate beside it is judged by the key alone, and the certificate must be one', () => {
    const certified = (rawBytes: Buffer): readonly Buffer[] => {
      const certificate = { rawBytes: rawBytes.toString('base64') };
      const v3 = editJson(good, {
        'verificationMaterial.publicKey': undefined,
        'verificationMaterial.certificate': certificate,
      });
      const v1 = editJson(good, {
        mediaType: 'application/vnd.dev.sigstore.bundle+json;version=0.1',
        'verificationMaterial.publicKey': undefined,
        'verificationMaterial.x509CertificateChain': { certificates: [certificate] },
      });
      return [v3, v1];
    };
    for (const bytes of certified(new TestCertificateAuthority().issueLeaf().der)) {
      assert.equal(check(bytes).outcome, 'signed');
      refused(check(bytes, { trusted: [new KeyIssuer()] }), 'SIGNATURE_INVALID');
    }
    for (const bytes of certified(Buffer.from('der'))) refused(check(bytes), 'CERT_MALFORMED');
  });

  it('A5, A35, X48: of another predicate is no signature, however genuine', () => {
    for (const predicateType of [
      'https://slsa.dev/provenance/v1',
      'https://sigstore.dev/cosign/sign/v1/',
      'https://sigstore.dev/cosign/sign/V1',
      'https://sigstore.dev/cosign/sign/v2',
    ]) {
      for (const signer of [issuer, new KeyIssuer()]) {
        const fact = check(signer.bundle(image.digest, { predicateType }));
        assert.equal(fact.outcome, 'not-a-signature');
        assert.deepEqual(fact.checks.at(-1)?.detail, `taken for an attestation: ${predicateType}`);
      }
    }
  });

  it('A6: that claims a malformed statement does not say so before its signature is verified', () => {
    const payload = Buffer.from('{"_type"');
    refused(check(new KeyIssuer().bundle(image.digest, { payload })), 'KEY_UNTRUSTED');
    refused(check(issuer.bundle(image.digest, { payload })), 'PAYLOAD_MALFORMED');
  });

  it('larger than a signature may be is taken for an attestation, unread', () => {
    const fact = check(Buffer.alloc(1024 * 1024 + 1, 0x20));
    assert.equal(fact.outcome, 'not-a-signature');
    assert.deepEqual(
      fact.checks.map((c) => [c.check, c.outcome, c.code]),
      [['signature-kind', 'skipped', 'LIMIT_EXCEEDED']],
    );
  });

  it('with a payload or signature that was changed does not verify', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('payload', 'signatures.0.sig'),
        fc.nat(),
        fc.integer({ min: 0, max: 7 }),
        (field, at, bit) => {
          const path = `dsseEnvelope.${field}`;
          const json = JSON.parse(good.toString('utf8')) as {
            dsseEnvelope: { payload: string; signatures: { sig: string }[] };
          };
          const bytes = Buffer.from(
            field === 'payload'
              ? json.dsseEnvelope.payload
              : (json.dsseEnvelope.signatures[0]?.sig ?? ''),
            'base64',
          );
          const index = at % bytes.length;
          bytes[index] = (bytes[index] ?? 0) ^ (1 << bit);
          const fact = check(editJson(good, { [path]: bytes.toString('base64') }));
          // The change may have made another predicate type of it.
          assert.notEqual(fact.outcome, 'signed');
          if (fact.outcome === 'refused') assert.equal(fact.code, 'SIGNATURE_INVALID');
        },
      ),
    );
  });
});

describe('a statement in a bundle', () => {
  const subject = { digest: { sha256: image.digest.slice(7) } };
  for (const [what, edits] of [
    ['of no type', { _type: undefined }],
    ['of another type', { _type: 'https://in-toto.io/Statement/v2' }],
    ['with a type in a list', { _type: ['https://in-toto.io/Statement/v1'] }],
    ['A38: whose predicateType is a number', { predicateType: 1 }],
    ['without predicateType', { predicateType: undefined }],
    ['with an empty predicateType', { predicateType: '' }],
    ['A14: without subject', { subject: undefined }],
    ['A14: with no subject', { subject: [] }],
    ['whose subject is an object', { subject }],
    ['A38: with a null subject', { subject: [subject, null] }],
    ['X47: with a subject without digest', { subject: [subject, {}] }],
    ['X47: with an empty digest', { subject: [{ digest: {} }, subject] }],
    ['A38: whose digest is a string', { subject: [{ digest: image.digest }] }],
    ['A38: whose digest is a number', { subject: [{ digest: { sha256: 1 } }] }],
  ] as const) {
    it(`${what} is refused`, () =>
      refused(check(statement(edits)), 'PAYLOAD_MALFORMED', /^statement: /));
  }

  it('A10: with more than 1,024 subjects, or a subject of more than 32 digests, is refused', () => {
    refused(
      check(statement({ subject: Array.from({ length: 1025 }, () => subject) })),
      'LIMIT_EXCEEDED',
      /1024 subjects/,
    );
    const digest = Object.fromEntries(
      Array.from({ length: 33 }, (_, i) => [`x${i.toString()}`, 'a']),
    );
    refused(check(statement({ subject: [{ digest }] })), 'LIMIT_EXCEEDED', /32 digests/);
  });

  const raw = (text: string): Buffer => issuer.bundle(image.digest, { payload: Buffer.from(text) });
  const text = `{"_type":"https://in-toto.io/Statement/v1","subject":[${JSON.stringify(subject)}],"predicateType":"https://sigstore.dev/cosign/sign/v1"}`;
  for (const [what, payload] of [
    ['A6: is truncated', text.slice(0, -3)],
    ['is null', 'null'],
    ['X32: names its subject twice', text.replace('"subject"', '"subject":[],"subject"')],
    ['X32: names its subject in two cases', text.replace('"subject"', '"Subject":[],"subject"')],
    [
      'X32: names its predicateType twice',
      text.replace('"predicateType"', '"predicateType":"x","predicateType"'),
    ],
    ['G7: has a key __proto__', text.replace('"subject"', '"__proto__":{},"subject"')],
  ] as const) {
    it(`that ${what} is refused`, () =>
      refused(check(raw(payload)), 'PAYLOAD_MALFORMED', /^statement: /));
  }
});

describe('a bundle with a message signature', () => {
  for (const kind of KINDS) {
    it(`by a key of the type ${kind} over the manifest is signed`, () => {
      const signer = new KeyIssuer(kind);
      const fact = check(signer.messageBundle(image.bytes), { trusted: [signer] });
      assert.equal(fact.outcome, 'signed');
      assert.equal(fact.annotations.size, 0);
      assert.deepEqual(
        fact.checks.map((c) => c.check),
        ['encoding', 'payload-subject', 'signature'],
      );
    });
  }

  it('A22: over another manifest is refused', () =>
    refused(check(issuer.messageBundle(other.bytes)), 'SUBJECT_MISMATCH', /another manifest/));

  it('A23: whose digest is ours but whose signature is over another manifest does not verify', () => {
    const digest = Buffer.from(image.digest.slice(7), 'hex').toString('base64');
    const spliced = editJson(issuer.messageBundle(other.bytes), {
      'messageSignature.messageDigest.digest': digest,
    });
    refused(check(spliced), 'SIGNATURE_INVALID');
  });

  it('A23: whose digest is of another algorithm than it says is refused', () => {
    refused(
      check(editJson(message, { 'messageSignature.messageDigest.algorithm': 'SHA2_512' })),
      'SUBJECT_MISMATCH',
    );
  });

  for (const algorithm of ['HASH_ALGORITHM_UNSPECIFIED', 'SHA3_256', undefined]) {
    it(`with the digest algorithm ${String(algorithm)} is refused`, () => {
      refused(
        check(editJson(message, { 'messageSignature.messageDigest.algorithm': algorithm })),
        'BUNDLE_MALFORMED',
      );
    });
  }

  it('C3: is refused where the manifest is not of the digest that is judged', () => {
    refused(
      check(issuer.messageBundle(other.bytes), { evidence: { manifest: other } }),
      'DIGEST_MISMATCH',
    );
  });
});

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { createHash, createPublicKey, randomBytes, sign } from 'node:crypto';
import { describe, it } from 'mocha';
import type { CompiledAuthority, KeyAuthority } from '../authority/index.ts';
import { checkSignature, type SignatureFact } from '../cosign/index.ts';
import { ExceptionIndex } from '../exception/index.ts';
import { compilePolicy } from '../policy/index.ts';
import type { RawSignature } from '../ports.ts';
import { parsePublicKeys, verifyTimestamps } from '../trust/index.ts';
import {
  bundleAnnotation,
  bundleEvidence,
  evidenceOf,
  issueCertificate,
  keyAuthority,
  KeyIssuer,
  simpleSigningEvidence,
  TestCertificateAuthority,
  TestLog,
  testManifest,
  testPolicy,
  testSubject,
  TestSigstore,
  TestTimestampAuthority,
  type TestCertificate,
} from '../testing/index.ts';
import { evaluate } from './evaluate.ts';
import { FactCache } from './facts.ts';

const SIGNATURE = 'dev.cosignproject.cosign/signature';
const ISSUER = 'https://accounts.example';
const SUBJECT = 'dev@example.com';
const manifest = testManifest('app');
const log = new TestLog();
const ca = new TestCertificateAuthority({ name: 'fulcio' });
const issuer = new KeyIssuer();

type Layer = Parameters<typeof simpleSigningEvidence>[0];

/** The layer with a certificate beside it, and with an entry of the log that records what `by` says. */
function logged(layer: Layer, certificate: TestCertificate, by = certificate.pem): RawSignature {
  const { payload: message } = layer;
  const signature = Buffer.from(layer.annotations[SIGNATURE] ?? '', 'base64');
  const entity = {
    content: { kind: 'message', message, signature },
    material: { kind: 'key' },
    entries: [],
    timestamps: [],
  } as const;
  const annotations = {
    ...layer.annotations,
    'dev.sigstore.cosign/certificate': certificate.pem,
    'dev.sigstore.cosign/bundle': bundleAnnotation(log.enter(entity, by)),
  };
  return simpleSigningEvidence({ ...layer, annotations });
}

function factOf(signature: RawSignature, authority: CompiledAuthority): SignatureFact {
  return checkSignature(signature, evidenceOf(manifest, [signature]), authority);
}

function outcomeOf(signature: RawSignature, authority: CompiledAuthority): string {
  const fact = factOf(signature, authority);
  return fact.outcome === 'refused' ? fact.code : fact.outcome;
}

describe('a key whose signatures logs must know', () => {
  const loggedKey: KeyAuthority = {
    ...keyAuthority('release', [issuer]),
    trust: {
      material: {
        hash: 'root',
        certificateAuthorities: [],
        timestampAuthorities: [],
        tlogs: [log.trusted],
        ctlogs: [],
      },
      thresholds: { logEntries: 1, scts: 0, timestamps: 0 },
    },
  };
  const stranger = ca.issueLeaf();
  const layer = issuer.simpleSigning(manifest.digest);

  it('A3: is not known to a log by an entry of a certificate that stands beside the signature', () => {
    assert.equal(outcomeOf(logged(layer, stranger), loggedKey), 'TLOG_ENTRY_MISMATCH');
  });

  it('is known by an entry of its own, whatever certificate stands beside the signature', () => {
    assert.equal(outcomeOf(logged(layer, stranger, issuer.publicKeyPem), loggedKey), 'signed');
  });

  it('A24: takes an entry for that of the certificate where no log is asked for', () => {
    const authority = keyAuthority('release', [issuer]);
    assert.equal(outcomeOf(logged(layer, stranger), authority), 'signed');
    const other = ca.issueLeaf();
    assert.equal(outcomeOf(logged(layer, stranger, other.pem), authority), 'TLOG_ENTRY_MISMATCH');
  });
});

describe('a CA of which a trusted root says until when it counts', () => {
  const retired = issueCertificate({
    commonName: 'retired intermediate',
    isCa: true,
    key: 'P-384',
    pathLength: 0,
    issuer: ca.root,
  });

  function keyless(): CompiledAuthority {
    const current = ca.trustedRoot();
    const rawBytes = [retired, ca.root].map((one) => ({ rawBytes: one.der.toString('base64') }));
    const past = {
      ...ca.trustedRoot({ end: '2025-01-01T00:00:00Z' }),
      certChain: { certificates: rawBytes },
    };
    const root = {
      mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
      certificateAuthorities: [past, current],
      tlogs: [log.rootMember()],
    };
    const [requirement] = compilePolicy('team', {
      mode: 'Enforce',
      match: { images: ['**'] },
      authorities: [
        {
          name: 'workflow',
          keyless: {
            issuer: ISSUER,
            subject: SUBJECT,
            trustRoot: {
              material: { inline: JSON.stringify(root) },
              thresholds: { logEntries: 1, scts: 0, timestamps: 0 },
            },
          },
        },
      ],
      requirements: [{ name: 'signed', signature: { anyOf: ['workflow'] } }],
    }).requirements;
    assert.ok(requirement.kind === 'signature');
    const [authority] = requirement.authorities;
    assert.ok(authority);
    return authority;
  }

  function signedBy(intermediate: TestCertificate): RawSignature {
    const leaf = ca.issueLeaf({
      issuer: intermediate,
      sans: [{ type: 'email', value: SUBJECT }],
      claims: { 1: ISSUER, 8: ISSUER },
    });
    const { payload } = issuer.simpleSigning(manifest.digest);
    const signature = sign('sha256', payload, leaf.privateKey).toString('base64');
    const { annotations, ...rest } = logged(
      { payload, annotations: { [SIGNATURE]: signature } },
      leaf,
    );
    return {
      ...rest,
      annotations: { ...annotations, 'dev.sigstore.cosign/chain': intermediate.pem + ca.root.pem },
    };
  }

  it('A19: does not outlive that by a certificate that came along and leads to the root of another', () => {
    assert.equal(outcomeOf(signedBy(retired), keyless()), 'CERT_CHAIN_INVALID');
    assert.equal(outcomeOf(signedBy(ca.issuer), keyless()), 'signed');
  });
});

describe('a bundle of today', () => {
  it('A21: does not come with the proof of a log that nobody signed, not even beside a promise', () => {
    const authority = keyAuthority('release', [issuer]);
    const checkpoint = 'verificationMaterial.tlogEntries.0.inclusionProof.checkpoint';
    const outcomeWith = (edit?: Readonly<Record<string, unknown>>): string => {
      const options = { signer: issuer, ...(edit === undefined ? {} : { edit }) };
      return outcomeOf(bundleEvidence(new TestSigstore().bundle(manifest, options)), authority);
    };
    assert.equal(outcomeWith(), 'signed');
    for (const value of [undefined, {}, { envelope: '' }])
      assert.equal(outcomeWith({ [checkpoint]: value }), 'BUNDLE_MALFORMED');
  });
});

describe('a signer of an own PKI', () => {
  const threshold = (claims: readonly Readonly<Record<number, string>>[]): string => {
    const certificate = { roots: { inline: ca.pem }, subjectPattern: '.*@example\\.com' };
    const names = ['first', 'second'];
    const policy = compilePolicy('team', {
      mode: 'Enforce',
      match: { images: ['**'] },
      authorities: names.map((name) => ({
        name,
        certificate: { ...certificate, trustedTime: 'Now' },
      })),
      requirements: [{ name: 'signed', signature: { anyOf: names, threshold: 2 } }],
    });
    const { payload } = issuer.simpleSigning(manifest.digest);
    const signatures = claims.map((own) => {
      const leaf = ca.issueLeaf({ sans: [{ type: 'email', value: SUBJECT }], claims: own });
      return simpleSigningEvidence({
        payload,
        annotations: {
          [SIGNATURE]: sign('sha256', payload, leaf.privateKey).toString('base64'),
          'dev.sigstore.cosign/certificate': leaf.pem,
        },
      });
    });
    const [result] = evaluate({
      policy,
      subject: testSubject(manifest.digest),
      evidence: { state: 'collected', evidence: evidenceOf(manifest, signatures) },
      exceptions: new ExceptionIndex(),
      now: new Date('2025-06-01T12:05:00Z'),
      facts: new FactCache(),
    }).results;
    assert.ok(result.outcome === 'rejected', result.outcome);
    return result.code;
  };

  it('A11: is one, whatever token issuers the certificates name', () => {
    assert.equal(threshold([{ 8: 'https://one' }, { 8: 'https://two' }]), 'THRESHOLD_NOT_MET');
    assert.equal(threshold([{}, { 8: 'https://two' }]), 'THRESHOLD_NOT_MET');
  });
});

describe('an index that lists an image', () => {
  it('X3: speaks for it with a manifest of the digest that is signed, and with no other', () => {
    const mediaType = 'application/vnd.oci.image.index.v1+json';
    const indexOf = (child: { readonly digest: string }): ReturnType<typeof testManifest> => {
      const manifests = [{ mediaType: manifest.mediaType, digest: child.digest, size: 1 }];
      const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, manifests }));
      const hex = createHash('sha256').update(bytes).digest('hex');
      return { bytes, mediaType, digest: `sha256:${hex}` };
    };
    const judged = (bytes: Buffer, { digest }: ReturnType<typeof testManifest>): string => {
      const signature = simpleSigningEvidence(issuer.simpleSigning(digest));
      const index = evidenceOf({ bytes, mediaType, digest }, [signature]);
      const [result] = evaluate({
        policy: compilePolicy('team', testPolicy([issuer], { platforms: 'AllowIndexSignature' })),
        subject: testSubject(manifest.digest),
        evidence: { state: 'collected', evidence: { ...evidenceOf(manifest, []), index } },
        exceptions: new ExceptionIndex(),
        now: new Date('2026-11-20T12:00:00Z'),
        facts: new FactCache(),
      }).results;
      return result.outcome;
    };
    const listing = indexOf(manifest);
    const foreign = indexOf(testManifest('another'));
    assert.equal(judged(listing.bytes, listing), 'verified');
    assert.equal(judged(foreign.bytes, foreign), 'rejected');
    assert.equal(judged(listing.bytes, foreign), 'rejected');
  });
});

describe('work that somebody else decides about', () => {
  it('X42: is not done with RSA keys that nobody has', () => {
    const pemOf = (bits: number): string => {
      const modulus = randomBytes(bits / 8);
      modulus[0] = 0x80;
      const key = { kty: 'RSA', n: modulus.toString('base64url'), e: 'AQAB' };
      return createPublicKey({ key, format: 'jwk' })
        .export({ format: 'pem', type: 'spki' })
        .toString();
    };
    assert.equal(parsePublicKeys(pemOf(8192)).length, 1);
    assert.throws(() => parsePublicKeys(pemOf(16384)), { code: 'POLICY_INVALID', message: /8192/ });
  });

  it('A10: is done once for a name that many certificates of a timestamp have', () => {
    const tsa = new TestTimestampAuthority();
    const named = { serialNumber: Buffer.from('0102', 'hex') };
    const signer = tsa.ca.issueTimestampLeaf(named);
    const decoys = Array.from({ length: 8 }, () => tsa.ca.issueTimestampLeaf(named));
    const verified = (certificates: readonly TestCertificate[]): number => {
      const all = [...certificates.map(({ der }) => der), tsa.ca.issuer.der];
      const token = tsa.stamp(Buffer.from('stamped'), {
        signer,
        attributed: null,
        certificates: all,
      });
      const authorities = [tsa.trusted({ naming: 'root' })];
      return verifyTimestamps([token], { imprints: [Buffer.from('stamped')], authorities }).times
        .length;
    };
    assert.equal(verified([signer, ...decoys]), 1);
    assert.equal(verified([...decoys, signer]), 0);
  });
});

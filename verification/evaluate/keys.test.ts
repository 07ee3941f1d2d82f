// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { describe, it } from 'mocha';
import type { RawSignature } from '../ports.ts';
import {
  bundleEvidence,
  keylessAuthority,
  KeyIssuer,
  layerEvidence,
  TestCertificateAuthority,
  TestSigstore,
  type AuthorityInput,
  type KeyKind,
  type SigningOptions,
} from '../testing/index.ts';
import { assertRejected, assertVerified, IMAGE, judge } from './__fixtures__/judge.ts';

const KINDS: readonly KeyKind[] = ['P-256', 'P-384', 'P-521', 'RSA-2048', 'RSA-PSS', 'Ed25519'];
const sigstore = new TestSigstore();
const root = sigstore.trustedRoot();

/** An authority of keys, by themselves or with the log that must know what they signed. */
function holding(issuers: readonly KeyIssuer[], logged = false): AuthorityInput {
  const inline = issuers.map(({ publicKeyPem }) => publicKeyPem).join('');
  const trust = {
    transparencyLog: 'Require',
    trustRoot: { material: { inline: root } },
  } as const;
  return { name: 'key', key: { material: { inline }, ...(logged ? trust : {}) } };
}

/** The same signature in every format: a statement, the manifest, and a layer. */
function made(options: SigningOptions): readonly RawSignature[] {
  return [
    bundleEvidence(sigstore.bundle(IMAGE, options)),
    bundleEvidence(sigstore.bundle(IMAGE, { ...options, kind: 'message' })),
    layerEvidence(sigstore.layer(IMAGE, options)),
  ];
}

describe('a signature by a key', () => {
  for (const kind of KINDS) {
    it(`of the type ${kind} is verified in every format, also where a log must know it`, () => {
      const signer = new KeyIssuer(kind);
      for (const logs of [[], [{}]]) {
        for (const signature of made({ signer, logs })) {
          assertVerified(judge([signature], { by: [holding([new KeyIssuer(kind), signer])] }));
          const verdict = judge([signature], { by: [holding([signer], true)] });
          if (logs.length === 0) assertRejected(verdict, 'TLOG_MISSING');
          else assertVerified(verdict);
        }
      }
    });

    it(`X50: of the type ${kind} is verified by no other key`, () => {
      const signer = new KeyIssuer(kind);
      const others = KINDS.map((other) => new KeyIssuer(other));
      const [bundle, message, layer] = made({ signer, logs: [] });
      const by = [holding(others)];
      for (const signature of [bundle, message])
        assertRejected(judge([signature!], { by }), 'KEY_UNTRUSTED');
      assertRejected(judge([layer!], { by }), 'SIGNATURE_INVALID');
    });
  }

  for (const kind of ['P-384', 'P-521'] as const) {
    it(`of the type ${kind} may be made with the hash of the curve, or with SHA-256 as cosign 2 does`, () => {
      for (const [hash, good] of [
        [undefined, true],
        ['sha256', true],
        ['sha224', false],
        ['sha1', false],
      ] as const) {
        const signer = new KeyIssuer(kind, hash);
        for (const signature of made({ signer, logs: [{}] })) {
          const verdict = judge([signature], { by: [holding([signer], true)] });
          if (good) assertVerified(verdict);
          else assertRejected(verdict, 'SIGNATURE_INVALID');
        }
      }
    });
  }

  it('X50: is made with SHA-256 by an RSA key, with either padding', () => {
    for (const [kind, hash] of [
      ['RSA-2048', 'sha1'],
      ['RSA-2048', 'sha512'],
      ['RSA-PSS', 'sha1'],
      ['RSA-PSS', 'sha384'],
    ] as const) {
      const signer = new KeyIssuer(kind, hash);
      for (const signature of made({ signer, logs: [] }))
        assertRejected(judge([signature], { by: [holding([signer])] }), 'SIGNATURE_INVALID');
    }
  });

  it('D11, A39: is not verified by a certificate that comes along', () => {
    const stranger = sigstore.certificate();
    for (const signature of made({ signer: stranger }))
      assertRejected(judge([signature], { by: [holding([new KeyIssuer()])] }), 'SIGNATURE_INVALID');
    const pki = new TestCertificateAuthority({ name: 'pki' });
    for (const signature of made({ signer: pki.issueLeaf() }))
      assertRejected(judge([signature], { by: [keylessAuthority(root)] }), 'CERT_CHAIN_INVALID');
  });

  it('is not good for an authority of identities', () => {
    for (const signature of made({ signer: new KeyIssuer() }))
      assertRejected(judge([signature], { by: [keylessAuthority(root)] }), 'KEY_UNTRUSTED');
  });
});

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import fc from 'fast-check';
import {
  bundleEvidence,
  editJson,
  evidenceOf,
  keyAuthority,
  KeyIssuer,
  testManifest,
} from '../testing/index.ts';
import { checkSignature } from './check.ts';
import { parseBundle } from './bundle-json.ts';

const image = testManifest('image');
const issuer = new KeyIssuer();
const good = issuer.bundle(image.digest);
const message = issuer.messageBundle(image.bytes);
const text = good.toString('utf8');
const malformed = { name: 'VerificationError', code: 'BUNDLE_MALFORMED', message: /^bundle: / };
const envelope = JSON.parse(text) as { dsseEnvelope: { signatures: [object] } };
const [signature] = envelope.dsseEnvelope.signatures;
const junk = { sig: Buffer.from('junk').toString('base64'), keyid: '' };

describe('a bundle is refused', () => {
  for (const [what, bytes] of [
    ['that is empty', ''],
    ['that is truncated', text.slice(0, -1)],
    ['that is null', 'null'],
    ['that is a list', '[]'],
    ['that is a string', '"bundle"'],
    ['with a byte order mark', `\uFEFF${text}`],
    [
      'X32: that names its envelope twice',
      text.replace('"dsseEnvelope"', '"dsseEnvelope":{},"dsseEnvelope"'),
    ],
    [
      'X32: that names its payload in two cases',
      text.replace('"payload"', '"Payload":"","payload"'),
    ],
    ['G7: with a key __proto__', text.replace('"dsseEnvelope"', '"__proto__":{},"dsseEnvelope"')],
    [
      'G8: that is nested deeper than 32',
      text.replace(/}$/, `,"x":${'['.repeat(32)}${']'.repeat(32)}}`),
    ],
    ['X32: with a member that no version names', editJson(good, { comment: 'x' })],
    [
      'X32: with an envelope under another name of it',
      text.replace('"dsseEnvelope"', '"dsse_envelope":{},"dsseEnvelope"'),
    ],
    [
      'X32: with an unknown member of its signature',
      editJson(good, { 'dsseEnvelope.signatures.0.cert': 'x' }),
    ],
    [
      'X32: with an unknown member of its key',
      editJson(good, { 'verificationMaterial.publicKey.rawBytes': 'AA==' }),
    ],
    ['whose hint is not a string', editJson(good, { 'verificationMaterial.publicKey.hint': true })],
    [
      'with a list in place of a keyid',
      editJson(good, { 'dsseEnvelope.signatures.0.keyid': ['x'] }),
    ],
    ['of no media type', editJson(good, { mediaType: undefined })],
    [
      'whose media type is in a list',
      editJson(good, { mediaType: ['application/vnd.dev.sigstore.bundle.v0.3+json'] }),
    ],
    [
      'of a version that we do not know',
      editJson(good, { mediaType: 'application/vnd.dev.sigstore.bundle.v0.4+json' }),
    ],
    [
      'whose media type goes on',
      editJson(good, { mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json+x' }),
    ],
    ['without verification material', editJson(good, { verificationMaterial: undefined })],
    ['whose verification material is a list', editJson(good, { verificationMaterial: [] })],
    ['without a key', editJson(good, { 'verificationMaterial.publicKey': undefined })],
    [
      'A39: with a key and a certificate',
      editJson(good, { 'verificationMaterial.certificate': { rawBytes: 'AA==' } }),
    ],
    ['whose key is a string', editJson(good, { 'verificationMaterial.publicKey': 'x' })],
    [
      'A33: with no certificates',
      editJson(good, {
        mediaType: 'application/vnd.dev.sigstore.bundle+json;version=0.1',
        'verificationMaterial.publicKey': undefined,
        'verificationMaterial.x509CertificateChain': { certificates: [] },
      }),
    ],
    [
      'with a log entry that is null',
      editJson(good, { 'verificationMaterial.tlogEntries': [null] }),
    ],
    [
      'with a log entry that has no proof',
      editJson(good, {
        'verificationMaterial.tlogEntries': [
          { logId: { keyId: 'AA==' }, kindVersion: { kind: 'dsse' } },
        ],
      }),
    ],
    ['without content', editJson(good, { dsseEnvelope: undefined })],
    [
      'A2: with an envelope and a message signature',
      editJson(good, {
        messageSignature: (JSON.parse(message.toString('utf8')) as Record<string, unknown>)[
          'messageSignature'
        ],
      }),
    ],
    ['whose envelope is null', editJson(good, { dsseEnvelope: null })],
    ['whose envelope is a list', editJson(good, { dsseEnvelope: [] })],
    ['without payload', editJson(good, { 'dsseEnvelope.payload': undefined })],
    ['with an empty payload', editJson(good, { 'dsseEnvelope.payload': '' })],
    ['A38: whose payload is a number', editJson(good, { 'dsseEnvelope.payload': 1 })],
    ['X33: whose payload is not base64', editJson(good, { 'dsseEnvelope.payload': 'YWJj!!ZGVm' })],
    [
      'A38: whose payloadType is in a list',
      editJson(good, { 'dsseEnvelope.payloadType': ['application/vnd.in-toto+json'] }),
    ],
    ['without payloadType', editJson(good, { 'dsseEnvelope.payloadType': undefined })],
    ['without signatures', editJson(good, { 'dsseEnvelope.signatures': undefined })],
    ['with no signature', editJson(good, { 'dsseEnvelope.signatures': [] })],
    [
      'whose signatures are an object',
      editJson(good, { 'dsseEnvelope.signatures': { 0: signature, length: 1 } }),
    ],
    [
      'A28: with two signatures, bad and good',
      editJson(good, { 'dsseEnvelope.signatures': [junk, signature] }),
    ],
    [
      'A28: with two signatures, good and bad',
      editJson(good, { 'dsseEnvelope.signatures': [signature, junk] }),
    ],
    [
      'A28: with the same signature twice',
      editJson(good, { 'dsseEnvelope.signatures': [signature, signature] }),
    ],
    ['A38: with a signature that is null', editJson(good, { 'dsseEnvelope.signatures': [null] })],
    [
      'A38: with a signature that is a string',
      editJson(good, { 'dsseEnvelope.signatures': ['x'] }),
    ],
    ['with an empty signature', editJson(good, { 'dsseEnvelope.signatures.0.sig': '' })],
    [
      'X33: with URL-safe base64 in the signature',
      editJson(good, { 'dsseEnvelope.signatures.0.sig': 'a-_b' }),
    ],
    [
      'without a message digest',
      editJson(message, { 'messageSignature.messageDigest': undefined }),
    ],
    [
      'X33: whose message digest is not base64',
      editJson(message, { 'messageSignature.messageDigest.digest': '====' }),
    ],
    [
      'with an empty message digest',
      editJson(message, { 'messageSignature.messageDigest.digest': '' }),
    ],
    ['without a message signature', editJson(message, { 'messageSignature.signature': undefined })],
    ['with an empty message signature', editJson(message, { 'messageSignature.signature': '' })],
  ] as const) {
    it(what, () => {
      const bundle = bundleEvidence(Buffer.from(bytes));
      assert.throws(() => parseBundle(bundle.bytes), malformed);
      const authority = keyAuthority('release-key', [issuer]);
      const fact = checkSignature(bundle, evidenceOf(image, [bundle]), authority);
      assert.equal(fact.outcome, 'refused');
      assert.equal(fact.code, 'BUNDLE_MALFORMED');
    });
  }

  for (const payloadType of [
    'application/json',
    'application/vnd.in-toto+json ',
    'application/vnd.in-toto+jsön',
    '',
  ]) {
    it(`A16: for the payload type ${JSON.stringify(payloadType)}, although the signature is over it`, () => {
      const bundle = bundleEvidence(issuer.bundle(image.digest, { payloadType }));
      const fact = checkSignature(bundle, evidenceOf(image, [bundle]), keyAuthority('k', [issuer]));
      assert.equal(fact.outcome, 'refused');
      assert.equal(fact.code, 'PAYLOAD_MALFORMED');
    });
  }

  it('A33, A38: and nothing is thrown, whatever stands at any place of it', () => {
    const authority = keyAuthority('release-key', [issuer]);
    const places = [
      'mediaType',
      'verificationMaterial',
      'verificationMaterial.publicKey',
      'verificationMaterial.publicKey.hint',
      'verificationMaterial.tlogEntries',
      'verificationMaterial.timestampVerificationData',
      'dsseEnvelope',
      'dsseEnvelope.payload',
      'dsseEnvelope.payloadType',
      'dsseEnvelope.signatures',
      'dsseEnvelope.signatures.0',
      'dsseEnvelope.signatures.0.sig',
      'dsseEnvelope.signatures.0.keyid',
    ];
    fc.assert(
      fc.property(fc.constantFrom(...places), fc.jsonValue({ maxDepth: 3 }), (place, value) => {
        const bundle = bundleEvidence(editJson(good, { [place]: value }));
        const fact = checkSignature(bundle, evidenceOf(image, [bundle]), authority);
        if (fact.outcome === 'refused') assert.notEqual(fact.code, 'INTERNAL');
        // What nothing is taken from may be anything; the rest must be as it was.
        else assert.match(place, /publicKey|keyid|tlogEntries|timestampVerificationData/);
      }),
      { numRuns: 500 },
    );
  });
});

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { draftOf, leafOf, signatureOf } from './bundle-draft.ts';
import type { BundleDraft } from './bundle-draft.ts';
import { base64, flipBase64, flipBehind, looseBits, swap, textOf } from './bytes.ts';
import { edited, type Edit, type Mutation } from './mutation.ts';
import { LOG_MUTATIONS, STAMP_MUTATIONS } from './witness-mutations.ts';

/** OID of the list of signed certificate timestamps, with its tag. */
const SCT_LIST = '060a2b06010401d679020402';
/** Bytes from the OID to the timestamp and to the signature of the first one. */
const TO_TIMESTAMP = 45;
const TO_SIGNATURE = 60;

const CONTENT: Readonly<Record<string, Edit>> = {
  'signature: one bit': (b) => {
    signatureOf(b).sig = flipBase64(signatureOf(b).sig, 0.6);
  },
  'signature of another image': (b, d) => {
    signatureOf(b).sig = signatureOf(d).sig;
  },
  'signature: truncated': (b) => {
    signatureOf(b).sig = signatureOf(b).sig.slice(0, 40);
  },
  'signature: empty': (b) => {
    signatureOf(b).sig = '';
  },
  'signature: trailing byte': (b) => {
    const sig = Buffer.from(signatureOf(b).sig, 'base64');
    signatureOf(b).sig = Buffer.concat([sig, Buffer.of(0)]).toString('base64');
  },
  'payload: truncated': (b) => {
    b.dsseEnvelope.payload = b.dsseEnvelope.payload.slice(0, 40);
  },
  'payload: one bit': (b) => {
    b.dsseEnvelope.payload = flipBase64(b.dsseEnvelope.payload, 0.5);
  },
  'payload: a blank more': (b) => {
    b.dsseEnvelope.payload = base64(`${textOf(b.dsseEnvelope.payload)} `);
  },
  'payload of another image': (b, d) => {
    b.dsseEnvelope.payload = d.dsseEnvelope.payload;
  },
  'payload: other subject': (b, _, { digest, otherDigest }) => {
    b.dsseEnvelope.payload = base64(
      swap(textOf(b.dsseEnvelope.payload), digest.slice(7), otherDigest.slice(7)),
    );
  },
  'payload: other predicate type': (b) => {
    b.dsseEnvelope.payload = base64(
      textOf(b.dsseEnvelope.payload).replace(
        /"predicateType": ?"[^"]*"/,
        '"predicateType":"https://example.com/other"',
      ),
    );
  },
  'envelope of another image': (b, d) => {
    b.dsseEnvelope = d.dsseEnvelope;
  },
  'payloadType: another': (b) => {
    b.dsseEnvelope.payloadType = 'application/json';
  },
  'payloadType: empty': (b) => {
    b.dsseEnvelope.payloadType = '';
  },
  'two signatures: the same twice': (b) => {
    b.dsseEnvelope.signatures.push(signatureOf(b));
  },
  'two signatures: the other wrong': (b, d) => {
    b.dsseEnvelope.signatures.push(signatureOf(d));
  },
  'two signatures: the first wrong': (b, d) => {
    b.dsseEnvelope.signatures.unshift(signatureOf(d));
  },
  'no signature': (b) => {
    b.dsseEnvelope.signatures = [];
  },
  'keyid that means nothing': (b) => {
    signatureOf(b).keyid = 'somebody';
  },
  'message signature beside the envelope': (b) => {
    const messageDigest = { algorithm: 'SHA2_256', digest: base64('x'.repeat(32)) };
    b['messageSignature'] = { messageDigest, signature: signatureOf(b).sig };
  },
};

const CERTIFICATE: Readonly<Record<string, Edit>> = {
  'certificate of another signature': (b, d) => {
    leafOf(b).rawBytes = leafOf(d).rawBytes;
  },
  'certificate: one bit of its name': (b) => {
    leafOf(b).rawBytes = flipBase64(leafOf(b).rawBytes, 0.08);
  },
  'certificate: one bit in the middle': (b) => {
    leafOf(b).rawBytes = flipBase64(leafOf(b).rawBytes, 0.5);
  },
  'certificate: one bit of its signature': (b) => {
    leafOf(b).rawBytes = flipBase64(leafOf(b).rawBytes, 0.97);
  },
  'certificate: one bit of the time of its SCT': (b) => {
    leafOf(b).rawBytes = flipBehind(leafOf(b).rawBytes, SCT_LIST, TO_TIMESTAMP);
  },
  'certificate: one bit of the signature of its SCT': (b) => {
    leafOf(b).rawBytes = flipBehind(leafOf(b).rawBytes, SCT_LIST, TO_SIGNATURE);
  },
  'certificate: trailing byte': (b) => {
    const der = Buffer.from(leafOf(b).rawBytes, 'base64');
    leafOf(b).rawBytes = Buffer.concat([der, Buffer.of(0)]).toString('base64');
  },
  'certificate: removed': (b) => {
    delete b.verificationMaterial.certificate;
  },
  'certificate: that of the CA': (b, _, { chain }) => {
    leafOf(b).rawBytes = chain[0] ?? '';
  },
  'key hint in place of the certificate': (b) => {
    delete b.verificationMaterial.certificate;
    b.verificationMaterial.publicKey = { hint: 'x' };
  },
  'key hint beside the certificate': (b) => {
    b.verificationMaterial.publicKey = { hint: 'x' };
  },
  'chain with its root, v0.3': (b, _, { chain }) => {
    asChain(b, chain);
  },
  'chain with its root, v0.2': (b, _, { chain }) => {
    asChain(b, chain);
    b.mediaType = 'application/vnd.dev.sigstore.bundle+json;version=0.2';
  },
  'chain without its root, v0.2': (b, _, { chain }) => {
    asChain(b, chain.slice(0, 1));
    b.mediaType = 'application/vnd.dev.sigstore.bundle+json;version=0.2';
  },
  'chain of the leaf alone, v0.3': (b) => {
    asChain(b, []);
  },
  'chain that is empty, v0.2': (b) => {
    delete b.verificationMaterial.certificate;
    b.verificationMaterial.x509CertificateChain = { certificates: [] };
    b.mediaType = 'application/vnd.dev.sigstore.bundle+json;version=0.2';
  },
};

function asChain(bundle: BundleDraft, more: readonly string[]): void {
  const certificates = [leafOf(bundle), ...more.map((rawBytes) => ({ rawBytes }))];
  delete bundle.verificationMaterial.certificate;
  bundle.verificationMaterial.x509CertificateChain = { certificates };
}

const KEY: Readonly<Record<string, Edit>> = {
  'hint of another key': (b) => {
    b.verificationMaterial.publicKey = { hint: base64('y'.repeat(32)) };
  },
  'hint that is empty': (b) => {
    b.verificationMaterial.publicKey = { hint: '' };
  },
  'hint: removed': (b) => {
    b.verificationMaterial.publicKey = {};
  },
  'key: removed': (b) => {
    delete b.verificationMaterial.publicKey;
  },
};

const FORM: Readonly<Record<string, Edit>> = {
  'version 0.1': (b) => {
    b.mediaType = 'application/vnd.dev.sigstore.bundle+json;version=0.1';
  },
  'version 0.2': (b) => {
    b.mediaType = 'application/vnd.dev.sigstore.bundle+json;version=0.2';
  },
  'version 0.3, as it was written at first': (b) => {
    b.mediaType = 'application/vnd.dev.sigstore.bundle+json;version=0.3';
  },
  'version 0.4': (b) => {
    b.mediaType = 'application/vnd.dev.sigstore.bundle.v0.4+json';
  },
  'version 0.30': (b) => {
    b.mediaType = 'application/vnd.dev.sigstore.bundle.v0.30+json';
  },
  'no version': (b) => {
    delete b.mediaType;
  },
  'a field that nobody knows': (b) => {
    b['comment'] = 'hello';
  },
  'a field further in that nobody knows': (b) => {
    (b.verificationMaterial.tlogEntries?.[0] ?? b.verificationMaterial)['comment'] = 'hello';
  },
  'base64 without padding': (b) => {
    signatureOf(b).sig = signatureOf(b).sig.replace(/=+$/, '');
    b.dsseEnvelope.payload = b.dsseEnvelope.payload.replace(/=+$/, '');
  },
  'base64 for URLs': (b) => {
    signatureOf(b).sig = signatureOf(b).sig.replaceAll('+', '-').replaceAll('/', '_');
  },
  'base64 with a line break': (b) => {
    b.dsseEnvelope.payload = `${b.dsseEnvelope.payload.slice(0, 64)}\n${b.dsseEnvelope.payload.slice(64)}`;
  },
  'base64 with unused bits set': (b) => {
    const payload = b.dsseEnvelope.payload;
    if (payload.endsWith('=')) b.dsseEnvelope.payload = looseBits(payload);
    else signatureOf(b).sig = looseBits(signatureOf(b).sig);
  },
};

function texts(edits: Readonly<Record<string, Mutation['apply']>>): readonly Mutation[] {
  return Object.entries(edits).map(([name, apply]) => ({ name, apply }));
}

const TEXT = texts({
  'bundle of another image': (_, { other }) => other,
  'key twice: an envelope of another image first': (bundle, { other }) =>
    swap(bundle, '"dsseEnvelope"', `"dsseEnvelope":${envelopeOf(other)},"dsseEnvelope"`),
  'key twice: an envelope of another image last': (bundle, { other }) =>
    `${bundle.slice(0, -1)},"dsseEnvelope":${envelopeOf(other)}}`,
  'key twice: the same': (bundle) => `${bundle.slice(0, -1)},"dsseEnvelope":${envelopeOf(bundle)}}`,
  'key twice, in both spellings': (bundle, { other }) =>
    `${bundle.slice(0, -1)},"dsse_envelope":${envelopeOf(other)}}`,
  'keys in the other spelling': (bundle) => bundle.replace('"payloadType"', '"payload_type"'),
  'keys in capitals': (bundle) => bundle.replace('"payloadType"', '"PayloadType"'),
  'key escaped': (bundle) => bundle.replace('"payloadType"', '"payloadTyp\\u0065"'),
  'more behind it': (bundle) => `${bundle}{}`,
  'a line break behind it': (bundle) => `${bundle}\n`,
  'byte order mark': (bundle) => `\uFEFF${bundle}`,
  truncated: (bundle) => bundle.slice(0, -20),
  empty: () => '',
  null: () => 'null',
  'a list': (bundle) => `[${bundle}]`,
  'much room behind it': (bundle) => `${bundle}${' '.repeat(1_100_000)}`,
});

function envelopeOf(bundle: string): string {
  return JSON.stringify(draftOf(bundle).dsseEnvelope);
}

const ANY: readonly Mutation[] = [...edited({ ...CONTENT, ...FORM }), ...TEXT];

/** Mutations of bundles, by what the bundle consists of. */
export const BUNDLE_MUTATIONS: {
  /** Of a bundle with a certificate, a log entry and a timestamp. */
  readonly keyless: readonly Mutation[];
  /** Of one that is the same without a log entry. */
  readonly stampedOnly: readonly Mutation[];
  /** Of a bundle by a key, without anything. */
  readonly key: readonly Mutation[];
  /** Of a bundle by a key, with log entry and timestamp. */
  readonly loggedKey: readonly Mutation[];
} = {
  keyless: [...ANY, ...edited(CERTIFICATE), ...LOG_MUTATIONS, ...STAMP_MUTATIONS],
  stampedOnly: [...edited(CERTIFICATE), ...STAMP_MUTATIONS],
  key: [...ANY, ...edited(KEY)],
  loggedKey: [...edited(KEY), ...LOG_MUTATIONS, ...STAMP_MUTATIONS],
};

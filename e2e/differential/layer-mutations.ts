// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { SignatureLayer } from '../sigstore/index.ts';
import { base64, flipBase64, looseBits, swap, textOf } from './bytes.ts';

/** What a layer is mixed with: see `Donors` of bundles. */
export interface LayerDonors {
  readonly other: SignatureLayer;
  readonly digest: string;
  readonly otherDigest: string;
}

/** One way to change a layer of the layout before bundles. */
export interface LayerMutation {
  readonly name: string;
  readonly apply: (layer: SignatureLayer, donors: LayerDonors) => readonly SignatureLayer[];
}

const SIGNATURE = 'dev.cosignproject.cosign/signature';
const CERTIFICATE = 'dev.sigstore.cosign/certificate';
const CHAIN = 'dev.sigstore.cosign/chain';
const TIMESTAMP = 'dev.sigstore.cosign/rfc3161timestamp';
const BUNDLE = 'dev.sigstore.cosign/bundle';

type Annotate = (value: string, other: string) => string | undefined;
type EditText = (text: string, donors: LayerDonors) => string;

function annotation(name: string, edit: Annotate): LayerMutation['apply'] {
  return (layer, { other }) => {
    const { [name]: value = '', ...rest } = layer.annotations;
    const changed = edit(value, other.annotations[name] ?? '');
    const annotations = changed === undefined ? rest : { ...rest, [name]: changed };
    return [{ ...layer, annotations }];
  };
}

function content(edit: EditText): LayerMutation['apply'] {
  return (layer, donors) => {
    return [{ ...layer, bytes: Buffer.from(edit(layer.bytes.toString('utf8'), donors)) }];
  };
}

function named(table: Readonly<Record<string, LayerMutation['apply']>>): readonly LayerMutation[] {
  return Object.entries(table).map(([name, apply]) => ({ name, apply }));
}

const ANY = named({
  'layer of another image': (_, { other }) => [other],
  'layer of another image besides': (layer, { other }) => [layer, other],
  'layer of another image before': (layer, { other }) => [other, layer],
  'layer twice': (layer) => [layer, layer],
  'no layer': () => [],
  'content: empty': content(() => ''),
  'content: truncated': content((text) => text.slice(0, -10)),
  'content: a blank more': content((text) => `${text} `),
  'media type: another': (layer) => [{ ...layer, mediaType: 'application/json' }],
});

const SIGNED = named({
  'signature: one bit': annotation(SIGNATURE, (value) => flipBase64(value, 0.6)),
  'signature of another image': annotation(SIGNATURE, (_, other) => other),
  'signature: removed': annotation(SIGNATURE, () => undefined),
  'signature: empty': annotation(SIGNATURE, () => ''),
  'signature: in lines': annotation(
    SIGNATURE,
    (value) => `${value.slice(0, 64)}\n${value.slice(64)}`,
  ),
  'signature: without padding': annotation(SIGNATURE, (value) => value.replace(/=+$/, '')),
  'signature: unused bits set': annotation(SIGNATURE, looseBits),
  'payload of another image': (layer, { other }) => [{ ...layer, bytes: other.bytes }],
  'payload: other subject': content((text, { digest, otherDigest }) =>
    swap(text, digest, otherDigest),
  ),
});

const CERTIFIED = named({
  'certificate: removed': annotation(CERTIFICATE, () => undefined),
  'certificate: empty': annotation(CERTIFICATE, () => ''),
  'certificate of another signature': annotation(CERTIFICATE, (_, other) => other),
  'certificate: one bit': annotation(CERTIFICATE, (value) => pemFlip(value, 0.5)),
  'certificate: one bit of its signature': annotation(CERTIFICATE, (value) => pemFlip(value, 0.97)),
  'certificate twice': annotation(CERTIFICATE, (value) => `${value}${value}`),
  'certificate with words before': annotation(CERTIFICATE, (value) => `hello\n${value}`),
  'chain: removed': annotation(CHAIN, () => undefined),
  'chain: not a certificate': annotation(CHAIN, () => 'hello'),
});

const STAMPED = named({
  'timestamp: removed': annotation(TIMESTAMP, () => undefined),
  'timestamp: empty': annotation(TIMESTAMP, () => ''),
  'timestamp: not JSON': annotation(TIMESTAMP, () => 'hello'),
  'timestamp of another signature': annotation(TIMESTAMP, (_, other) => other),
  'timestamp: one bit at its end': annotation(TIMESTAMP, (value) => stampFlip(value, 0.98)),
  'timestamp: one bit in the middle': annotation(TIMESTAMP, (value) => stampFlip(value, 0.3)),
  'timestamp: key twice': annotation(TIMESTAMP, (value, other) =>
    swap(value, '{', `{"SignedRFC3161Timestamp":"${stampIn(other)}",`),
  ),
});

const LOGGED = named({
  'log entry: not JSON': annotation(BUNDLE, () => 'hello'),
  'log entry that is empty': annotation(BUNDLE, () => '{}'),
  'log entry that is null': annotation(BUNDLE, () => 'null'),
  'log entry of nobody': annotation(BUNDLE, () =>
    JSON.stringify({
      SignedEntryTimestamp: base64('promised'),
      Payload: {
        body: base64('{"apiVersion":"0.0.1","kind":"hashedrekord","spec":{}}'),
        integratedTime: 1_700_000_000,
        logIndex: 7,
        logID: 'ab'.repeat(32),
      },
    }),
  ),
});

const ENVELOPE = named({
  'envelope: payload of another image': content((text, { other }) =>
    withEnvelope(text, { payload: envelopeOf(other.bytes.toString('utf8')).payload }),
  ),
  'envelope: other subject': content((text, { digest, otherDigest }) => {
    const payload = textOf(envelopeOf(text).payload);
    return withEnvelope(text, {
      payload: base64(swap(payload, digest.slice(7), otherDigest.slice(7))),
    });
  }),
  'envelope: one bit of the signature': content((text) => {
    const [signature = { sig: '' }] = envelopeOf(text).signatures;
    return withEnvelope(text, { signatures: [{ sig: flipBase64(signature.sig, 0.6) }] });
  }),
  'envelope: two signatures': content((text) => {
    const { signatures } = envelopeOf(text);
    return withEnvelope(text, { signatures: [...signatures, ...signatures] });
  }),
  'envelope: two signatures, the first wrong': content((text, { other }) => {
    const { signatures } = envelopeOf(text);
    const wrong = envelopeOf(other.bytes.toString('utf8')).signatures;
    return withEnvelope(text, { signatures: [...wrong, ...signatures] });
  }),
  'envelope: no signature': content((text) => withEnvelope(text, { signatures: [] })),
  'envelope: other payloadType': content((text) =>
    withEnvelope(text, { payloadType: 'application/json' }),
  ),
  'envelope: payload twice': content(
    (text, { other }) =>
      `${text.trimEnd().slice(0, -1)},"payload":"${envelopeOf(other.bytes.toString('utf8')).payload}"}`,
  ),
  'envelope: payload twice, in capitals': content(
    (text, { other }) =>
      `${text.trimEnd().slice(0, -1)},"Payload":"${envelopeOf(other.bytes.toString('utf8')).payload}"}`,
  ),
});

interface Envelope {
  readonly payload: string;
  readonly payloadType: string;
  readonly signatures: readonly { readonly sig: string }[];
}

function envelopeOf(text: string): Envelope {
  return JSON.parse(text) as Envelope;
}

function withEnvelope(text: string, changed: Partial<Envelope>): string {
  return JSON.stringify({ ...envelopeOf(text), ...changed });
}

const PEM = /(-----BEGIN CERTIFICATE-----)([^-]+)(-----END CERTIFICATE-----)/;

function pemFlip(pem: string, at: number): string {
  return pem.replace(PEM, (_, begin: string, body: string, end: string) => {
    return `${begin}\n${flipBase64(body, at).replaceAll(/(.{64})/g, '$1\n')}\n${end}`;
  });
}

function stampIn(annotationValue: string): string {
  return (JSON.parse(annotationValue) as { SignedRFC3161Timestamp: string }).SignedRFC3161Timestamp;
}

function stampFlip(annotationValue: string, at: number): string {
  return JSON.stringify({ SignedRFC3161Timestamp: flipBase64(stampIn(annotationValue), at) });
}

/** Mutations of layers, by what the layer consists of. */
export const LAYER_MUTATIONS: {
  /** A signature by a key, without anything. */
  readonly key: readonly LayerMutation[];
  /** A signature with a certificate and a timestamp. */
  readonly keyless: readonly LayerMutation[];
  /** An attestation by a key. */
  readonly keyAttestation: readonly LayerMutation[];
} = {
  key: [...ANY, ...SIGNED, ...LOGGED],
  keyless: [...ANY, ...SIGNED, ...CERTIFIED, ...STAMPED, ...LOGGED],
  keyAttestation: [...ANY, ...ENVELOPE, ...LOGGED],
};

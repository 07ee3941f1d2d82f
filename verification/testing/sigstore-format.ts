// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { createHash } from 'node:crypto';
import type { SignedContent, SignedEntity } from '../cosign/entity.ts';
import { editJson, type TestLayer } from './evidence.ts';
import { bundleAnnotation, bundleMember } from './transparency-log.ts';

/** The shape of a bundle. */
export interface BundleShape {
  /** `0.3` where nothing is said. */
  readonly version?: '0.1' | '0.2' | '0.3';
  /** Certificates that come along with the leaf, in bundles before v0.3. */
  readonly chain?: readonly { readonly der: Buffer }[];
  /** Hash of the digest of a message. */
  readonly messageHash?: 'sha256' | 'sha384' | 'sha512';
  /** Other values at some paths, see `editJson`. */
  readonly edit?: Readonly<Record<string, unknown>>;
}

const MEDIA_TYPES = {
  '0.1': 'application/vnd.dev.sigstore.bundle+json;version=0.1',
  '0.2': 'application/vnd.dev.sigstore.bundle+json;version=0.2',
  '0.3': 'application/vnd.dev.sigstore.bundle.v0.3+json',
} as const;

/** Writes an entity as a bundle. */
export function bundleOf(entity: SignedEntity, shape: BundleShape): Buffer {
  const { version = '0.3', messageHash = 'sha256', edit } = shape;
  const json = {
    mediaType: MEDIA_TYPES[version],
    verificationMaterial: {
      ...materialOf(entity, shape),
      tlogEntries: entity.entries.map((entry) => bundleMember(entry)),
      timestampVerificationData: {
        rfc3161Timestamps: entity.timestamps.map((der) => ({ signedTimestamp: base64(der) })),
      },
    },
    ...contentOf(entity.content, messageHash),
  };
  const bytes = Buffer.from(JSON.stringify(json));
  return edit === undefined ? bytes : editJson(bytes, edit);
}

/** Writes an entity as a layer of a `.sig` or `.att` image. */
export function layerOf(
  { content, entries, timestamps }: SignedEntity,
  pem: { readonly certificate: string | undefined; readonly chain: string | undefined },
): TestLayer {
  const [entry] = entries;
  const [stamp] = timestamps;
  const annotations = {
    'dev.cosignproject.cosign/signature': content.kind === 'dsse' ? '' : base64(content.signature),
    'dev.sigstore.cosign/certificate': pem.certificate,
    'dev.sigstore.cosign/chain': pem.chain,
    'dev.sigstore.cosign/bundle': entry === undefined ? undefined : bundleAnnotation(entry),
    'dev.sigstore.cosign/rfc3161timestamp':
      stamp === undefined ? undefined : JSON.stringify({ SignedRFC3161Timestamp: base64(stamp) }),
  };
  const known = Object.entries(annotations).flatMap(([name, text]) =>
    text === undefined ? [] : [[name, text] as const],
  );
  return {
    format: content.kind === 'dsse' ? 'dsse' : 'simple-signing',
    payload: content.kind === 'dsse' ? (content.envelope ?? Buffer.alloc(0)) : content.message,
    annotations: Object.fromEntries(known),
  };
}

function materialOf({ material }: SignedEntity, shape: BundleShape): object {
  if (material.kind === 'key') return { publicKey: { hint: material.hint ?? '' } };
  const certificates = [material.leaf, ...(shape.chain ?? []).map(({ der }) => der)];
  const [leaf] = certificates.map((der) => ({ rawBytes: base64(der) }));
  if (shape.version === undefined || shape.version === '0.3') return { certificate: leaf };
  const written = certificates.map((der) => ({ rawBytes: base64(der) }));
  return { x509CertificateChain: { certificates: written } };
}

function contentOf(content: SignedContent, messageHash: string): object {
  if (content.kind === 'message') {
    const digest = createHash(messageHash).update(content.message).digest('base64');
    const algorithm = `SHA2_${messageHash.slice('sha'.length)}`;
    const signature = base64(content.signature);
    return { messageSignature: { messageDigest: { algorithm, digest }, signature } };
  }
  const { payload, payloadType, signature } = content;
  const signatures = [{ sig: base64(signature), keyid: '' }];
  return { dsseEnvelope: { payload: base64(payload), payloadType, signatures } };
}

function base64(bytes: Buffer): string {
  return bytes.toString('base64');
}

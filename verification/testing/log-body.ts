// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { createHash } from 'node:crypto';
import { preAuthEncoding } from '../attestation/pae.ts';
import type { SignedEntity } from '../cosign/entity.ts';

/** Kinds and versions of entries that signatures of images are recorded in. */
export type LogKind =
  | 'hashedrekord 0.0.1'
  | 'hashedrekord 0.0.2'
  | 'rekord 0.0.1'
  | 'intoto 0.0.1'
  | 'intoto 0.0.2'
  | 'dsse 0.0.1'
  | 'dsse 0.0.2';

/**
 * The body that Rekor records for a signature. `pem` is the certificate or key that it is verified
 * with; the hash is that of Rekor v2's digest, SHA-256 for all others.
 */
export function logBodyOf(
  kind: LogKind,
  entity: SignedEntity,
  pem: string,
  hash: 'sha256' | 'sha384' | 'sha512' = 'sha256',
): Record<string, unknown> {
  const [name, apiVersion] = kind.split(' ');
  return { apiVersion, kind: name, spec: SPECS[kind](entity, pem, hash) };
}

type SpecOf = (entity: SignedEntity, pem: string, hash: string) => Record<string, unknown>;

const SPECS: Readonly<Record<LogKind, SpecOf>> = {
  'hashedrekord 0.0.1': rekordSpec,
  'rekord 0.0.1': (entity, pem, hash) => {
    const spec = rekordSpec(entity, pem, hash);
    return { ...spec, signature: { ...(spec['signature'] as object), format: 'x509' } };
  },
  'hashedrekord 0.0.2': (entity, pem, hash) => ({
    hashedRekordV002: { data: digest(signed(entity), hash), signature: signatureV2(entity, pem) },
  }),
  'intoto 0.0.1': (entity, pem) => ({
    content: { hash: hexHash(envelope(entity)), payloadHash: hexHash(payload(entity)) },
    publicKey: base64(pem),
  }),
  'intoto 0.0.2': (entity, pem) => ({
    content: {
      envelope: {
        payloadType: entity.content.kind === 'dsse' ? entity.content.payloadType : '',
        signatures: [
          { publicKey: base64(pem), sig: base64(entity.content.signature.toString('base64')) },
        ],
      },
      hash: hexHash(Buffer.from('an envelope with keys inside')),
      payloadHash: hexHash(payload(entity)),
    },
  }),
  'dsse 0.0.1': (entity, pem) => ({
    envelopeHash: hexHash(envelope(entity)),
    payloadHash: hexHash(payload(entity)),
    signatures: [{ signature: entity.content.signature.toString('base64'), verifier: base64(pem) }],
  }),
  'dsse 0.0.2': (entity, pem) => ({
    dsseV002: {
      payloadHash: digest(payload(entity), 'sha256'),
      signatures: [signatureV2(entity, pem)],
    },
  }),
};

function rekordSpec(entity: SignedEntity, pem: string, hash: string): Record<string, unknown> {
  return {
    data: { hash: hexHash(signed(entity), hash) },
    signature: {
      content: entity.content.signature.toString('base64'),
      publicKey: { content: base64(pem) },
    },
  };
}

function signatureV2({ content }: SignedEntity, pem: string): Record<string, unknown> {
  const rawBytes = pem.replaceAll(/-----[A-Z ]+-----|\s/g, '');
  const verifier = pem.includes('CERTIFICATE')
    ? { x509Certificate: { rawBytes } }
    : { publicKey: { rawBytes } };
  return {
    content: content.signature.toString('base64'),
    verifier: { keyDetails: 'PKIX_ECDSA_P256_SHA_256', ...verifier },
  };
}

function signed({ content }: SignedEntity): Buffer {
  return content.kind === 'message'
    ? content.message
    : preAuthEncoding(content.payloadType, content.payload);
}

function payload({ content }: SignedEntity): Buffer {
  return content.kind === 'dsse' ? content.payload : content.message;
}

/** Where an entity lost the bytes of its envelope, those that a bundle would have been made of. */
function envelope({ content }: SignedEntity): Buffer {
  if (content.kind === 'message') return content.message;
  return content.envelope ?? Buffer.from(JSON.stringify({ payload: content.payload }));
}

function hexHash(bytes: Buffer, algorithm = 'sha256'): Record<string, string> {
  return { algorithm, value: createHash(algorithm).update(bytes).digest('hex') };
}

function digest(bytes: Buffer, hash: string): Record<string, string> {
  return {
    algorithm: `SHA2_${hash.slice('sha'.length)}`,
    digest: createHash(hash).update(bytes).digest('base64'),
  };
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

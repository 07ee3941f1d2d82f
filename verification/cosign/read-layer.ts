// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { parseStatement, type Statement } from '../attestation/index.ts';
import { asObject, decodeBase64, parseStrictJson } from '../encoding/index.ts';
import { VerificationError } from '../error.ts';
import type { RawSignature } from '../ports.ts';
import { parseCertificatesPem } from '../trust/index.ts';
import { malformedBundle } from './bundle-json.ts';
import type { LogEntry, SigningMaterial } from './entity.ts';
import { entryOfAnnotation } from './log/index.ts';
import { readOnce, type ReadSignature } from './read.ts';

const SIGNATURE = 'dev.cosignproject.cosign/signature';
const CERTIFICATE = 'dev.sigstore.cosign/certificate';
const CHAIN = 'dev.sigstore.cosign/chain';
const BUNDLE = 'dev.sigstore.cosign/bundle';
const TIMESTAMP = 'dev.sigstore.cosign/rfc3161timestamp';
const MAX_DEPTH = 8;
const MAX_CHAIN = 10;

/**
 * Reads a layer of a cosign `.sig` image (cosign SIGNATURE_SPEC): a simple signing payload, and in
 * annotations the signature and what came with it. Throws BUNDLE_MALFORMED or CERT_MALFORMED.
 */
export const readSimpleSigning: (signature: RawSignature) => ReadSignature = readOnce((layer) => {
  const text = layer.annotations[SIGNATURE];
  if (text === undefined || text === '') throw malformedBundle(`no annotation ${SIGNATURE}`);
  // Old signers wrapped the base64 at 64 characters.
  const signature = base64(text.replaceAll(/\r?\n/g, ''), 'signature annotation');
  const message = bytesOf(layer);
  return {
    entity: { content: { kind: 'message', message, signature }, ...attached(layer) },
    claim: { kind: 'simple-signing', payload: message },
    imprints: [signature],
  };
});

/**
 * Reads a layer of a cosign `.att` image (cosign ATTESTATION_SPEC): a DSSE envelope with exactly one
 * signature. Its timestamp is over the layer (cosign v2) or over the signature (v3). Throws
 * BUNDLE_MALFORMED or CERT_MALFORMED.
 */
export const readEnvelopeLayer: (signature: RawSignature) => ReadSignature = readOnce((layer) => {
  const envelope = bytesOf(layer);
  const { payloadType, payload, signature } = parseEnvelope(envelope);
  let known: Statement | undefined;
  return {
    entity: {
      content: { kind: 'dsse', payloadType, payload, signature, envelope },
      ...attached(layer),
    },
    claim: {
      kind: 'statement',
      payloadType,
      statement: () => (known ??= parseStatement(payload)),
    },
    imprints: [signature, envelope],
  };
});

interface Attached {
  readonly material: SigningMaterial;
  readonly entries: readonly LogEntry[];
  readonly timestamps: readonly Buffer[];
}

function attached({ annotations }: RawSignature): Attached {
  const entry = annotations[BUNDLE];
  const stamp = annotations[TIMESTAMP];
  return {
    material: materialOf(annotations),
    entries: isAbsent(entry) ? [] : [entryOfAnnotation(entry)],
    timestamps: isAbsent(stamp) ? [] : [timestampOf(stamp)],
  };
}

function materialOf(annotations: RawSignature['annotations']): SigningMaterial {
  const leafText = annotations[CERTIFICATE];
  if (isAbsent(leafText)) return { kind: 'key' };
  const [leaf, ...more] = parseCertificatesPem(leafText);
  if (leaf === undefined || more.length > 0)
    throw new VerificationError('CERT_MALFORMED', `${CERTIFICATE}: is not one certificate`);
  const chainText = annotations[CHAIN];
  const chain = isAbsent(chainText) ? [] : parseCertificatesPem(chainText);
  if (chain.length > MAX_CHAIN)
    throw new VerificationError('LIMIT_EXCEEDED', `${CHAIN}: holds too many certificates`);
  return { kind: 'certificate', leaf: leaf.der, chain: chain.map(({ der }) => der) };
}

/** cosign writes annotations without content for what it has not; other blanks are no such thing. */
function isAbsent(text: string | undefined): text is undefined {
  return text === undefined || text === '';
}

function timestampOf(json: string): Buffer {
  const stamp = asObject(parse(Buffer.from(json), 'timestamp annotation'));
  return base64(stamp?.['SignedRFC3161Timestamp'], 'timestamp annotation');
}

interface Envelope {
  readonly payloadType: string;
  readonly payload: Buffer;
  readonly signature: Buffer;
}

function parseEnvelope(bytes: Buffer): Envelope {
  const root = asObject(parse(bytes, 'envelope'));
  const { payloadType, payload, signatures } = root ?? {};
  if (typeof payloadType !== 'string') throw malformedBundle('payloadType is not a string');
  const [only, ...more] = Array.isArray(signatures) ? (signatures as unknown[]) : [];
  if (only === undefined || more.length > 0)
    throw malformedBundle('envelope does not hold exactly one signature');
  return {
    payloadType,
    payload: base64(payload, 'payload'),
    signature: base64(asObject(only)?.['sig'], 'sig'),
  };
}

function parse(bytes: Uint8Array, what: string): unknown {
  return parseStrictJson(bytes, { code: 'BUNDLE_MALFORMED', maxDepth: MAX_DEPTH, what });
}

function base64(text: unknown, what: string): Buffer {
  if (typeof text !== 'string') throw malformedBundle(`${what} is not a string`);
  return decodeBase64(text, 'BUNDLE_MALFORMED', what);
}

function bytesOf({ bytes }: RawSignature): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Bundle, MessageSignature } from '@sigstore/bundle';
import { HashAlgorithm, type Envelope } from '@sigstore/protobuf-specs';
import { parseStatement } from '../attestation/index.ts';
import { VerificationError } from '../error.ts';
import type { Evidence, RawSignature } from '../ports.ts';
import { isSelfSigned, parseCertificate } from '../trust/index.ts';
import { malformedBundle, parseBundle } from './bundle-json.ts';
import type { SignedContent, SigningMaterial } from './entity.ts';
import { entriesOfBundle } from './log/index.ts';
import { readOnce, type Claim, type ReadSignature } from './read.ts';

const MAX_CHAIN = 10;
/** Both spellings: the bundles that may have promises alone. */
const V01 = /0\.1(?:\+json)?$/;
/** Algorithms of a message digest; that of the signature is decided by the key. */
const MESSAGE_HASHES: ReadonlyMap<HashAlgorithm, string> = new Map([
  [HashAlgorithm.SHA2_256, 'sha256'],
  [HashAlgorithm.SHA2_384, 'sha384'],
  [HashAlgorithm.SHA2_512, 'sha512'],
]);

/** Who pushes to a repository may make bundles costly to read: each is read once, not once an authority. */
const bundleOf = readOnce((signature: RawSignature) => parseBundle(signature.bytes));
const partsOf = readOnce(partsOfBundle);
const statementOf = readOnce(({ payload }: Envelope) => parseStatement(payload));

/**
 * Reads a Sigstore bundle v0.1 to v0.3. Throws BUNDLE_MALFORMED, CERT_MALFORMED for a certificate that
 * is none, CERT_CHAIN_INVALID for a bundle that brings a root of its own, and LIMIT_EXCEEDED.
 */
export function readBundle(signature: RawSignature, evidence: Evidence): ReadSignature {
  const bundle = bundleOf(signature);
  const { material, entries, timestamps } = partsOf(bundle);
  const { content, claim } =
    bundle.content.$case === 'messageSignature'
      ? messageOf(bundle.content.messageSignature, evidence)
      : envelopeOf(bundle.content.dsseEnvelope);
  return {
    entity: { content, material, entries, timestamps },
    claim,
    imprints: [content.signature],
  };
}

interface Parts {
  readonly material: SigningMaterial;
  readonly entries: ReadSignature['entity']['entries'];
  readonly timestamps: readonly Buffer[];
}

function partsOfBundle({ mediaType, verificationMaterial }: Bundle): Parts {
  const { timestampVerificationData, tlogEntries } = verificationMaterial;
  const entries = entriesOfBundle(tlogEntries);
  // The library is content with a checkpoint that holds nothing.
  if (!V01.test(mediaType) && entries.some(({ proof }) => proof?.checkpoint === undefined))
    throw malformedBundle('an entry lacks the checkpoint that bundles have from v0.2 on');
  return {
    material: materialOf(verificationMaterial.content),
    entries,
    timestamps: (timestampVerificationData?.rfc3161Timestamps ?? []).map((t) => t.signedTimestamp),
  };
}

function materialOf(content: Bundle['verificationMaterial']['content']): SigningMaterial {
  switch (content.$case) {
    case 'publicKey':
      return { kind: 'key', hint: content.publicKey.hint };
    case 'certificate':
      return { kind: 'certificate', leaf: certificateOf(content.certificate.rawBytes), chain: [] };
    case 'x509CertificateChain': {
      const [leaf, ...chain] = content.x509CertificateChain.certificates.map((c) => c.rawBytes);
      if (leaf === undefined) throw malformedBundle('the certificate chain is empty');
      if (chain.length > MAX_CHAIN)
        throw new VerificationError('LIMIT_EXCEEDED', 'bundle: the certificate chain is too long');
      // A root comes from the record of trust, never along with a signature (Sigstore bundle format).
      if (chain.some((der) => isSelfSigned(parseCertificate(der))))
        throw new VerificationError('CERT_CHAIN_INVALID', 'bundle: brings a root certificate');
      return { kind: 'certificate', leaf: certificateOf(leaf), chain };
    }
  }
}

/** The same bytes, where they are a certificate. */
function certificateOf(der: Buffer): Buffer {
  parseCertificate(der);
  return der;
}

interface Content {
  readonly content: SignedContent;
  readonly claim: Claim;
}

function envelopeOf(envelope: Envelope): Content {
  const { payload, payloadType, signatures } = envelope;
  // parseBundle saw to it that there is exactly one; nothing verifies with an empty signature.
  const [{ sig: signature } = { sig: Buffer.alloc(0) }] = signatures;
  return {
    content: { kind: 'dsse', payloadType, payload, signature },
    claim: { kind: 'statement', payloadType, statement: () => statementOf(envelope) },
  };
}

function messageOf({ messageDigest, signature }: MessageSignature, evidence: Evidence): Content {
  const algorithm = MESSAGE_HASHES.get(messageDigest.algorithm);
  if (algorithm === undefined) throw malformedBundle('algorithm of messageDigest is not known');
  const { bytes } = evidence.manifest;
  const message = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes);
  return {
    content: { kind: 'message', message, signature },
    claim: { kind: 'manifest', algorithm, stated: messageDigest.digest },
  };
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { createHash, createPublicKey, X509Certificate } from 'node:crypto';
import { canonicalJson } from '../../verification/index.ts';
import type { LogKind } from '../../verification/testing/index.ts';

/** What a client of Rekor v1 asks to be recorded. */
export interface ProposedEntry {
  readonly apiVersion: string;
  readonly kind: string;
  readonly spec: unknown;
}

/** What Rekor v1 records instead. */
export interface RecordedEntry {
  readonly kind: LogKind;
  readonly body: Buffer;
}

/**
 * The canonical body of a proposed entry. Rekor itself checks the signature before; this does not,
 * and takes the first verifier of a DSSE entry for that of all its signatures. Throws for a kind
 * that nothing here is recorded with.
 */
export function recordedOf({ apiVersion, kind, spec }: ProposedEntry): RecordedEntry {
  const name = `${kind} ${apiVersion}`;
  const record = (recorded: unknown, as: LogKind): RecordedEntry => ({
    kind: as,
    body: Buffer.from(canonicalJson({ apiVersion, kind, spec: recorded })),
  });
  switch (name) {
    case 'hashedrekord 0.0.1':
      return record(hashedRekord(spec as HashedRekord), name);
    case 'dsse 0.0.1':
      return record(dsse(spec as ProposedDsse), name);
    case 'intoto 0.0.2':
      return record(inToto(spec as ProposedInToto), name);
    default:
      throw new Error(`entries of ${name} are not taken`);
  }
}

interface HashedRekord {
  readonly data: { readonly hash: { readonly algorithm: string; readonly value: string } };
  readonly signature: {
    readonly content: string;
    readonly publicKey: { readonly content: string };
  };
}

function hashedRekord({ data, signature }: HashedRekord): HashedRekord {
  const { algorithm, value } = data.hash;
  const content = canonicalPem(signature.publicKey.content);
  return {
    data: { hash: { algorithm, value } },
    signature: { content: signature.content, publicKey: { content } },
  };
}

interface ProposedDsse {
  readonly proposedContent: { readonly envelope: string; readonly verifiers: readonly string[] };
}

interface Envelope {
  readonly payload: string;
  readonly signatures: readonly { readonly sig: string }[];
}

/** Hashes of the envelope, as it was sent, and of its payload; neither of them themselves. */
function dsse({ proposedContent }: ProposedDsse): unknown {
  const { envelope, verifiers } = proposedContent;
  const { payload, signatures } = JSON.parse(envelope) as Envelope;
  const verifier = canonicalPem(verifiers[0] ?? '');
  return {
    envelopeHash: sha256(Buffer.from(envelope)),
    payloadHash: sha256(Buffer.from(payload, 'base64')),
    signatures: signatures
      .map(({ sig }) => ({ signature: sig, verifier }))
      .toSorted((a, b) => (a.signature < b.signature ? -1 : 1)),
  };
}

interface ProposedInToto {
  readonly content: {
    readonly envelope: {
      readonly payload: string;
      readonly payloadType: string;
      readonly signatures: readonly unknown[];
    };
    readonly hash: unknown;
  };
}

/** The envelope without its payload. All of its strings are in base64 once more, the payload too. */
function inToto({ content }: ProposedInToto): unknown {
  const { payload, payloadType, signatures } = content.envelope;
  const bytes = Buffer.from(Buffer.from(payload, 'base64').toString(), 'base64');
  return {
    content: {
      envelope: { payloadType, signatures },
      hash: content.hash,
      payloadHash: sha256(bytes),
    },
  };
}

/** A certificate or public key, PEM in base64, with lines as everybody breaks them. */
function canonicalPem(base64: string): string {
  const pem = Buffer.from(base64, 'base64').toString();
  const written = pem.includes('CERTIFICATE')
    ? new X509Certificate(pem).toString()
    : createPublicKey(pem).export({ type: 'spki', format: 'pem' }).toString();
  return Buffer.from(written).toString('base64');
}

function sha256(bytes: Buffer): { readonly algorithm: 'sha256'; readonly value: string } {
  return { algorithm: 'sha256', value: createHash('sha256').update(bytes).digest('hex') };
}

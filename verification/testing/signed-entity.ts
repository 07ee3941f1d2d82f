// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { sign } from 'node:crypto';
import { preAuthEncoding } from '../attestation/pae.ts';
import type { SignedEntity, SigningMaterial } from '../cosign/entity.ts';
import { parsePublicKeys, type TrustedKey } from '../trust/index.ts';
import type { TestCertificate } from './certificate.ts';
import type { KeyIssuer } from './issuer.ts';

const STATEMENT_PAYLOAD = 'application/vnd.in-toto+json';

/** A signature in the one shape for every format, without log entries and timestamps. */
export interface TestSigned {
  readonly entity: SignedEntity;
  /** The certificate or key that it is verified with. */
  readonly pem: string;
  /** The key, where there is no certificate. */
  readonly key: TrustedKey | undefined;
}

/** Signs bytes, as the payload of a `.sig` layer or as a message signature. */
export function signMessage(signer: KeyIssuer | TestCertificate, message: Buffer): TestSigned {
  const signature = signBytes(signer, message);
  return signedBy(signer, { kind: 'message', message, signature });
}

/** Signs a statement in an envelope, whose bytes are known as those of a layer of a `.att` image are. */
export function signEnvelope(
  signer: KeyIssuer | TestCertificate,
  statement: object,
  options: { readonly payloadType?: string; readonly payload?: Buffer } = {},
): TestSigned {
  const { payloadType = STATEMENT_PAYLOAD, payload = Buffer.from(JSON.stringify(statement)) } =
    options;
  const signature = signBytes(signer, preAuthEncoding(payloadType, payload));
  const envelope = Buffer.from(
    JSON.stringify({
      payloadType,
      payload: payload.toString('base64'),
      signatures: [{ keyid: '', sig: signature.toString('base64') }],
    }),
  );
  return signedBy(signer, { kind: 'dsse', payloadType, payload, signature, envelope });
}

function signedBy(
  signer: KeyIssuer | TestCertificate,
  content: SignedEntity['content'],
): TestSigned {
  const isCertificate = 'der' in signer;
  const material: SigningMaterial = isCertificate
    ? { kind: 'certificate', leaf: signer.der, chain: [] }
    : { kind: 'key', hint: hintOf(signer) };
  const pem = isCertificate ? signer.pem : signer.publicKeyPem;
  const [key] = isCertificate ? [] : parsePublicKeys(pem);
  return { entity: { content, material, entries: [], timestamps: [] }, pem, key };
}

/** The hash of the key, as cosign names keys in bundles. */
function hintOf({ fingerprint }: KeyIssuer): string {
  return Buffer.from(fingerprint.slice('sha256:'.length), 'hex').toString('base64');
}

function signBytes(signer: KeyIssuer | TestCertificate, bytes: Buffer): Buffer {
  if (!('der' in signer)) return signer.sign(bytes);
  const hash = signer.privateKey.asymmetricKeyType === 'ed25519' ? null : 'sha256';
  return sign(hash, bytes, signer.privateKey);
}

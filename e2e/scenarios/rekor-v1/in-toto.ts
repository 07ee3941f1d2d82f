// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { createHash } from 'node:crypto';
import { withEntry } from './evidence.ts';

interface Envelope {
  readonly payload: string;
  readonly payloadType: string;
  readonly signatures: readonly { readonly sig: string }[];
}

interface Attested {
  readonly dsseEnvelope: Envelope;
  readonly verificationMaterial: { readonly certificate: { readonly rawBytes: string } };
}

interface Answered {
  readonly body: string;
  readonly integratedTime: number;
  readonly logID: string;
  readonly logIndex: number;
  readonly verification: {
    readonly signedEntryTimestamp: string;
    readonly inclusionProof: {
      readonly checkpoint: string;
      readonly hashes: readonly string[];
      readonly logIndex: number;
      readonly rootHash: string;
      readonly treeSize: number;
    };
  };
}

/**
 * Records an attestation in a Rekor v1 as clients did before the log knew DSSE, as `intoto` 0.0.2;
 * answers the bundle with that entry in place of its own.
 */
export async function recordedAsInToto(logUrl: string, bundle: string): Promise<string> {
  const response = await fetch(`${logUrl}/api/v1/log/entries`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(proposed(JSON.parse(bundle) as Attested)),
  });
  const [entry] = Object.values((await response.json()) as Record<string, Answered>);
  if (response.status !== 201 || entry === undefined) throw new Error('the log takes no entry');
  return withEntry(bundle, () => bundled(entry));
}

/** Strings of the envelope are in base64 once more; the hash is over it with keys inside. */
function proposed({ dsseEnvelope, verificationMaterial }: Attested): unknown {
  const { payload, payloadType, signatures } = dsseEnvelope;
  const { rawBytes } = verificationMaterial.certificate;
  const lines = rawBytes.match(/.{1,64}/g) ?? [];
  const pem = ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
  const publicKey = base64(pem);
  const envelope = {
    payload: base64(payload),
    payloadType,
    signatures: signatures.map(({ sig }) => ({ publicKey, sig: base64(sig) })),
  };
  const value = createHash('sha256').update(JSON.stringify(envelope)).digest('hex');
  const content = { envelope, hash: { algorithm: 'sha256', value } };
  return { apiVersion: '0.0.2', kind: 'intoto', spec: { content } };
}

function bundled({ body, integratedTime, logID, logIndex, verification }: Answered): {
  readonly integratedTime: string;
} {
  const { inclusionProof: proof, signedEntryTimestamp } = verification;
  const inclusionProof = {
    logIndex: String(proof.logIndex),
    treeSize: String(proof.treeSize),
    rootHash: fromHex(proof.rootHash),
    hashes: proof.hashes.map(fromHex),
    checkpoint: { envelope: proof.checkpoint },
  };
  const entry = {
    logIndex: String(logIndex),
    logId: { keyId: fromHex(logID) },
    kindVersion: { kind: 'intoto', version: '0.0.2' },
    integratedTime: String(integratedTime),
    inclusionPromise: { signedEntryTimestamp },
    inclusionProof,
    canonicalizedBody: body,
  };
  return entry;
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

function fromHex(hex: string): string {
  return Buffer.from(hex, 'hex').toString('base64');
}

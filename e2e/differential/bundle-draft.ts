// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

/** A bundle as cosign writes it, to be changed in any way. */
export interface BundleDraft {
  mediaType?: string;
  verificationMaterial: {
    certificate?: { rawBytes: string };
    publicKey?: { hint?: string };
    x509CertificateChain?: { certificates: { rawBytes: string }[] };
    tlogEntries?: EntryDraft[];
    timestampVerificationData?: { rfc3161Timestamps: { signedTimestamp: string }[] };
    [more: string]: unknown;
  };
  dsseEnvelope: {
    payload: string;
    payloadType: string;
    signatures: { sig: string; keyid?: string }[];
  };
  [more: string]: unknown;
}

/** A log entry of Rekor v2 as cosign writes it. */
export interface EntryDraft {
  logIndex?: string | number;
  logId: { keyId: string };
  kindVersion: { kind: string; version: string };
  inclusionProof: {
    logIndex?: string;
    rootHash: string;
    treeSize: string;
    hashes?: string[];
    checkpoint: { envelope: string };
    [more: string]: unknown;
  };
  canonicalizedBody: string;
  [more: string]: unknown;
}

/** Reads a bundle that cosign wrote. */
export function draftOf(bundle: string): BundleDraft {
  return JSON.parse(bundle) as BundleDraft;
}

/** The log entries. */
export function entriesOf(draft: BundleDraft): EntryDraft[] {
  return present(draft.verificationMaterial.tlogEntries);
}

/** The timestamps. */
export function stampsOf(draft: BundleDraft): { signedTimestamp: string }[] {
  return present(draft.verificationMaterial.timestampVerificationData).rfc3161Timestamps;
}

/** The first log entry. */
export function entryOf(draft: BundleDraft): EntryDraft {
  return present(entriesOf(draft)[0]);
}

/** The first timestamp. */
export function stampOf(draft: BundleDraft): { signedTimestamp: string } {
  return present(stampsOf(draft)[0]);
}

/** The only signature. */
export function signatureOf(draft: BundleDraft): { sig: string; keyid?: string } {
  return present(draft.dsseEnvelope.signatures[0]);
}

/** The certificate. */
export function leafOf(draft: BundleDraft): { rawBytes: string } {
  return present(draft.verificationMaterial.certificate);
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the bundle has none');
  return value;
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { asObject } from '../encoding/index.ts';
import { VerificationError } from '../error.ts';

/** Members by name; of a list, those of each item. Without names there is nothing further in. */
interface Members {
  readonly [name: string]: Members;
}

const VALUE: Members = {};

const BUNDLE: Members = {
  mediaType: VALUE,
  verificationMaterial: {
    publicKey: { hint: VALUE },
    certificate: { rawBytes: VALUE },
    x509CertificateChain: { certificates: { rawBytes: VALUE } },
    tlogEntries: {
      logIndex: VALUE,
      logId: { keyId: VALUE },
      kindVersion: { kind: VALUE, version: VALUE },
      integratedTime: VALUE,
      inclusionPromise: { signedEntryTimestamp: VALUE },
      inclusionProof: {
        logIndex: VALUE,
        rootHash: VALUE,
        treeSize: VALUE,
        hashes: VALUE,
        checkpoint: { envelope: VALUE },
      },
      canonicalizedBody: VALUE,
    },
    timestampVerificationData: { rfc3161Timestamps: { signedTimestamp: VALUE } },
  },
  messageSignature: { messageDigest: { algorithm: VALUE, digest: VALUE }, signature: VALUE },
  dsseEnvelope: { payload: VALUE, payloadType: VALUE, signatures: { sig: VALUE, keyid: VALUE } },
};

/**
 * Throws BUNDLE_MALFORMED where a bundle has a member that its format does not name. Readers that know
 * more members, or other spellings of these, would read something else than we verify.
 */
export function refuseUnknownMembers(bundle: unknown): void {
  refuseUnknown(bundle, BUNDLE);
}

function refuseUnknown(value: unknown, members: Members): void {
  if (members === VALUE) return;
  if (Array.isArray(value)) {
    for (const item of value as readonly unknown[]) refuseUnknown(item, members);
    return;
  }
  for (const [name, member] of Object.entries(asObject(value) ?? {})) {
    const known = Object.hasOwn(members, name) ? members[name] : undefined;
    if (known === undefined)
      throw new VerificationError('BUNDLE_MALFORMED', 'bundle: has a member that no version names');
    refuseUnknown(member, known);
  }
}

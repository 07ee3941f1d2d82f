// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

/** What was signed and the signature over it, whatever it was wrapped in. Nothing is verified yet. */
export type SignedContent =
  | {
      readonly kind: 'dsse';
      readonly payloadType: string;
      readonly payload: Buffer;
      readonly signature: Buffer;
      /** The envelope's own bytes where they are known (a layer of a `.att` image); bundles lose them. */
      readonly envelope?: Buffer;
    }
  | {
      readonly kind: 'message';
      /** The bytes that the signature is made over: a simple signing payload, or the manifest itself. */
      readonly message: Buffer;
      readonly signature: Buffer;
    };

/** What the signature is said to be made with. */
export type SigningMaterial =
  | { readonly kind: 'key'; readonly hint?: string }
  | {
      readonly kind: 'certificate';
      /** DER. */
      readonly leaf: Buffer;
      /** DER; not trusted, useful at most as intermediates. */
      readonly chain: readonly Buffer[];
    };

/** Proof that an entry is in the tree of a log (Rekor v1 and v2). */
export interface InclusionProof {
  /** Index in the tree, which is not the global index of a sharded log. */
  readonly logIndex: bigint;
  readonly treeSize: bigint;
  readonly rootHash: Buffer;
  readonly hashes: readonly Buffer[];
  /** The signed note; absent in some bundles v0.1. */
  readonly checkpoint?: string;
}

/** An entry of a transparency log as attached to a signature. */
export interface LogEntry {
  readonly logIndex: bigint;
  /** `logId.keyId`. */
  readonly logId: Buffer;
  /** As the bundle states it; the body has its own say, and the two must agree. */
  readonly kind: string;
  readonly version: string;
  /** Seconds since the epoch; 0 where there is none (Rekor v2). */
  readonly integratedTime: bigint;
  /** The canonicalised body, byte by byte. */
  readonly body: Buffer;
  /** Signed entry timestamp (Rekor v1). */
  readonly promise?: Buffer;
  readonly proof?: InclusionProof;
}

/** A signature with all that came attached to it, in one shape for every format. */
export interface SignedEntity {
  readonly content: SignedContent;
  readonly material: SigningMaterial;
  readonly entries: readonly LogEntry[];
  /** RFC 3161 responses, DER. */
  readonly timestamps: readonly Buffer[];
}

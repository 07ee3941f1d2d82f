// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Digest, ImageReference } from './image/reference.ts';
import type { InconclusiveReason, RejectedReason } from './reasons.ts';

/**
 * One signature as found: bytes and where they came from. Nothing about it is verified; annotations
 * and descriptors are hints at best.
 */
export interface RawSignature {
  /**
   * `simple-signing`: a layer of a cosign `.sig` image. `bundle`: a Sigstore bundle. `dsse`: a layer of a
   * cosign `.att` image, an envelope. By the media type of the layer, wherever it was found.
   */
  readonly format: 'simple-signing' | 'bundle' | 'dsse';
  /** Digest of `bytes`, computed by us. Key of the fact cache together with the annotations. */
  readonly digest: Digest;
  /** The payload (simple signing), the bundle JSON, or the envelope JSON. */
  readonly bytes: Uint8Array;
  /**
   * Layer annotations (signature, certificate, chain, bundle, rfc3161timestamp, predicateType);
   * own-property map.
   */
  readonly annotations: Readonly<Record<string, string>>;
  /** Where it was found: `tag`, `referrers-api`, `referrers-tag`, or in an `exception` that it approves. */
  readonly origin: 'tag' | 'referrers-api' | 'referrers-tag' | 'exception';
}

/** A part of the evidence that could not be read, or that was refused by a limit. */
export interface EvidenceGap {
  readonly code: InconclusiveReason | RejectedReason;
  /**
   * What was being read, e.g. `referrers of sha256:…`. `signatures` and `attestations` tell what a limit
   * left out; `attestation …` could not have been a signature.
   */
  readonly what: string;
  readonly detail: string;
  /** Present where the registry answered that there is no such thing: not an outage. */
  readonly isAbsence?: true;
}

/** Everything a registry holds about one digest, bound to bytes that we hashed ourselves. */
export interface Evidence {
  /** The digest that was asked for and that `manifest` hashes to. */
  readonly digest: Digest;
  readonly manifest: { readonly mediaType: string; readonly bytes: Uint8Array };
  readonly signatures: readonly RawSignature[];
  /** What is missing. A requirement that is not met although gaps exist may be inconclusive. */
  readonly gaps: readonly EvidenceGap[];
  /**
   * Of the index that the tag of the reference names now, where it was asked for and lists this digest
   * as an image; it has no index of its own. How it was found proves nothing: that its manifest lists
   * the digest (`indexLists`) and that it is signed does.
   */
  readonly index?: Evidence;
}

/** Per-policy registry settings, resolved. */
export interface RegistryOptions {
  /** Repository that holds signatures instead of the image's own, `host/path`. */
  readonly signatureRepository?: string;
  /** PEM certificates to trust for the registry's TLS, in addition to the system's. */
  readonly ca?: string;
}

/** Credentials for one origin. */
export type Credential =
  | { readonly kind: 'basic'; readonly username: string; readonly password: string }
  | { readonly kind: 'identity-token'; readonly token: string };

/** Finds credentials for a repository by exact host and longest path prefix, as kubelet does. */
export interface Keychain {
  /** Stable name of the credential set: part of cache keys; never a secret. */
  readonly identity: string;
  /** `undefined` means anonymous. `host` includes the port, as written in the reference. */
  credentialFor(host: string, repository: string): Credential | undefined;
}

/** Options of one registry operation. */
export interface AccessOptions {
  readonly keychain: Keychain;
  readonly registry: RegistryOptions;
  /** Ends the work; an aborted call rejects with DEADLINE_EXCEEDED. */
  readonly signal: AbortSignal;
}

/** Options of a collection. */
export interface SourceOptions extends AccessOptions {
  /** Whether to read what can only be an attestation: `.att` images, envelopes, large bundles. */
  readonly attestations: boolean;
  /** Whether to read what there is about the index that the tag names, see `Evidence.index`. */
  readonly index: boolean;
}

/**
 * Reads evidence. Implemented by `sources/oci`; the only I/O that verification knows.
 *
 * `collect` rejects with a VerificationError where the image itself cannot be read (its code tells
 * why: REGISTRY_*, DIGEST_MISMATCH, MANIFEST_UNSUPPORTED, LIMIT_EXCEEDED). Parts that cannot be read
 * are gaps, not errors. `resolveTag` answers the digest of a tag, or rejects likewise.
 */
export interface EvidenceSource {
  collect(
    image: ImageReference & { readonly digest: Digest },
    options: SourceOptions,
  ): Promise<Evidence>;
  resolveTag(image: ImageReference, options: AccessOptions): Promise<Digest>;
}

/** A TUF repository that publishes a Sigstore trusted root. */
export type TufRepository =
  /** The public-good instance; its first root is shipped with us. */
  | { readonly kind: 'public-good' }
  /** Another one: where it is served, and the text of the `root.json` that trust in it starts from. */
  | { readonly kind: 'mirror'; readonly mirror: string; readonly root: string };

/** The text of a `trusted_root.json`, and what vouches for it. */
export interface TrustedRootText {
  readonly text: string;
  /** When the TUF metadata that vouches for it expires, RFC 3339; absent for what is shipped with us. */
  readonly expires?: string;
  /** It was shipped with us and may be older than what is published. */
  readonly fromSeed: boolean;
}

/** Reads `trusted_root.json` through TUF. Implemented by `sources/tuf`. */
export interface TrustRootSource {
  /**
   * What is published now. Rejects with TRUST_ROOT_INVALID (metadata that cannot be trusted) or
   * TRUST_ROOT_STALE (mirror not reachable, metadata expired, the signal fired).
   */
  trustedRoot(repository: TufRepository, signal: AbortSignal): Promise<TrustedRootText>;
  /**
   * What is at hand without the network: what an earlier call kept, expired or not, else what is
   * shipped with us; `undefined` where there is neither. Signatures and hashes are checked again.
   */
  knownTrustedRoot(repository: TufRepository): Promise<TrustedRootText | undefined>;
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

/** OCI image manifest. */
export const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
/** OCI image index. */
export const OCI_INDEX = 'application/vnd.oci.image.index.v1+json';
/** Docker image manifest, schema 2. */
export const DOCKER_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';
/** Docker manifest list, schema 2. */
export const DOCKER_LIST = 'application/vnd.docker.distribution.manifest.list.v2+json';
/** Layer of a cosign `.sig` image. */
export const SIMPLE_SIGNING = 'application/vnd.dev.cosign.simplesigning.v1+json';
/** Layer of a cosign `.att` image: an envelope around an attestation. */
const DSSE_ENVELOPE = 'application/vnd.dsse.envelope.v1+json';

const BUNDLE_JSON =
  /^application\/vnd\.dev\.sigstore\.bundle(?:\.v\d+\.\d+)?\+json(?:;\s*version=\d+\.\d+)?$/;

/** What a manifest says it is: one image, or a list of them. */
export type ManifestKind = 'manifest' | 'index';

/** The kind of a manifest media type; `undefined` for one that is not supported (schema 1 among them). */
export function manifestKind(mediaType: string): ManifestKind | undefined {
  if (mediaType === OCI_MANIFEST || mediaType === DOCKER_MANIFEST) return 'manifest';
  return mediaType === OCI_INDEX || mediaType === DOCKER_LIST ? 'index' : undefined;
}

/** True for a Sigstore bundle in JSON of any version, in both spellings of the version. */
export function isSigstoreBundle(mediaType: string): boolean {
  return BUNDLE_JSON.test(mediaType);
}

/** True for a layer that holds a simple signing payload. */
export function isSimpleSigning(mediaType: string): boolean {
  return mediaType === SIMPLE_SIGNING;
}

/** True for a layer that holds a DSSE envelope. */
export function isDsseEnvelope(mediaType: string): boolean {
  return mediaType === DSSE_ENVELOPE;
}

/** A Content-Type header without parameters, in lower case. */
export function essence(contentType: string): string {
  return (contentType.split(';', 1)[0] ?? '').trim().toLowerCase();
}

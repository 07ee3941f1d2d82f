// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

export { digestOf, matchesDigest, type DigestAlgorithm } from './digest.ts';
export { compileImageGlob, type ImageMatcher } from './glob.ts';
export { parseHost, type Host } from './host.ts';
export { indexLists, type RawManifest } from './index-manifest.ts';
export {
  descriptors,
  parseManifest,
  type Descriptor,
  type Manifest,
  type ManifestSource,
  type Platform,
} from './manifest.ts';
export {
  DOCKER_LIST,
  DOCKER_MANIFEST,
  essence,
  isDsseEnvelope,
  isSigstoreBundle,
  isSimpleSigning,
  manifestKind,
  OCI_INDEX,
  OCI_MANIFEST,
  SIMPLE_SIGNING,
  type ManifestKind,
} from './media-types.ts';
export {
  isDigest,
  parseImageReference,
  repositoryName,
  withDigest,
  type Digest,
  type ImageReference,
} from './reference.ts';

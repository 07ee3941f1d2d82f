// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import {
  isDsseEnvelope,
  isSigstoreBundle,
  isSimpleSigning,
  type Descriptor,
  type Digest,
  type Manifest,
} from '../../image/index.ts';
import type { RawSignature } from '../../ports.ts';
import { readTag } from './manifests.ts';
import type { RepositoryReader } from './repository.ts';

/** A blob that may be a signature or an attestation, before its bytes are read. */
export interface Candidate {
  readonly format: RawSignature['format'];
  readonly origin: RawSignature['origin'];
  readonly layer: Descriptor;
}

/**
 * What a manifest holds in signatures and attestations, by the media types of its layers and its own
 * artifactType. A single layer of an artefact that calls itself a bundle is one, whatever the layer is
 * called.
 */
export function candidatesOf(
  manifest: Manifest,
  origin: RawSignature['origin'],
): readonly Candidate[] {
  const claims = [manifest.artifactType, manifest.configType];
  const isBundle = claims.some((type) => type !== undefined && isSigstoreBundle(type));
  const isOnly = manifest.layers.length === 1;
  return manifest.layers.flatMap((layer): readonly Candidate[] => {
    const format = formatOf(layer.mediaType) ?? (isBundle && isOnly ? 'bundle' : undefined);
    return format === undefined ? [] : [{ format, origin, layer }];
  });
}

function formatOf(mediaType: string): Candidate['format'] | undefined {
  if (isSimpleSigning(mediaType)) return 'simple-signing';
  if (isSigstoreBundle(mediaType)) return 'bundle';
  return isDsseEnvelope(mediaType) ? 'dsse' : undefined;
}

/**
 * What is in the image that cosign keeps signatures (`sig`) or attestations (`att`) in, by its tag;
 * empty where there is no such tag. For sha512 no such tag can exist: its name would be too long.
 */
export async function readCosignTag(
  reader: RepositoryReader,
  digest: Digest,
  suffix: 'sig' | 'att',
): Promise<readonly Candidate[]> {
  const tag = `${digest.replace(':', '-')}.${suffix}`;
  if (tag.length > 128) return [];
  const manifest = await readTag(reader, tag);
  return manifest === undefined ? [] : candidatesOf(manifest, 'tag');
}

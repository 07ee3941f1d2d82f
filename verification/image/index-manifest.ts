// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { VerificationError } from '../error.ts';
import { DEFAULT_LIMITS } from '../limits.ts';
import { digestOf } from './digest.ts';
import { parseManifest, type Descriptor, type Platform } from './manifest.ts';
import { manifestKind } from './media-types.ts';
import type { Digest } from './reference.ts';

/** A manifest as it was read, with the type that it was called. */
export interface RawManifest {
  readonly mediaType: string;
  readonly bytes: Uint8Array;
}

/** An image in an index. */
export interface IndexChild {
  readonly digest: Digest;
  /** Absent where the index does not say: then whoever runs it looks into the image. */
  readonly platform?: Platform;
}

/**
 * The images that an index lists: manifests that may run somewhere. Not among them are nested indexes,
 * entries for no platform (`unknown`, as attestations of a build are listed) and entries whose platform
 * is malformed. Throws MANIFEST_UNSUPPORTED for what is no index, or what two parsers read differently.
 */
export function childrenOf(manifest: RawManifest): readonly IndexChild[] {
  const { bytes, mediaType } = manifest;
  const what = 'index';
  const { kind, manifests } = parseManifest(bytes, {
    digest: digestOf(bytes),
    contentType: mediaType,
    what,
    maxDepth: DEFAULT_LIMITS.jsonDepth,
  });
  if (kind !== 'index')
    throw new VerificationError('MANIFEST_UNSUPPORTED', `${what}: it is one image`);
  return manifests.flatMap((entry) => childOf(entry) ?? []);
}

/** Digests by manifest: an index is asked about at every admission, and may be long. */
const listed = new WeakMap<RawManifest, ReadonlySet<Digest>>();

/**
 * True where the manifest is an index that lists the digest as an image (`childrenOf`); false for
 * whatever else it is. Never throws for bad input.
 */
export function indexLists(manifest: RawManifest, child: Digest): boolean {
  const known = listed.get(manifest) ?? digestsIn(manifest);
  listed.set(manifest, known);
  return known.has(child);
}

function digestsIn(manifest: RawManifest): ReadonlySet<Digest> {
  try {
    return new Set(childrenOf(manifest).map(({ digest }) => digest));
  } catch (thrown) {
    if (thrown instanceof VerificationError) return new Set();
    throw thrown;
  }
}

function childOf({ mediaType, digest, platform }: Descriptor): IndexChild | undefined {
  if (manifestKind(mediaType) !== 'manifest' || platform === 'malformed') return undefined;
  if (platform === undefined) return { digest };
  return platform.os === 'unknown' || platform.architecture === 'unknown'
    ? undefined
    : { digest, platform };
}

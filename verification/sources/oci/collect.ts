// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Digest } from '../../image/index.ts';
import type { Limits } from '../../limits.ts';
import type { Evidence, RawSignature } from '../../ports.ts';
import {
  boundCandidates,
  candidatesOf,
  chooseCandidates,
  readSignatureTag,
  type Candidate,
} from './candidates.ts';
import { GapRecorder, notFound } from './gaps.ts';
import type { Manifest } from './manifest.ts';
import { readBlob, readManifest } from './manifests.ts';
import { listByApi, listByTag, readReferrer, type Listed } from './referrers.ts';
import type { RepositoryReader } from './repository.ts';

/** Where to read: the image's own repository, and the one that holds its signatures. */
export interface Places {
  readonly images: RepositoryReader;
  readonly signatures: RepositoryReader;
}

/**
 * Reads everything there is about a digest in three rounds: what exists, what the referrers are,
 * what the signatures are. Rejects where the image's own manifest cannot be read; any other failure
 * is a gap.
 */
export async function collectEvidence(places: Places, digest: Digest): Promise<Evidence> {
  const { images, signatures } = places;
  const gaps = new GapRecorder();
  const [manifest, byApi, byTag, legacy] = await Promise.all([
    imageManifest(images, digest),
    listByApi(signatures, digest, gaps),
    listByTag(signatures, digest, gaps),
    gaps.attempt(`signature tag of ${digest}`, async () => readSignatureTag(signatures, digest)),
  ]);
  const listed = union([...byApi, ...byTag], signatures.limits, gaps);
  const referrers = await Promise.all(
    listed.map(async (entry) => candidatesOfReferrer(signatures, entry, { digest, gaps })),
  );
  const tagged = boundCandidates(legacy ?? [], signatures.limits);
  const chosen = chooseCandidates([tagged, ...referrers], signatures.limits, gaps);
  const found = await readSignatures(signatures, chosen, gaps);
  const { mediaType, bytes } = manifest;
  return { digest, manifest: { mediaType, bytes }, signatures: found, gaps: gaps.list };
}

async function imageManifest(reader: RepositoryReader, digest: Digest): Promise<Manifest> {
  const manifest = await readManifest(reader, digest);
  if (manifest === undefined) throw notFound(`manifest ${digest} of ${reader.name}`);
  return manifest;
}

/** Both lists count: either may lack what the other has. Within the limits on number and bytes, small ones first. */
function union(all: readonly Listed[], limits: Limits, gaps: GapRecorder): readonly Listed[] {
  const byDigest = new Map<Digest, Listed>();
  for (const listed of all) {
    const { digest, size } = listed.descriptor;
    if (size > (byDigest.get(digest)?.descriptor.size ?? -1)) byDigest.set(digest, listed);
  }
  if (byDigest.size > limits.referrers)
    gaps.note('LIMIT_EXCEEDED', 'referrers', `more than ${limits.referrers.toString()}`);
  const counted = [...byDigest.values()].slice(0, limits.referrers);
  let bytes = 0;
  const affordable = new Set(
    counted
      .toSorted((left, right) => left.descriptor.size - right.descriptor.size)
      .filter(({ descriptor }) => (bytes += descriptor.size) <= limits.referrerBytes),
  );
  if (affordable.size < counted.length)
    gaps.note('LIMIT_EXCEEDED', 'referrers', 'their manifests are too large in all');
  return counted.filter((listed) => affordable.has(listed));
}

async function candidatesOfReferrer(
  reader: RepositoryReader,
  listed: Listed,
  about: { readonly digest: Digest; readonly gaps: GapRecorder },
): Promise<readonly Candidate[]> {
  const manifest = await about.gaps.attempt(`referrer ${listed.descriptor.digest}`, async () =>
    readReferrer(reader, listed, about.digest),
  );
  if (manifest === undefined) return [];
  return boundCandidates(candidatesOf(manifest, listed.origin), reader.limits);
}

/** One read a blob: cosign signs one payload several times, with annotations that differ. */
async function readSignatures(
  reader: RepositoryReader,
  chosen: readonly Candidate[],
  gaps: GapRecorder,
): Promise<readonly RawSignature[]> {
  const blobs = new Map<Digest, Promise<Buffer | undefined>>();
  const read = chosen.map(async ({ format, origin, layer }): Promise<readonly RawSignature[]> => {
    const { annotations, digest } = layer;
    const blob =
      blobs.get(digest) ?? gaps.attempt(`blob ${digest}`, async () => readBlob(reader, layer));
    blobs.set(digest, blob);
    const bytes = await blob;
    return bytes === undefined ? [] : [{ format, digest, bytes, annotations, origin }];
  });
  return (await Promise.all(read)).flat();
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Digest } from '../../image/index.ts';
import type { Evidence, RawSignature } from '../../ports.ts';
import { candidatesOf, chooseCandidates, readSignatureTag, type Candidate } from './candidates.ts';
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
  const listed = union([...byApi, ...byTag], signatures.limits.referrers, gaps);
  const referrers = await Promise.all(
    listed.map(async (entry) => candidatesOfReferrer(signatures, entry, { digest, gaps })),
  );
  const chosen = chooseCandidates([legacy ?? [], ...referrers], signatures.limits, gaps);
  const found = await readSignatures(signatures, chosen, gaps);
  const { mediaType, bytes } = manifest;
  return { digest, manifest: { mediaType, bytes }, signatures: found, gaps: gaps.list };
}

async function imageManifest(reader: RepositoryReader, digest: Digest): Promise<Manifest> {
  const manifest = await readManifest(reader, digest);
  if (manifest === undefined) throw notFound(`manifest ${digest} of ${reader.name}`);
  return manifest;
}

/** Both lists count: either may lack what the other has. */
function union(all: readonly Listed[], max: number, gaps: GapRecorder): readonly Listed[] {
  const byDigest = new Map<Digest, Listed>();
  for (const listed of all) {
    if (!byDigest.has(listed.descriptor.digest)) byDigest.set(listed.descriptor.digest, listed);
  }
  if (byDigest.size > max) gaps.note('LIMIT_EXCEEDED', 'referrers', `more than ${max.toString()}`);
  return [...byDigest.values()].slice(0, max);
}

async function candidatesOfReferrer(
  reader: RepositoryReader,
  listed: Listed,
  about: { readonly digest: Digest; readonly gaps: GapRecorder },
): Promise<readonly Candidate[]> {
  const manifest = await about.gaps.attempt(`referrer ${listed.descriptor.digest}`, async () =>
    readReferrer(reader, listed, about.digest),
  );
  return manifest === undefined ? [] : candidatesOf(manifest, listed.origin);
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

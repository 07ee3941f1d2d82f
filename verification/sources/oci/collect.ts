// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { indexLists, type Digest, type ImageReference, type Manifest } from '../../image/index.ts';
import type { Limits } from '../../limits.ts';
import type { Evidence, RawSignature, SourceOptions } from '../../ports.ts';
import { candidatesOf, readCosignTag, type Candidate } from './candidates.ts';
import { boundCandidates, chooseCandidates, inTurns, type Chosen } from './choose.ts';
import { GapRecorder, notFound } from './gaps.ts';
import { readBlob, readManifest, readTag } from './manifests.ts';
import { listByApi, listByTag, readReferrer, type Listed } from './referrers.ts';
import type { RepositoryReader } from './repository.ts';

/** Where to read: the image's own repository, and the one that holds its signatures. */
export interface Places {
  readonly images: RepositoryReader;
  readonly signatures: RepositoryReader;
}

/** What to read besides signatures. */
export interface Wanted extends Pick<SourceOptions, 'attestations' | 'index'> {
  /** Resolves when this collection may keep many bytes of attestations, which it then does to its end. */
  readonly room: () => Promise<void>;
}

type Found = Pick<Evidence, 'signatures' | 'gaps'>;

/**
 * Reads everything there is about a digest in three rounds: what exists, what the referrers are, what the
 * signatures are. An index is known after the first, so that what there is about it takes one more.
 * Rejects where the image's own manifest cannot be read; any other failure is a gap.
 */
export async function collectEvidence(
  places: Places,
  image: Pick<ImageReference, 'tag'> & { readonly digest: Digest },
  wanted: Wanted,
): Promise<Evidence> {
  const { digest, tag } = image;
  const gaps = new GapRecorder();
  const [{ kind, mediaType, bytes }, found, index] = await Promise.all([
    imageManifest(places.images, digest),
    collectAbout(places.signatures, digest, wanted),
    wanted.index && tag !== undefined
      ? gaps.attempt(`index of ${digest}`, async () =>
          collectIndex(places, { digest, tag }, wanted),
        )
      : undefined,
  ]);
  const evidence = { digest, manifest: { mediaType, bytes }, ...found };
  // What is an index itself is in no other that could speak for it.
  if (kind !== 'manifest') return evidence;
  const all = { ...evidence, gaps: [...found.gaps, ...gaps.list] };
  return index === undefined ? all : { ...all, index };
}

/** The index that the tag names now, where it lists the image. Rejects where it cannot be read. */
async function collectIndex(
  { images, signatures }: Places,
  image: { readonly digest: Digest; readonly tag: string },
  wanted: Wanted,
): Promise<Evidence | undefined> {
  const named = await readTag(images, image.tag);
  if (named === undefined) return undefined;
  const { digest, mediaType, bytes } = named;
  const manifest = { mediaType, bytes };
  if (!indexLists(manifest, image.digest)) return undefined;
  return { digest, manifest, ...(await collectAbout(signatures, digest, wanted)) };
}

/** The signatures and attestations of a digest. Never rejects. */
async function collectAbout(
  reader: RepositoryReader,
  digest: Digest,
  { attestations, room }: Pick<Wanted, 'attestations' | 'room'>,
): Promise<Found> {
  const { limits } = reader;
  const gaps = new GapRecorder();
  const tagged = async (what: string, suffix: 'sig' | 'att'): Promise<readonly Candidate[]> =>
    (await gaps.attempt(`${what} tag of ${digest}`, async () =>
      readCosignTag(reader, digest, suffix),
    )) ?? [];
  const [byApi, byTag, ...legacy] = await Promise.all([
    listByApi(reader, digest, gaps),
    listByTag(reader, digest, gaps),
    tagged('signature', 'sig'),
    attestations ? tagged('attestation', 'att') : [],
  ]);
  const referrers = await Promise.all(
    union([...inTurns([byApi, byTag])], limits, gaps).map(async (entry) =>
      candidatesOfReferrer(reader, entry, { digest, gaps }),
    ),
  );
  const sources = [...legacy.map((list) => boundCandidates(list, limits)), ...referrers];
  const chosen = chooseCandidates(sources, { limits, attestations, gaps });
  const signatures = await readChosen(reader, chosen, { gaps, room });
  return { signatures, gaps: gaps.list };
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
async function readChosen(
  reader: RepositoryReader,
  { signatures, attestations }: Chosen,
  { gaps, room }: Pick<Wanted, 'room'> & { readonly gaps: GapRecorder },
): Promise<readonly RawSignature[]> {
  const blobs = new Map<string, Promise<Buffer | undefined>>();
  const read = async (candidate: Candidate, what: string): Promise<readonly RawSignature[]> => {
    const { format, origin, layer } = candidate;
    const { annotations, digest, size } = layer;
    // Who lies about the size spoils this read, but no other.
    const key = `${digest} ${size.toString()}`;
    const blob =
      blobs.get(key) ?? gaps.attempt(`${what} ${digest}`, async () => readBlob(reader, layer));
    blobs.set(key, blob);
    const bytes = await blob;
    return bytes === undefined ? [] : [{ format, digest, bytes, annotations, origin }];
  };
  const all = async (
    candidates: readonly Candidate[],
    what: string,
  ): Promise<readonly RawSignature[]> =>
    (await Promise.all(candidates.map(async (candidate) => read(candidate, what)))).flat();
  const bytes = attestations.reduce((sum, { layer }) => sum + layer.size, 0);
  // Signatures wait for nobody.
  const found = await Promise.all([
    all(signatures, 'blob'),
    (bytes > reader.limits.collectionBytes ? room() : Promise.resolve()).then(async () =>
      all(attestations, 'attestation'),
    ),
  ]);
  return found.flat();
}

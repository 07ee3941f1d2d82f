// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { isSigstoreBundle, isSimpleSigning, type Digest } from '../../image/index.ts';
import type { Limits } from '../../limits.ts';
import type { RawSignature } from '../../ports.ts';
import type { GapRecorder } from './gaps.ts';
import type { Descriptor, Manifest } from './manifest.ts';
import type { RepositoryReader } from './repository.ts';
import { readTag } from './manifests.ts';

/** A blob that may be a signature, before its bytes are read. */
export interface Candidate {
  readonly format: RawSignature['format'];
  readonly origin: RawSignature['origin'];
  readonly layer: Descriptor;
}

/**
 * What a manifest holds in signatures, by the media types of its layers and its own artifactType.
 * A single layer of an artefact that calls itself a bundle is one, whatever the layer is called.
 */
export function candidatesOf(
  manifest: Manifest,
  origin: RawSignature['origin'],
): readonly Candidate[] {
  const claims = [manifest.artifactType, manifest.configType];
  const isBundle = claims.some((type) => type !== undefined && isSigstoreBundle(type));
  const isOnly = manifest.layers.length === 1;
  return manifest.layers.flatMap((layer): readonly Candidate[] => {
    if (isSimpleSigning(layer.mediaType)) return [{ format: 'simple-signing', origin, layer }];
    if (isSigstoreBundle(layer.mediaType)) return [{ format: 'bundle', origin, layer }];
    return isBundle && isOnly ? [{ format: 'bundle', origin, layer }] : [];
  });
}

/**
 * The signatures of the tag that cosign keeps them under; empty where there is no such tag. For
 * sha512 no such tag can exist: its name would be too long.
 */
export async function readSignatureTag(
  reader: RepositoryReader,
  digest: Digest,
): Promise<readonly Candidate[]> {
  const tag = `${digest.replace(':', '-')}.sig`;
  if (tag.length > 128) return [];
  const manifest = await readTag(reader, tag);
  return manifest === undefined ? [] : candidatesOf(manifest, 'tag');
}

/**
 * The candidates of one manifest that can matter: each once, the smallest of them, and one more than is
 * ever chosen, so that choosing tells of the rest. A manifest can name tens of thousands, and there can
 * be a thousand such referrers (A9).
 */
export function boundCandidates(
  candidates: readonly Candidate[],
  limits: Limits,
): readonly Candidate[] {
  if (candidates.length <= limits.signatures) return candidates;
  const distinct = new Map(candidates.map((candidate) => [keyOf(candidate), candidate]));
  return smallestFirst([...distinct.values()]).slice(0, limits.signatures + 1);
}

/**
 * Chooses what is read, within the limits on number and bytes, and notes what is not. Every source
 * has its turn before any has a second one, and small blobs come first: who floods one place with
 * junk neither hides what is elsewhere, nor fills our memory (X41).
 */
export function chooseCandidates(
  sources: readonly (readonly Candidate[])[],
  limits: Limits,
  gaps: GapRecorder,
): readonly Candidate[] {
  const seen = new Set<string>();
  const chosen: Candidate[] = [];
  let bytes = 0;
  let dropped = 0;
  for (const candidate of inTurns(sources.map(smallestFirst))) {
    const key = keyOf(candidate);
    if (seen.has(key)) continue;
    seen.add(key);
    const { size } = candidate.layer;
    const isBlobTooLong = size > limits.signatureBytes;
    // Too large a bundle holds an attestation: no signature, however genuine, and so nothing is left out.
    if (isBlobTooLong && candidate.format === 'bundle') continue;
    if (
      isBlobTooLong ||
      chosen.length >= limits.signatures ||
      bytes + size > limits.collectionBytes
    ) {
      dropped += 1;
      continue;
    }
    bytes += size;
    chosen.push(candidate);
  }
  if (dropped > 0) {
    const detail = `${dropped.toString()} signatures or more exceed the limits and were not read`;
    gaps.note('LIMIT_EXCEEDED', 'signatures', detail);
  }
  return chosen;
}

function keyOf({ layer }: Candidate): string {
  return JSON.stringify([layer.digest, layer.annotations]);
}

function smallestFirst(source: readonly Candidate[]): readonly Candidate[] {
  return source.toSorted((left, right) => left.layer.size - right.layer.size);
}

function* inTurns<T>(lists: readonly (readonly T[])[]): Generator<T> {
  const longest = Math.max(0, ...lists.map((list) => list.length));
  for (let turn = 0; turn < longest; turn += 1) {
    for (const list of lists) {
      const item = list[turn];
      if (item !== undefined) yield item;
    }
  }
}

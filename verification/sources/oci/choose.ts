// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Limits } from '../../limits.ts';
import type { Candidate } from './candidates.ts';
import type { GapRecorder } from './gaps.ts';

/** What is chosen to be read of one digest. */
export interface Chosen {
  /** What may be signatures; small bundles may be attestations as well. */
  readonly signatures: readonly Candidate[];
  /** What can be nothing but attestations, and bundles that found no place above. */
  readonly attestations: readonly Candidate[];
}

/** How choosing is done. */
export interface ChooseOptions {
  readonly limits: Limits;
  /** Whether attestations are asked for; otherwise they are passed over, as nothing is left out. */
  readonly attestations: boolean;
  readonly gaps: GapRecorder;
}

/**
 * True for what can be nothing but an attestation: an envelope, and a bundle that is too large for a
 * signature.
 */
export function isAttestation({ format, layer }: Candidate, limits: Limits): boolean {
  return format === 'dsse' || (format === 'bundle' && layer.size > limits.signatureBytes);
}

/**
 * The candidates of one manifest that can matter: each once, the smallest of them, and one more of each
 * sort than is ever chosen, so that choosing tells of the rest. A manifest can name tens of thousands,
 * and there can be a thousand such referrers (A9).
 */
export function boundCandidates(
  candidates: readonly Candidate[],
  limits: Limits,
): readonly Candidate[] {
  if (candidates.length <= Math.min(limits.signatures, limits.attestations)) return candidates;
  const distinct = new Map(candidates.map((candidate) => [keyOf(candidate), candidate]));
  const { attestations = [], signatures = [] } = Object.groupBy(
    smallestFirst([...distinct.values()]),
    (candidate) => (isAttestation(candidate, limits) ? 'attestations' : 'signatures'),
  );
  // What finds no place among signatures may find one among attestations.
  return [
    ...signatures.slice(0, limits.signatures + limits.attestations + 1),
    ...attestations.slice(0, limits.attestations + 1),
  ];
}

/**
 * Chooses what is read, within the limits on number and bytes, and notes what is not. Signatures and
 * attestations have budgets of their own. Within each, every source has its turn before any has a second
 * one, and small blobs come first: who floods one place with junk neither hides what is elsewhere, nor
 * fills our memory (X41).
 */
export function chooseCandidates(
  sources: readonly (readonly Candidate[])[],
  options: ChooseOptions,
): Chosen {
  const { limits, gaps } = options;
  const small = inFairOrder(sources, (candidate) => !isAttestation(candidate, limits));
  const signatures = new Selection(
    limits.signatures,
    limits.signatureBytes,
    limits.collectionBytes,
  );
  const left = small.filter((candidate) => !signatures.take(candidate));
  if (!options.attestations) {
    noteLeft(gaps, 'signatures', left.length);
    return { signatures: signatures.taken, attestations: [] };
  }
  const attestations = new Selection(
    limits.attestations,
    limits.attestationBytes,
    limits.attestationCollectionBytes,
  );
  const large = inFairOrder(sources, (candidate) => isAttestation(candidate, limits));
  const leftLarge = large.filter((candidate) => !attestations.take(candidate));
  // Last, so that they take no place from what has none but this.
  const leftSmall = left.filter((c) => c.format !== 'bundle' || !attestations.take(c));
  noteLeft(gaps, 'signatures', leftSmall.length);
  noteLeft(gaps, 'attestations', leftLarge.length);
  return { signatures: signatures.taken, attestations: attestations.taken };
}

/** Candidates within one budget. */
class Selection {
  readonly taken: Candidate[] = [];
  readonly #count: number;
  readonly #each: number;
  readonly #all: number;
  #bytes = 0;

  /** At most `count` of `each` bytes, and of `all` bytes together. */
  constructor(count: number, each: number, all: number) {
    this.#count = count;
    this.#each = each;
    this.#all = all;
  }

  /** False where there is no place for it. */
  take(candidate: Candidate): boolean {
    const { size } = candidate.layer;
    const isTooMuch = size > this.#each || this.#bytes + size > this.#all;
    if (isTooMuch || this.taken.length >= this.#count) return false;
    this.#bytes += size;
    this.taken.push(candidate);
    return true;
  }
}

function noteLeft(gaps: GapRecorder, what: 'signatures' | 'attestations', count: number): void {
  if (count === 0) return;
  const detail = `${count.toString()} ${what} or more exceed the limits and were not read`;
  gaps.note('LIMIT_EXCEEDED', what, detail);
}

/** Those of all sources that are wanted, each once, in turns. */
function inFairOrder(
  sources: readonly (readonly Candidate[])[],
  isWanted: (candidate: Candidate) => boolean,
): readonly Candidate[] {
  const byKey = new Map<string, Candidate>();
  for (const candidate of inTurns(
    sources.map((source) => smallestFirst(source.filter(isWanted))),
  )) {
    const key = keyOf(candidate);
    if (!byKey.has(key)) byKey.set(key, candidate);
  }
  return [...byKey.values()];
}

/** Size is part of it, as of all that is announced: who lies about it takes no place from who does not. */
function keyOf({ format, layer }: Candidate): string {
  return JSON.stringify([format, layer.digest, layer.size, layer.annotations]);
}

function smallestFirst(source: readonly Candidate[]): readonly Candidate[] {
  return source.toSorted((left, right) => left.layer.size - right.layer.size);
}

/** The first of every list, then the second of every list, and so on. */
export function* inTurns<T>(lists: readonly (readonly T[])[]): Generator<T> {
  const longest = Math.max(0, ...lists.map((list) => list.length));
  for (let turn = 0; turn < longest; turn += 1) {
    for (const list of lists) {
      const item = list[turn];
      if (item !== undefined) yield item;
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { LRUCache } from 'lru-cache';
import {
  isInconclusive,
  repositoryName,
  toVerificationError,
  VerificationError,
  type Digest,
  type Evidence,
  type EvidenceGap,
  type EvidenceSource,
  type EvidenceState,
  type ImageReference,
  type Keychain,
  type RegistryOptions,
} from '../../verification/index.ts';
import { orWhenAborted } from '../abort.ts';
import type { Clock } from '../clock.ts';

/** Times of the evidence cache, in milliseconds, and its size. */
export interface EvidenceCacheOptions {
  readonly source: EvidenceSource;
  readonly clock: Clock;
  /** How long evidence is used before it is read again in the background. */
  readonly freshMs: number;
  /** How long "there is no signature" and evidence with gaps are used. */
  readonly negativeMs: number;
  /** Bound of one collection; the waiter has a deadline of its own. */
  readonly collectionMs: number;
  /** Estimated bytes kept. */
  readonly maxBytes: number;
  /** Called once for every collection that is started. */
  readonly onCollection?: () => void;
}

/** One image to read evidence of. */
export interface EvidenceRequest {
  readonly image: ImageReference & { readonly digest: Digest };
  readonly keychain: Keychain;
  readonly registry: RegistryOptions;
  /** Whether attestations are needed; false where absent. */
  readonly attestations?: boolean;
  /** Whether the index that the tag names is needed; false where absent, and without a tag. */
  readonly index?: boolean;
  /**
   * Whether what was read completely is used however old it is, also that there is no signature: for who
   * reads again by a clock of its own.
   */
  readonly asKept?: boolean;
}

/** One reading of evidence. */
export interface Collection {
  /** When it began: milliseconds since the epoch, by the wall clock. */
  readonly startedAt: number;
}

interface Entry {
  readonly evidence: Evidence;
  readonly staleAt: number;
  readonly deadAt: number;
}

/**
 * Evidence by digest, repository, registry settings, credential identity and what is asked for: what was
 * read with attestations answers those, too, who need none. Equal requests share one collection, whatever
 * the number of waiters. Failures are not kept, nor is "no signature" where a part
 * could not be read. Evidence that is stale is still answered while it is read again in the background,
 * for as long again as it was fresh (design §5); negative evidence is not. What a failing registry
 * answers does not replace complete evidence that is kept.
 */
export class EvidenceCache {
  readonly #options: EvidenceCacheOptions;
  readonly #entries: LRUCache<string, Entry>;
  readonly #flights = new Map<string, Promise<EvidenceState>>();
  readonly #collections = new WeakMap<Evidence, Collection>();

  constructor(options: EvidenceCacheOptions) {
    this.#options = options;
    this.#entries = new LRUCache({ maxSize: options.maxBytes, sizeCalculation: sizeOf });
  }

  /** What is known now, without I/O; `undefined` where nothing is. Starts a refresh where it is stale. */
  peek(request: EvidenceRequest): Evidence | undefined {
    const key = evidenceKey(request);
    const now = this.#options.clock.monotonic();
    const entry = this.#entries.get(key);
    if (entry !== undefined && now < entry.staleAt) return entry.evidence;
    // More than was asked for, and fresh, saves reading what was.
    const richer = request.attestations === true ? undefined : this.#richer(request);
    if (richer !== undefined && now < richer.staleAt) return richer.evidence;
    if (entry === undefined) return undefined;
    if (request.asKept === true && gapsOf(entry.evidence).length === 0) return entry.evidence;
    if (now >= entry.deadAt) return undefined;
    void this.#collect(key, request);
    return entry.evidence;
  }

  /** Evidence from the cache or the registry. Never rejects; ends early with DEADLINE_EXCEEDED when `signal` aborts. */
  async get(request: EvidenceRequest, signal: AbortSignal): Promise<EvidenceState> {
    const known = this.peek(request);
    if (known !== undefined) return { state: 'collected', evidence: known };
    return await orWhenAborted(
      this.#collect(evidenceKey(request), request),
      signal,
      deadlineExceeded,
    );
  }

  /** Reads again, whatever is kept; on failure the kept evidence stays. Never rejects. */
  async refresh(request: EvidenceRequest, signal: AbortSignal): Promise<EvidenceState> {
    return await orWhenAborted(
      this.#collect(evidenceKey(request), request),
      signal,
      deadlineExceeded,
    );
  }

  /** Forgets what is known, what was read with attestations included. What is being read is not stopped. */
  forget(request: EvidenceRequest): void {
    this.#entries.delete(evidenceKey(request));
    this.#entries.delete(evidenceKey({ ...request, attestations: true }));
  }

  /** The reading that evidence came from; `undefined` for evidence that no reading of this cache brought. */
  collectionOf(evidence: Evidence): Collection | undefined {
    return this.#collections.get(evidence);
  }

  #richer(request: EvidenceRequest): Entry | undefined {
    return this.#entries.get(evidenceKey({ ...request, attestations: true }));
  }

  #collect(key: string, request: EvidenceRequest): Promise<EvidenceState> {
    const running = this.#flights.get(key);
    if (running !== undefined) return running;
    const flight = this.#read(key, request).finally(() => {
      this.#flights.delete(key);
    });
    this.#flights.set(key, flight);
    return flight;
  }

  async #read(key: string, request: EvidenceRequest): Promise<EvidenceState> {
    const { source, clock, collectionMs, onCollection } = this.#options;
    try {
      onCollection?.();
      const startedAt = clock.now().getTime();
      const signal = clock.deadline(collectionMs);
      const { image, keychain, registry, attestations = false } = request;
      const index = asksForIndex(request);
      const reading = source
        .collect(image, { keychain, registry, signal, attestations, index })
        .then((evidence): EvidenceState => {
          this.#collections.set(evidence, { startedAt });
          this.#keep(key, evidence);
          return { state: 'collected', evidence };
        });
      // A source that does not heed its signal must not hold up the key for ever.
      return await orWhenAborted(reading, signal, deadlineExceeded);
    } catch (thrown) {
      return { state: 'failed', error: toVerificationError(thrown) };
    }
  }

  #keep(key: string, evidence: Evidence): void {
    const now = this.#options.clock.monotonic();
    const { freshMs, negativeMs } = this.#options;
    const unread = gapsOf(evidence).some((gap) => isInconclusive(gap.code));
    if (unread && (!holdsSignatures(evidence) || this.#holdsPositive(key, now))) return;
    const positive = isPositive(evidence);
    const staleAt = now + (positive ? freshMs : negativeMs);
    this.#entries.set(key, { evidence, staleAt, deadAt: positive ? now + 2 * freshMs : staleAt });
  }

  #holdsPositive(key: string, now: number): boolean {
    const entry = this.#entries.peek(key);
    return entry !== undefined && now < entry.deadAt && isPositive(entry.evidence);
  }
}

function isPositive(evidence: Evidence): boolean {
  return holdsSignatures(evidence) && gapsOf(evidence).length === 0;
}

function holdsSignatures({ signatures, index }: Evidence): boolean {
  return signatures.length > 0 || (index !== undefined && holdsSignatures(index));
}

/** All that is missing from evidence, the index's included. */
export function gapsOf({ gaps, index }: Evidence): readonly EvidenceGap[] {
  return index === undefined ? gaps : [...gaps, ...gapsOf(index)];
}

function asksForIndex({ image, index }: EvidenceRequest): boolean {
  return index === true && image.tag !== undefined;
}

/** Tells apart what is read: by image, credentials, registry settings and what is asked for. */
export function evidenceKey(request: EvidenceRequest): string {
  const { image, registry, keychain, attestations = false } = request;
  return JSON.stringify([
    image.digest,
    repositoryName(image),
    registry.signatureRepository,
    registry.ca,
    keychain.identity,
    attestations,
    // Only where the index is asked for does it matter by which tag.
    asksForIndex(request) ? image.tag : null,
  ]);
}

function sizeOf(entry: Entry, key: string): number {
  return key.length + bytesOf(entry.evidence);
}

function bytesOf({ signatures, manifest, index }: Evidence): number {
  return signatures.reduce(
    // What is read of a bundle or an envelope is kept with it.
    (sum, s) =>
      sum + (s.format === 'simple-signing' ? 1 : 2) * s.bytes.byteLength + charsOf(s.annotations),
    // What an index lists is remembered.
    1024 +
      manifest.bytes.byteLength +
      (index === undefined ? 0 : index.manifest.bytes.byteLength + bytesOf(index)),
  );
}

function charsOf(annotations: Readonly<Record<string, string>>): number {
  return Object.entries(annotations).reduce(
    (sum, [name, value]) => sum + 2 * (name.length + value.length),
    512,
  );
}

function deadlineExceeded(): EvidenceState {
  const error = new VerificationError(
    'DEADLINE_EXCEEDED',
    'the signatures could not be read in time; reading goes on',
  );
  return { state: 'failed', error };
}

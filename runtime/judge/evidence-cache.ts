// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { LRUCache } from 'lru-cache';
import {
  repositoryName,
  toVerificationError,
  VerificationError,
  type Digest,
  type Evidence,
  type EvidenceSource,
  type EvidenceState,
  type ImageReference,
  type Keychain,
  type RegistryOptions,
} from '../../verification/index.ts';
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
}

interface Entry {
  readonly evidence: Evidence;
  readonly staleAt: number;
  readonly deadAt: number;
}

/**
 * Evidence by digest, repository, registry settings and credential identity. Equal requests share one
 * collection, whatever the number of waiters. Failures are not kept. Evidence that is stale is still
 * answered once while it is read again in the background (design §5); negative evidence is not.
 */
export class EvidenceCache {
  readonly #options: EvidenceCacheOptions;
  readonly #entries: LRUCache<string, Entry>;
  readonly #flights = new Map<string, Promise<EvidenceState>>();

  constructor(options: EvidenceCacheOptions) {
    this.#options = options;
    this.#entries = new LRUCache({ maxSize: options.maxBytes, sizeCalculation: sizeOf });
  }

  /** What is known now, without I/O; `undefined` where nothing is. Starts a refresh where it is stale. */
  peek(request: EvidenceRequest): Evidence | undefined {
    const key = keyOf(request);
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    const now = this.#options.clock.monotonic();
    if (now < entry.staleAt) return entry.evidence;
    if (now >= entry.deadAt) return undefined;
    void this.#collect(key, request);
    return entry.evidence;
  }

  /** Evidence from the cache or the registry. Never rejects; ends early with DEADLINE_EXCEEDED when `signal` aborts. */
  async get(request: EvidenceRequest, signal: AbortSignal): Promise<EvidenceState> {
    const known = this.peek(request);
    if (known !== undefined) return { state: 'collected', evidence: known };
    return await raceDeadline(this.#collect(keyOf(request), request), signal);
  }

  /** Reads again, whatever is kept; on failure the kept evidence stays. Never rejects. */
  async refresh(request: EvidenceRequest, signal: AbortSignal): Promise<EvidenceState> {
    return await raceDeadline(this.#collect(keyOf(request), request), signal);
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
    onCollection?.();
    try {
      const evidence = await source.collect(request.image, {
        keychain: request.keychain,
        registry: request.registry,
        signal: clock.deadline(collectionMs),
      });
      this.#keep(key, evidence);
      return { state: 'collected', evidence };
    } catch (thrown) {
      return { state: 'failed', error: toVerificationError(thrown) };
    }
  }

  #keep(key: string, evidence: Evidence): void {
    const now = this.#options.clock.monotonic();
    const { freshMs, negativeMs } = this.#options;
    const positive = evidence.signatures.length > 0 && evidence.gaps.length === 0;
    const staleAt = now + (positive ? freshMs : negativeMs);
    this.#entries.set(key, { evidence, staleAt, deadAt: positive ? now + 2 * freshMs : staleAt });
  }
}

function keyOf(request: EvidenceRequest): string {
  const { image, registry, keychain } = request;
  return [image.digest, repositoryName(image), registry.signatureRepository ?? '', registry.ca ?? '', keychain.identity].join('\n');
}

function sizeOf(entry: Entry, key: string): number {
  const blobs = entry.evidence.signatures.reduce((sum, s) => sum + s.bytes.byteLength + 512, 0);
  return 1024 + key.length + entry.evidence.manifest.bytes.byteLength + blobs;
}

async function raceDeadline(flight: Promise<EvidenceState>, signal: AbortSignal): Promise<EvidenceState> {
  if (signal.aborted) return deadlineExceeded();
  let onAbort: () => void = () => undefined;
  const aborted = new Promise<EvidenceState>((resolve) => {
    onAbort = () => {
      resolve(deadlineExceeded());
    };
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([flight, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function deadlineExceeded(): EvidenceState {
  const error = new VerificationError('DEADLINE_EXCEEDED', 'the signatures could not be read in time; reading goes on');
  return { state: 'failed', error };
}

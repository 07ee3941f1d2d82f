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
}

interface Entry {
  readonly evidence: Evidence;
  readonly staleAt: number;
  readonly deadAt: number;
}

/**
 * Evidence by digest, repository, registry settings and credential identity. Equal requests share one
 * collection, whatever the number of waiters. Failures are not kept, nor is "no signature" where a part
 * could not be read. Evidence that is stale is still answered while it is read again in the background,
 * for as long again as it was fresh (design §5); negative evidence is not. What a failing registry
 * answers does not replace complete evidence that is kept.
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
    return await orWhenAborted(this.#collect(keyOf(request), request), signal, deadlineExceeded);
  }

  /** Reads again, whatever is kept; on failure the kept evidence stays. Never rejects. */
  async refresh(request: EvidenceRequest, signal: AbortSignal): Promise<EvidenceState> {
    return await orWhenAborted(this.#collect(keyOf(request), request), signal, deadlineExceeded);
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
      const signal = clock.deadline(collectionMs);
      const { image, keychain, registry } = request;
      const reading = source
        .collect(image, { keychain, registry, signal })
        .then((evidence): EvidenceState => {
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
    const unread = evidence.gaps.some((gap) => isInconclusive(gap.code));
    if (unread && (evidence.signatures.length === 0 || this.#holdsPositive(key, now))) return;
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
  return evidence.signatures.length > 0 && evidence.gaps.length === 0;
}

function keyOf(request: EvidenceRequest): string {
  const { image, registry, keychain } = request;
  return JSON.stringify([
    image.digest,
    repositoryName(image),
    registry.signatureRepository,
    registry.ca,
    keychain.identity,
  ]);
}

function sizeOf(entry: Entry, key: string): number {
  const { signatures, manifest } = entry.evidence;
  return signatures.reduce(
    // What is read of a bundle is kept with it.
    (sum, s) => sum + (s.format === 'bundle' ? 2 : 1) * s.bytes.byteLength + charsOf(s.annotations),
    1024 + key.length + manifest.bytes.byteLength,
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

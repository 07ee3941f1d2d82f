// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { LRUCache } from 'lru-cache';
import {
  repositoryName,
  toVerificationError,
  VerificationError,
  type Digest,
  type EvidenceSource,
  type ImageReference,
  type Keychain,
  type RegistryOptions,
} from '../../verification/index.ts';
import { orWhenAborted } from '../abort.ts';
import type { Clock } from '../clock.ts';

/** What the tag cache works with. */
export interface TagDigestsOptions {
  readonly source: Pick<EvidenceSource, 'resolveTag'>;
  readonly clock: Clock;
  /** How long an answer is used, in milliseconds. */
  readonly freshMs: number;
  /** Bound of one resolution, in milliseconds; the waiter has a deadline of its own. */
  readonly resolveMs: number;
  /** Told of every look-up, whether it was known. */
  readonly onLookup?: (hit: boolean) => void;
}

/** One tag to resolve. */
export interface TagRequest {
  /** A reference without digest; without a tag too it means `latest`. */
  readonly image: ImageReference;
  readonly keychain: Keychain;
  readonly registry: RegistryOptions;
}

interface Entry {
  readonly digest: Digest;
  readonly deadAt: number;
}

const KEPT = 10_000;

/**
 * Digests of tags by repository, tag, registry settings and credential identity. Equal requests share
 * one resolution, which goes on when its waiter has given up. Failures are not kept. An answer that is
 * a few seconds old is safe: what is pinned is what is verified (design §5).
 */
export class TagDigests {
  readonly #options: TagDigestsOptions;
  readonly #entries = new LRUCache<string, Entry>({ max: KEPT });
  readonly #flights = new Map<string, Promise<Digest>>();

  constructor(options: TagDigestsOptions) {
    this.#options = options;
  }

  /** The digest of the tag. Rejects with a VerificationError: DEADLINE_EXCEEDED once `signal` aborts. */
  async resolve(request: TagRequest, signal: AbortSignal): Promise<Digest> {
    const key = keyOf(request);
    const entry = this.#entries.get(key);
    const fresh = entry !== undefined && this.#options.clock.monotonic() < entry.deadAt;
    this.#options.onLookup?.(fresh);
    if (fresh) return entry.digest;
    return await orWhenAborted(this.#flight(key, request), signal, tooLate);
  }

  #flight(key: string, request: TagRequest): Promise<Digest> {
    const running = this.#flights.get(key);
    if (running !== undefined) return running;
    const flight = this.#read(key, request).finally(() => {
      this.#flights.delete(key);
    });
    this.#flights.set(key, flight);
    return flight;
  }

  async #read(key: string, { image, keychain, registry }: TagRequest): Promise<Digest> {
    const { source, clock, freshMs, resolveMs } = this.#options;
    try {
      const digest = await source.resolveTag(image, {
        keychain,
        registry,
        signal: clock.deadline(resolveMs),
      });
      this.#entries.set(key, { digest, deadAt: clock.monotonic() + freshMs });
      return digest;
    } catch (thrown) {
      throw toVerificationError(thrown);
    }
  }
}

function keyOf({ image, keychain, registry }: TagRequest): string {
  return [repositoryName(image), image.tag ?? 'latest', registry.ca ?? '', keychain.identity].join(
    '\n',
  );
}

function tooLate(): never {
  throw new VerificationError('DEADLINE_EXCEEDED', 'the tag could not be resolved in time');
}

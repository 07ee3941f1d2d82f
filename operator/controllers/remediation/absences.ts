// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Clock } from '../../../runtime/clock.ts';
import type { Digest } from '../../../verification/index.ts';
import type { ImageAt } from '../workload/index.ts';

/** A digest as a registry has it. */
export interface Place {
  readonly host: string;
  readonly digest: Digest;
}

/** An image that was verified, and where that can be done again. */
export interface Sample extends ImageAt {
  readonly namespace: string;
}

interface Absence {
  readonly firstMs: number;
  lastMs: number;
  isConfirmed: boolean;
}

interface Verified {
  sample: Sample;
  readonly keys: Set<string>;
}

/** So many images that lose their signatures at one registry, and such a part of all, are its own trouble. */
const STORM = { digests: 3, part: 0.2 };
/** Milliseconds that an absence counts after it was last seen, so that one after the other is many, too. */
const COUNTS_MS = 3_600_000;

/**
 * Which images lost their signatures, by registry. A registry that lost many has lost them by itself:
 * nothing is to be concluded from it as long as that lasts.
 */
export class Absences {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #absent = new Map<string, Map<Digest, Absence>>();
  readonly #verified = new Map<string, Map<Digest, Verified>>();
  readonly #placesOf = new Map<string, Place[]>();

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  /** Notes an image of a workload that satisfies what is asked. */
  verified(key: string, { host, digest }: Place, sample: Sample): void {
    this.#absent.get(host)?.delete(digest);
    const images = this.#verified.get(host) ?? new Map<Digest, Verified>();
    this.#verified.set(host, images);
    const known = images.get(digest) ?? { sample, keys: new Set() };
    known.sample = sample;
    images.set(digest, known);
    if (known.keys.has(key)) return;
    known.keys.add(key);
    const places = this.#placesOf.get(key);
    if (places === undefined) this.#placesOf.set(key, [{ host, digest }]);
    else places.push({ host, digest });
  }

  /** Notes that an image lost its signatures. Answers for how many milliseconds that has been known. */
  absent({ host, digest }: Place): number {
    const now = this.#clock.monotonic();
    const images = this.#absent.get(host) ?? new Map<Digest, Absence>();
    this.#absent.set(host, images);
    const known = images.get(digest) ?? { firstMs: now, lastMs: now, isConfirmed: false };
    known.lastMs = now;
    images.set(digest, known);
    return now - known.firstMs;
  }

  /** Notes that a later reading came to the same. */
  confirm({ host, digest }: Place): void {
    const known = this.#absent.get(host)?.get(digest);
    if (known !== undefined) known.isConfirmed = true;
  }

  isConfirmed({ host, digest }: Place): boolean {
    return this.#absent.get(host)?.get(digest)?.isConfirmed ?? false;
  }

  /** Whether a registry lost so many signatures that it is its own trouble. */
  isStorm(host: string): boolean {
    const absent = this.#absentAt(host);
    const all = new Set([...absent, ...(this.#verified.get(host)?.keys() ?? [])]);
    return absent.length >= STORM.digests && absent.length > all.size * STORM.part;
  }

  /** Some images of a registry that were verified last, and are not known to have lost anything. */
  sample(host: string, most: number, random: () => number): readonly Sample[] {
    const absent = new Set(this.#absentAt(host));
    const images = [...(this.#verified.get(host) ?? [])].filter(([digest]) => !absent.has(digest));
    return images
      .map(([, { sample }]) => ({ sample, at: random() }))
      .sort((a, b) => a.at - b.at)
      .slice(0, most)
      .map(({ sample }) => sample);
  }

  /** Forgets a workload that is gone. What it lost counts for its time. */
  forget(key: string): void {
    for (const { host, digest } of this.#placesOf.get(key) ?? []) {
      const images = this.#verified.get(host);
      const known = images?.get(digest);
      known?.keys.delete(key);
      if (known?.keys.size === 0) images?.delete(digest);
      if (images?.size === 0) this.#verified.delete(host);
    }
    this.#placesOf.delete(key);
  }

  #absentAt(host: string): readonly Digest[] {
    const images = this.#absent.get(host);
    if (images === undefined) return [];
    const now = this.#clock.monotonic();
    for (const [digest, { lastMs }] of images) if (now - lastMs >= COUNTS_MS) images.delete(digest);
    return [...images.keys()];
  }
}

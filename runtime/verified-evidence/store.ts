// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { LRUCache } from 'lru-cache';
import type { Evidence } from '../../verification/index.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../log/index.ts';
import type { BoundedFiles } from './bounded-files.ts';
import { entryFileOf, keyHash, MAX_ENTRY_BYTES, readEntryFile, type Entry } from './entry-file.ts';
import { evidenceFileOf, readEvidenceFile, type EvidenceFile } from './evidence-file.ts';
import type {
  EvidenceNote,
  KeepingOutcome,
  KeptEvidence,
  VerifiedEvidence,
} from './kept-evidence.ts';

/** What a store works with. */
export interface StoreOptions {
  readonly files: Pick<BoundedFiles, 'open' | 'read' | 'write' | 'touch' | 'remove'>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Bytes of the evidence of one image; what is larger is not kept. */
  readonly maxEvidenceBytes: number;
  /** Notes that wait to be written, and bytes of their evidence; more are dropped. */
  readonly maxWaiting: number;
  readonly maxWaitingBytes: number;
  /** Bytes of evidence that was read back and is held in memory. */
  readonly maxMemoryBytes: number;
  /** Told of everything that is kept or found, and of everything that is not although it should be. */
  readonly onOutcome?: (outcome: KeepingOutcome) => void;
}

/** Newer evidence that did not satisfy a policy. */
interface Refusal {
  readonly evidence: string;
  readonly collectedAt: number;
}

/** A note on its way to the volume; without a file where it is of a refusal. */
type Waiting =
  | (Pick<Entry, 'collectedAt' | 'satisfied'> & {
      readonly file: EvidenceFile;
      readonly bytes: number;
    })
  | { readonly file?: undefined; readonly bytes: 0 };

type Kept = Extract<Waiting, { readonly file: EvidenceFile }>;

const REFUSED: Waiting = { bytes: 0 };
const MAX_REFUSALS = 10_000;
/** Milliseconds between two lines of log about a volume that fails. */
const QUIET_MS = 60_000;

/**
 * The evidence by which images last satisfied policies, on a volume. Evidence lies there once for all keys
 * that share it, under a name by its content; what a key has is told by a small entry. Notes are written
 * one after the other in the background. A file that is not what was written counts for nothing, and a
 * volume that fails costs nothing but what would have been kept on it.
 */
export class VerifiedEvidenceStore implements VerifiedEvidence {
  readonly #options: StoreOptions;
  /** By hash of the key; the newest note of a key is the one that counts. */
  readonly #waiting = new Map<string, Waiting>();
  #waitingBytes = 0;
  /** At once, whether or not the volume takes it: what is refused must not be taken for good again. */
  readonly #refusals = new LRUCache<string, Refusal>({ max: MAX_REFUSALS });
  readonly #read: LRUCache<string, { readonly evidence: Evidence; readonly bytes: number }>;
  readonly #reading = new Map<string, Promise<Evidence | undefined>>();
  #writing: Promise<void> | undefined;
  #toldAt: number | undefined;
  #closed = false;

  constructor(options: StoreOptions) {
    this.#options = options;
    this.#read = new LRUCache({
      maxSize: options.maxMemoryBytes,
      sizeCalculation: ({ bytes }) => bytes,
    });
  }

  note({ key: written, evidence, collectedAt, verified, satisfied }: EvidenceNote): void {
    if (this.#closed) return;
    const key = keyHash(written);
    const file = evidenceFileOf(evidence);
    if (verified) {
      // Who judged by evidence that was read earlier may be late.
      if ((this.#refusals.get(key)?.collectedAt ?? -Infinity) > collectedAt) return;
      this.#refusals.delete(key);
    } else this.#refusals.set(key, { evidence: file.id, collectedAt });
    const named = satisfied === undefined ? {} : { satisfied };
    const kept = { file, collectedAt, bytes: bytesOf(file), ...named };
    this.#enqueue(key, verified ? kept : REFUSED);
  }

  async find(written: string): Promise<KeptEvidence | undefined> {
    const key = keyHash(written);
    try {
      const entry = await this.#entryOf(key);
      if (entry === undefined) return undefined;
      const evidence = await this.#evidenceOf(entry.evidence);
      if (evidence === undefined) return undefined;
      this.#tell('found');
      const { collectedAt, satisfied } = entry;
      const superseded = this.#isSuperseded(key, entry);
      return { evidence, collectedAt, superseded, ...(satisfied && { satisfied }) };
    } catch (error) {
      this.#fail(error);
      return undefined;
    }
  }

  /** Resolves when what was noted is written or dropped; nothing is noted from then on. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#writing;
  }

  /** Resolves when nothing waits to be written. */
  async idle(): Promise<void> {
    await this.#writing;
  }

  #enqueue(key: string, waiting: Waiting): void {
    this.#dequeue(key);
    const bytes = this.#waitingBytes + waiting.bytes;
    if (waiting.file === undefined ? this.#waiting.size >= MAX_REFUSALS : this.#isFull(bytes)) {
      this.#tell('dropped');
      return;
    }
    this.#waitingBytes = bytes;
    this.#waiting.set(key, waiting);
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = undefined;
    });
  }

  #isFull(bytes: number): boolean {
    const { maxWaiting, maxWaitingBytes } = this.#options;
    return this.#waiting.size >= maxWaiting || bytes > maxWaitingBytes;
  }

  #dequeue(key: string): void {
    this.#waitingBytes -= this.#waiting.get(key)?.bytes ?? 0;
    this.#waiting.delete(key);
  }

  async #writeAll(): Promise<void> {
    for (let next = firstOf(this.#waiting); next !== undefined; next = firstOf(this.#waiting)) {
      const [key, waiting] = next;
      this.#dequeue(key);
      try {
        await this.#options.files.open();
        const outcome =
          waiting.file === undefined ? await this.#supersede(key) : await this.#keep(key, waiting);
        if (outcome !== undefined) this.#tell(outcome);
      } catch (error) {
        this.#fail(error);
      }
    }
  }

  async #keep(key: string, waiting: Kept): Promise<KeepingOutcome> {
    const { files, clock, maxEvidenceBytes } = this.#options;
    const { file, collectedAt, satisfied } = waiting;
    if (bytesOf(file) > maxEvidenceBytes) {
      // What is kept is older than this, which is what counts.
      await files.remove(entryName(key));
      return 'dropped';
    }
    const name = evidenceName(file.id);
    if (!(await files.touch(name, clock.now()))) await files.write(name, file.parts);
    const named = satisfied === undefined ? {} : { satisfied };
    const entry: Entry = { key, evidence: file.id, collectedAt, superseded: false, ...named };
    await files.write(entryName(key), [entryFileOf(entry)]);
    return 'kept';
  }

  /** Marks what is kept under a key where newer evidence is another; that it is the same changes nothing. */
  async #supersede(key: string): Promise<KeepingOutcome | undefined> {
    const { files } = this.#options;
    const entry = await this.#entryOf(key);
    if (entry === undefined || entry.superseded || !this.#isSuperseded(key, entry))
      return undefined;
    try {
      await files.write(entryName(key), [entryFileOf({ ...entry, superseded: true })]);
    } catch (thrown) {
      // A full volume still lets go of what may no longer count.
      await files.remove(entryName(key));
      throw thrown;
    }
    return 'superseded';
  }

  #isSuperseded(key: string, { evidence, superseded }: Entry): boolean {
    const refusal = this.#refusals.get(key);
    return superseded || (refusal !== undefined && refusal.evidence !== evidence);
  }

  async #entryOf(key: string): Promise<Entry | undefined> {
    const bytes = await this.#options.files.read(entryName(key), MAX_ENTRY_BYTES);
    if (bytes === undefined) return undefined;
    const entry = readEntryFile(key, bytes);
    if (entry === undefined) this.#tell('damaged');
    return entry;
  }

  #evidenceOf(id: string): Promise<Evidence | undefined> {
    const known = this.#read.get(id);
    if (known !== undefined) return Promise.resolve(known.evidence);
    const running = this.#reading.get(id);
    if (running !== undefined) return running;
    const reading = this.#readEvidence(id).finally(() => this.#reading.delete(id));
    this.#reading.set(id, reading);
    return reading;
  }

  async #readEvidence(id: string): Promise<Evidence | undefined> {
    const { files, maxEvidenceBytes } = this.#options;
    const bytes = await files.read(evidenceName(id), maxEvidenceBytes);
    if (bytes === undefined) return undefined;
    const evidence = readEvidenceFile(id, bytes);
    if (evidence === undefined) {
      this.#tell('damaged');
      // So that it is written again, and not taken for being there.
      await files.remove(evidenceName(id));
    } else this.#read.set(id, { evidence, bytes: bytes.byteLength });
    return evidence;
  }

  #tell(outcome: KeepingOutcome): void {
    this.#options.onOutcome?.(outcome);
  }

  #fail(error: unknown): void {
    const { clock, logger } = this.#options;
    this.#tell('failed');
    const now = clock.monotonic();
    if (this.#toldAt !== undefined && now - this.#toldAt < QUIET_MS) return;
    this.#toldAt = now;
    logger.warn('evidence cannot be kept or found on the cache volume', { error });
  }
}

function firstOf<K, V>(map: ReadonlyMap<K, V>): readonly [K, V] | undefined {
  return map.entries().next().value;
}

function bytesOf({ parts }: EvidenceFile): number {
  return parts.reduce((sum, part) => sum + part.byteLength, 0);
}

function evidenceName(id: string): string {
  return `${id}.evidence`;
}

function entryName(key: string): string {
  return `${key}.entry`;
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { orWhenAborted } from '../abort.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../log/index.ts';
import type { Destination } from './destination.ts';
import { renderRecord, type AuditRecord } from './record.ts';

/** What became of a record. */
export type AuditOutcome = 'written' | 'dropped';

/** Takes records; never throws, never waits. */
export interface AuditSink {
  append(record: AuditRecord): void;
  /** Counts records that were not even made. */
  drop(count: number): void;
}

/** What keeping an audit log needs. */
export interface AuditLogOptions {
  readonly destination: Destination;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Told of every record, once. */
  readonly onRecords: (outcome: AuditOutcome, count: number) => void;
  /** Bytes that may wait. */
  readonly maxBytes?: number;
}

const MAX_BYTES = 8 * 1024 * 1024;
/** One write takes so many bytes, or one record: a pipe takes them whole, and mixes them with nobody else's. */
const BATCH_BYTES = 4096;
const FIRST_WAIT_MS = 20;
const LONGEST_WAIT_MS = 250;
/** A loss is told this often in the log; the counter has all of it. */
const QUIET_MS = 60_000;

/**
 * The audit log: lines wait in a bounded buffer for one writer, so that a destination which is slow,
 * full or gone never holds up a request. What does not fit is dropped and counted.
 */
export class AuditLog implements AuditSink {
  readonly #options: AuditLogOptions;
  readonly #maxBytes: number;
  readonly #giveUp = new AbortController();
  #lines: string[] = [];
  #bytes = 0;
  #closed = false;
  #failing = false;
  #toldAt: number | undefined;
  #running: Promise<void> | undefined;

  constructor(options: AuditLogOptions) {
    this.#options = options;
    this.#maxBytes = options.maxBytes ?? MAX_BYTES;
  }

  append(record: AuditRecord): void {
    const line = renderRecord(record);
    const bytes = Buffer.byteLength(line);
    if (this.#closed || this.#bytes + bytes > this.#maxBytes) {
      this.drop(1);
      return;
    }
    this.#lines.push(line);
    this.#bytes += bytes;
    this.#running ??= this.#drain();
  }

  drop(count: number): void {
    if (count <= 0) return;
    const { clock, logger, onRecords } = this.#options;
    onRecords('dropped', count);
    const now = clock.monotonic();
    if (this.#toldAt !== undefined && now - this.#toldAt < QUIET_MS) return;
    this.#toldAt = now;
    logger.warn('audit records are lost');
  }

  /** Takes no more, writes what waits for at most `ms` milliseconds, and counts the rest as dropped. */
  async close(ms: number): Promise<void> {
    this.#closed = true;
    const { clock, destination } = this.#options;
    const deadline = clock.deadline(ms);
    const late = (): void => undefined;
    await orWhenAborted(this.#running ?? Promise.resolve(), deadline, late);
    this.#giveUp.abort();
    this.drop(this.#lines.length);
    this.#lines = [];
    await orWhenAborted(destination.close(), clock.deadline(ms), late);
  }

  async #drain(): Promise<void> {
    while (this.#lines.length > 0) {
      const batch = this.#nextBatch();
      const bytes = Buffer.from(batch.join(''));
      const written = await this.#write(bytes);
      this.#bytes -= bytes.byteLength;
      if (written) this.#options.onRecords('written', batch.length);
      else this.drop(batch.length);
    }
    this.#running = undefined;
  }

  #nextBatch(): readonly string[] {
    let end = 1;
    let size = Buffer.byteLength(this.#lines[0] ?? '');
    for (; end < this.#lines.length; end += 1) {
      size += Buffer.byteLength(this.#lines[end] ?? '');
      if (size > BATCH_BYTES) break;
    }
    return this.#lines.splice(0, end);
  }

  /** Writes all of it, however long that takes; false where it was given up. */
  async #write(bytes: Uint8Array): Promise<boolean> {
    const { signal } = this.#giveUp;
    let waitMs = FIRST_WAIT_MS;
    for (let from = 0; from < bytes.byteLength;) {
      if (signal.aborted) return false;
      const taken = await this.#attempt(bytes.subarray(from));
      from += taken;
      if (taken > 0) {
        waitMs = FIRST_WAIT_MS;
        continue;
      }
      await this.#options.clock.sleep(waitMs, signal).catch(() => undefined);
      waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS);
    }
    return true;
  }

  async #attempt(bytes: Uint8Array): Promise<number> {
    const { destination, logger } = this.#options;
    try {
      const taken = await destination.write(bytes);
      this.#failing = false;
      return taken;
    } catch (error) {
      if (!this.#failing) logger.warn('the audit log cannot be written', { error });
      this.#failing = true;
      return 0;
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { orWhenAborted } from '../abort.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../log/index.ts';
import { readCertificates, readKey, signatureOf } from './material.ts';
import type { Notification } from './notification.ts';
import { meaningOf, waitAfter, type Answer, type Meaning } from './retry.ts';

/** What became of a notification: `retried` is told of every attempt that is made again. */
export type DeliveryOutcome = 'delivered' | 'retried' | 'dropped' | 'failed';

/** Takes notifications; never throws, never waits. */
export interface NotificationSink {
  notify(notification: Notification): void;
}

/** The URL that notifications go to; see `createReceiver`. */
export interface NotificationReceiver {
  readonly host: string;
  /** Posts once. Rejects where nothing is answered. */
  post(posted: {
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
    readonly ca?: string | undefined;
    readonly signal: AbortSignal;
  }): Promise<Answer>;
}

/** What sending needs. */
export interface SenderOptions {
  readonly receiver: NotificationReceiver;
  /** File of the key that signs. */
  readonly secretFile: string;
  /** File of certificates to trust besides the system's. */
  readonly caFile?: string | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Between 0 and 1, for jitter. */
  readonly random: () => number;
  readonly onOutcome: (outcome: DeliveryOutcome) => void;
  /** Notifications that may wait; 1,000 unless told. */
  readonly maxWaiting?: number;
  /** Milliseconds of one attempt; 10,000 unless told. */
  readonly attemptMs?: number;
}

const MAX_WAITING = 1000;
const ATTEMPT_MS = 10_000;
/** What could not be delivered for so long is given up. */
const GIVE_UP_MS = 3_600_000;
/** A loss is told this often in the log; the counter has all of it. */
const QUIET_MS = 60_000;
const USER_AGENT = 'countersign';

interface Waiting {
  readonly notification: Notification;
  readonly body: string;
  /** Monotonic, milliseconds. */
  readonly takenAt: number;
  readonly dueAt: number;
  /** Attempts that failed. */
  readonly attempts: number;
}

/**
 * Sends notifications, one attempt at a time. What fails comes again with backoff and holds up no other,
 * for up to an hour; a receiver that asks for patience is left alone as a whole. Nobody waits for it: what
 * is too much is dropped, the oldest first, and counted.
 */
export class NotificationSender implements NotificationSink {
  readonly #options: SenderOptions;
  readonly #end = new AbortController();
  readonly #maxWaiting: number;
  /** The oldest first. */
  #waiting: Waiting[] = [];
  #inFlight = 0;
  #quietUntil = 0;
  #closing = false;
  #failing = false;
  #lossToldAt: number | undefined;
  #wake = new AbortController();
  #running: Promise<void> | undefined;

  constructor(options: SenderOptions) {
    this.#options = options;
    this.#maxWaiting = options.maxWaiting ?? MAX_WAITING;
  }

  notify(notification: Notification): void {
    const now = this.#options.clock.monotonic();
    const body = JSON.stringify(notification);
    if (this.#closing) this.#drop(1);
    else this.#put({ notification, body, takenAt: now, dueAt: now, attempts: 0 });
  }

  /** Takes no more, tries once what was not tried yet, for at most `ms` milliseconds, and drops the rest. */
  async close(ms: number): Promise<void> {
    this.#closing = true;
    this.#wake.abort();
    const late = (): void => undefined;
    await orWhenAborted(this.#running ?? Promise.resolve(), this.#options.clock.deadline(ms), late);
    this.#end.abort();
    this.#drop(this.#waiting.length + this.#inFlight);
    this.#waiting = [];
  }

  #put(item: Waiting): void {
    this.#waiting.push(item);
    // What is new came last; what comes again has its place by when it came first.
    if (item.attempts > 0) this.#waiting.sort((a, b) => a.takenAt - b.takenAt);
    const surplus = Math.max(0, this.#waiting.length - this.#maxWaiting);
    this.#waiting.splice(0, surplus);
    this.#drop(surplus);
    this.#wake.abort();
    this.#running ??= this.#run();
  }

  #drop(count: number): void {
    const { logger, receiver, onOutcome } = this.#options;
    for (let dropped = 0; dropped < count; dropped += 1) onOutcome('dropped');
    const isTold = this.#lossToldAt !== undefined && this.#now - this.#lossToldAt < QUIET_MS;
    if (count === 0 || isTold) return;
    this.#lossToldAt = this.#now;
    logger.warn('notifications are lost', { receiver: receiver.host });
  }

  async #run(): Promise<void> {
    // What is taken in the same turn is there before the first is sent.
    await Promise.resolve();
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      const ms = this.#closing ? 0 : Math.max(next.dueAt, this.#quietUntil) - this.#now;
      if (ms > 0) {
        this.#wake = new AbortController();
        await this.#options.clock.sleep(ms, this.#wake.signal).catch(() => undefined);
        continue;
      }
      const chosen = next;
      this.#waiting = this.#waiting.filter((item) => item !== chosen);
      this.#inFlight = 1;
      const meaning = await this.#attempt(chosen);
      if (this.#end.signal.aborted) break;
      this.#inFlight = 0;
      this.#conclude(chosen, meaning);
    }
    this.#running = undefined;
  }

  get #now(): number {
    return this.#options.clock.monotonic();
  }

  /** What is due first; at the end only what was never tried. */
  #next(): Waiting | undefined {
    let first: Waiting | undefined;
    for (const item of this.#waiting) {
      if (this.#closing && item.attempts > 0) continue;
      if (first === undefined || item.dueAt < first.dueAt) first = item;
    }
    return first;
  }

  async #attempt(item: Waiting): Promise<Meaning & { readonly problem?: unknown }> {
    const { clock, attemptMs = ATTEMPT_MS } = this.#options;
    const signal = AbortSignal.any([clock.deadline(attemptMs), this.#end.signal]);
    try {
      const answer = await orWhenAborted(this.#post(item, signal), signal, () => {
        throw new Error('the receiver did not answer in time');
      });
      return { ...meaningOf(answer, clock.now()), problem: `status ${answer.status.toString()}` };
    } catch (problem) {
      return { kind: 'later', patienceMs: 0, problem };
    }
  }

  async #post({ notification, body }: Waiting, signal: AbortSignal): Promise<Answer> {
    const { receiver, secretFile, caFile, clock } = this.#options;
    const [key, ca] = await Promise.all([readKey(secretFile), readCertificates(caFile)]);
    const timestamp = Math.floor(clock.now().getTime() / 1000).toString();
    const headers = {
      'content-type': 'application/json',
      'user-agent': USER_AGENT,
      'countersign-event': notification.event,
      'countersign-delivery': notification.id,
      'countersign-timestamp': timestamp,
      'countersign-signature': signatureOf(key, timestamp, body),
    };
    return await receiver.post({ headers, body, ca, signal });
  }

  #conclude(
    item: Waiting,
    { problem, ...meaning }: Meaning & { readonly problem?: unknown },
  ): void {
    const { onOutcome, random, logger, receiver } = this.#options;
    const { id, event } = item.notification;
    const told = { receiver: receiver.host, event, id, problem };
    if (meaning.kind === 'taken') {
      onOutcome('delivered');
      this.#failing = false;
      return;
    }
    if (meaning.kind === 'later') {
      const attempts = item.attempts + 1;
      const waitMs = Math.max(waitAfter(attempts, random()), meaning.patienceMs);
      if (meaning.patienceMs > 0) this.#quietUntil = this.#now + meaning.patienceMs;
      const dueAt = this.#now + waitMs;
      if (dueAt - item.takenAt <= GIVE_UP_MS) {
        onOutcome('retried');
        if (!this.#failing) logger.warn('notifications are not taken', told);
        this.#failing = true;
        this.#put({ ...item, dueAt, attempts });
        return;
      }
    }
    onOutcome('failed');
    logger.error('a notification is given up', told);
  }
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Clock } from '../../../runtime/clock.ts';
import {
  toVerificationError,
  VerificationError,
  type TrustedRootText,
  type TrustRootSource,
  type TufRepository,
} from '../../../verification/index.ts';
import { refreshAfter, retryAfter, type TrustSchedule } from './schedule.ts';

/** How a trust root stands. */
export interface TrustRootState {
  /** The last good text; `undefined` where none was ever had. */
  readonly text?: string;
  /** The text is the one shipped with us: older than what was read before, maybe by another process. */
  readonly fromSeed: boolean;
  /** Read lately, and vouched for by metadata that holds. False also before the first read. */
  readonly fresh: boolean;
  /** When `fresh` became what it is. */
  readonly since: Date;
  /** Why it is not fresh; absent before the first read has ended. */
  readonly problem?: VerificationError;
}

/** What following one trust root needs. */
export interface FollowedRootOptions {
  readonly source: TrustRootSource;
  /** Throws a VerificationError for a text that is no trusted root. */
  readonly check: (text: string) => unknown;
  readonly clock: Clock;
  readonly random: () => number;
  readonly schedule: TrustSchedule;
  /** Told after every read that ended: how, and when the next one is. */
  readonly onRead: (problem: VerificationError | undefined, nextMs: number) => void;
  /** Told when the text, or how it stands, is another one. */
  readonly onChange: () => void;
}

const MAX_PAUSE_MS = 600_000;

/** The last good text of one repository, read again and again until it is dropped. */
export class FollowedRoot {
  /** Settles when what is at hand without the network was looked at. Never rejects. */
  readonly loaded: Promise<void>;
  readonly #repository: TufRepository;
  readonly #options: FollowedRootOptions;
  readonly #end = new AbortController();
  #good: TrustedRootText | undefined;
  /** By the monotonic clock: since when the text is not older than that. */
  #goodAt = 0;
  #failures = 0;
  #problem: VerificationError | undefined;
  #fresh = false;
  #since: Date;
  #told = '';

  constructor(repository: TufRepository, options: FollowedRootOptions) {
    this.#repository = repository;
    this.#options = options;
    this.#since = options.clock.now();
    this.loaded = this.#load();
    void this.loaded.then(async () => this.#follow());
  }

  /** How it stands. */
  get state(): TrustRootState {
    return {
      ...(this.#good === undefined ? {} : { text: this.#good.text }),
      fromSeed: this.#good?.fromSeed ?? false,
      fresh: this.#fresh,
      since: this.#since,
      ...(this.#problem === undefined || this.#fresh ? {} : { problem: this.#problem }),
    };
  }

  /** When what vouches for the text ends; `undefined` where nothing that was read does. */
  get expires(): string | undefined {
    return this.#good?.expires;
  }

  /** Reads no more. */
  drop(): void {
    this.#end.abort();
  }

  #isDropped(): boolean {
    return this.#end.signal.aborted;
  }

  async #load(): Promise<void> {
    const { source, check, clock } = this.#options;
    try {
      const known = await source.knownTrustedRoot(this.#repository);
      if (known === undefined) return;
      check(known.text);
      this.#good = known;
      this.#goodAt = clock.monotonic();
      this.#judge();
      this.#told = this.#said();
    } catch {
      // The first read tells why.
    }
  }

  async #follow(): Promise<void> {
    const { clock } = this.#options;
    let next = 0;
    while (!this.#isDropped()) {
      const now = clock.monotonic();
      if (next <= now) {
        next = await this.#read();
      } else {
        await clock.sleep(this.#pause(next - now), this.#end.signal).catch(() => undefined);
      }
      if (!this.#isDropped()) this.#tell();
    }
  }

  /** Until the next read, or the instant at which the text goes stale; the wall clock may jump. */
  #pause(msToRead: number): number {
    const staleMs = this.#msToStale() ?? 0;
    return Math.min(msToRead, staleMs > 0 ? staleMs : Infinity, MAX_PAUSE_MS);
  }

  /** Answers when to read next, by the monotonic clock. */
  async #read(): Promise<number> {
    const { source, check, clock, random, schedule, onRead } = this.#options;
    let nextMs: number;
    let failure: VerificationError | undefined;
    try {
      const read = await source.trustedRoot(this.#repository, this.#end.signal);
      check(read.text);
      this.#good = read;
      this.#goodAt = clock.monotonic();
      this.#failures = 0;
      this.#problem = undefined;
      nextMs = refreshAfter(schedule, this.#msToExpiry(), random());
    } catch (thrown) {
      failure = toVerificationError(thrown);
      this.#failures += 1;
      // The first words stay: a status does not change because a failure is put in other ones.
      if (this.#problem?.code !== failure.code) this.#problem = failure;
      nextMs = retryAfter(schedule, this.#failures, random());
    }
    if (!this.#isDropped()) onRead(failure, nextMs);
    return clock.monotonic() + nextMs;
  }

  #tell(): void {
    this.#judge();
    const said = this.#said();
    if (said === this.#told) return;
    this.#told = said;
    this.#options.onChange();
  }

  #judge(): void {
    const staleMs = this.#msToStale();
    const fresh = staleMs !== undefined && staleMs > 0;
    if (fresh !== this.#fresh) {
      this.#fresh = fresh;
      this.#since = this.#options.clock.now();
    }
    if (staleMs === undefined || staleMs > 0) return;
    const expired = `the metadata of the trust root expired at ${this.#good?.expires ?? ''}`;
    this.#problem ??= new VerificationError('TRUST_ROOT_STALE', expired);
  }

  #said(): string {
    const { text, fresh, problem } = this.state;
    return JSON.stringify([text, fresh, problem?.code]);
  }

  #msToExpiry(): number | undefined {
    const { expires } = this.#good ?? {};
    return expires === undefined
      ? undefined
      : Date.parse(expires) - this.#options.clock.now().getTime();
  }

  /** Milliseconds until the text is no longer fresh; `undefined` where it is not fresh for another reason. */
  #msToStale(): number | undefined {
    const { clock, schedule } = this.#options;
    // What is shipped says nothing of today, and metadata that cannot be trusted is a reason to look.
    if (this.#good?.expires === undefined || isAlarm(this.#problem)) return undefined;
    const age = clock.monotonic() - this.#goodAt;
    return Math.max(Math.min(this.#msToExpiry() ?? 0, schedule.maxAgeMs - age), 0);
  }
}

/** Whether a failure says more than that nobody could be reached. */
function isAlarm(problem: VerificationError | undefined): boolean {
  return problem?.code === 'TRUST_ROOT_INVALID';
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { orWhenAborted } from '../abort.ts';
import type { Logger } from '../log/index.ts';
import { holderOf, LEASE_MS, type Lease } from './lease.ts';
import { LeaseStore, type LeaseStoreOptions } from './lease-store.ts';
import { ObservedLease } from './observed-lease.ts';
import { instantOf, LeaseTerm, type Term } from './term.ts';

/** What a campaign needs. */
export interface LeadershipOptions extends LeaseStoreOptions {
  readonly logger: Logger;
  /** From 0 to 1, for jitter. */
  readonly random: () => number;
}

/** What is done in a term. Ends soon after the term's signal aborts; ending before gives the term up. */
export type Lead = (term: Term) => Promise<void>;

const RENEW_MS = 2_500;
const RETRY_MS = 1_000;
/** Between two looks at a Lease that another one holds. */
const LOOK_MS = 2_000;
/** What comes on top of the time of a lease that has run out, at most: candidates do not all come at once. */
const SPREAD_MS = 200;
const CALL_MS = 5_000;
/** How long the end of a term is waited for before the next campaign: what goes on then can write nothing. */
const WIND_UP_MS = 5_000;
const RELEASE_MS = 1_500;
const RELEASES = 3;

/**
 * Campaigns for a Lease, again and again, and leads in the terms that it wins. A term is held for less
 * time than the Lease keeps others out, counted from before the request that renewed it; a Lease that
 * another one holds is taken only after no renewal was seen for the time of a lease. So two terms are
 * never held at once, as long as nobody deletes the Lease and clocks run about alike.
 */
export class Leadership {
  readonly #options: LeadershipOptions;
  readonly #store: LeaseStore;
  readonly #observed: ObservedLease;
  /** The Lease as we wrote it last, to be renewed. */
  #own: Lease | undefined;
  #term: LeaseTerm | undefined;
  #contactAt = Number.NEGATIVE_INFINITY;
  /** Whether our name may be in the Lease. */
  #mayHold = false;
  #told: string | undefined;

  constructor(options: LeadershipOptions) {
    this.#options = options;
    this.#store = new LeaseStore(options);
    this.#observed = new ObservedLease(options.clock, options.identity);
  }

  /** Whether this process leads now. */
  get leads(): boolean {
    return this.#term?.held() ?? false;
  }

  /** Whether the Lease was read or written within the time of a lease: a standby would notice that it is needed. */
  get inContact(): boolean {
    return this.#options.clock.monotonic() - this.#contactAt <= LEASE_MS;
  }

  /** Campaigns and leads until the signal aborts, then makes room for the next one at once. Never rejects. */
  async run(stop: AbortSignal, lead: Lead): Promise<void> {
    while (!stop.aborted) {
      const term = await this.#campaign(stop);
      if (term !== undefined) await this.#serve(term, stop, lead);
      await this.#sleep(this.#pause(), stop);
    }
    await this.#release();
  }

  /** One attempt; a term where it succeeded. */
  async #campaign(stop: AbortSignal): Promise<LeaseTerm | undefined> {
    const { clock } = this.#options;
    const bounds = { ms: CALL_MS, stop };
    try {
      const lease = await this.#store.read(bounds);
      this.#inContact();
      this.#observed.see(lease);
      if (this.#observed.msUntilFree > 0) return undefined;
      const started = instantOf(clock);
      this.#mayHold = true;
      this.#own = await this.#store.hold(lease, bounds);
      if (this.#own === undefined) return undefined;
      this.#inContact();
      this.#observed.see(this.#own);
      return new LeaseTerm(clock, started);
    } catch (error) {
      if (!stop.aborted) this.#tell('cannot campaign for the lease', error);
      return undefined;
    }
  }

  async #serve(term: LeaseTerm, stop: AbortSignal, lead: Lead): Promise<void> {
    const { clock, logger } = this.#options;
    const done = new AbortController();
    this.#term = term;
    logger.info('this process leads');
    const led = lead(term)
      .catch((error: unknown) => {
        if (term.held()) logger.error('leading failed', { error });
      })
      .finally(() => done.abort());
    await this.#keep(term, AbortSignal.any([stop, done.signal]));
    const givenUp = term.held();
    term.end(new Error('the term was given up'));
    this.#term = undefined;
    logger.info('this process does not lead any more', { reason: reasonOf(term) });
    await orWhenAborted(led, clock.deadline(WIND_UP_MS), () => {
      logger.warn('what was done in a term goes on after its end; it can write nothing');
    });
    if (givenUp && !stop.aborted) await this.#release();
  }

  /** Renews the Lease until the term ends or is to be given up. */
  async #keep(term: LeaseTerm, stop: AbortSignal): Promise<void> {
    let failed = false;
    for (;;) {
      const pause = failed ? RETRY_MS : this.#jittered(RENEW_MS);
      await this.#sleep(Math.min(pause, term.msLeft), stop);
      if (stop.aborted || !term.held()) return;
      failed = !(await this.#renew(term, stop));
    }
  }

  /** Renews once. False where that failed; ends the term where another one holds the Lease. Never rejects. */
  async #renew(term: LeaseTerm, stop: AbortSignal): Promise<boolean> {
    const started = instantOf(this.#options.clock);
    const bounds = { ms: Math.min(CALL_MS, term.msLeft), stop };
    try {
      const renewed = await this.#store.hold(this.#own, bounds);
      if (renewed === undefined) return await this.#readAgain(term, bounds);
      this.#own = renewed;
      this.#inContact();
      this.#observed.see(renewed);
      term.renewed(started);
      return true;
    } catch (error) {
      if (!stop.aborted) this.#tell('cannot renew the lease', error);
      return false;
    }
  }

  /** Somebody wrote the Lease: us, in a request that got lost; somebody who left us in it; or who took it. */
  async #readAgain(term: LeaseTerm, bounds: Parameters<LeaseStore['read']>[0]): Promise<false> {
    const lease = await this.#store.read(bounds);
    this.#inContact();
    this.#observed.see(lease);
    if (lease !== undefined && holderOf(lease) === this.#options.identity) this.#own = lease;
    else term.end(new Error('the lease was taken'));
    return false;
  }

  /** Takes our name out of the Lease. Never rejects. */
  async #release(): Promise<void> {
    if (!this.#mayHold) return;
    const bounds = { ms: RELEASE_MS, stop: new AbortController().signal };
    try {
      for (let attempt = 0; attempt < RELEASES; attempt += 1) {
        if (!(await this.#store.release(bounds))) continue;
        this.#mayHold = false;
        return;
      }
    } catch (error) {
      this.#tell('cannot release the lease', error);
    }
  }

  /** How long to wait for the next attempt. */
  #pause(): number {
    const look = this.#jittered(LOOK_MS);
    const { msUntilFree } = this.#observed;
    if (msUntilFree === 0) return look;
    return Math.min(look, msUntilFree + SPREAD_MS * this.#options.random());
  }

  #jittered(ms: number): number {
    return ms * (0.9 + 0.2 * this.#options.random());
  }

  async #sleep(ms: number, stop: AbortSignal): Promise<void> {
    await this.#options.clock.sleep(ms, stop).catch(() => undefined);
  }

  #inContact(): void {
    this.#contactAt = this.#options.clock.monotonic();
    this.#told = undefined;
  }

  /** Logs a failure, once as long as it goes on. */
  #tell(message: string, error: unknown): void {
    if (this.#told === message) return;
    this.#told = message;
    this.#options.logger.warn(message, { error });
  }
}

function reasonOf({ signal }: LeaseTerm): string {
  const reason: unknown = signal.reason;
  return reason instanceof Error ? reason.message : 'unknown';
}

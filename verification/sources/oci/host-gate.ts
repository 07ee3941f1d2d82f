// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import {
  BrokenCircuitError,
  circuitBreaker,
  ConsecutiveBreaker,
  handleWhen,
  type CircuitBreakerPolicy,
} from 'cockatiel';
import pLimit, { type LimitFunction } from 'p-limit';
import { VerificationError } from '../../error.ts';
import type { Limits } from '../../limits.ts';
import { isGatewayFailure } from './failure.ts';
import { headerOf, type Reply } from './reply.ts';

/** What a gate works with. */
export interface HostGateOptions {
  /** For messages. */
  readonly host: string;
  readonly limits: Pick<Limits, 'hostConcurrency' | 'hostFailures' | 'hostPauseMs' | 'patienceMs'>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/**
 * What stands before one registry host: so many requests at a time; none for as long as it asked for
 * patience (`Retry-After`, bounded); and after so many failures in a row a pause, then one request that
 * tries, so that a host that hangs does not hold up who asks others. What is not sent is
 * REGISTRY_UNAVAILABLE at once. Only what speaks of the host as a whole counts as its failure: that it
 * cannot be reached or does not answer in time, and answers of gateways. An answer about one image, as
 * a status 500, does not: who owns that image must not close the host to others.
 */
export class HostGate {
  readonly #options: HostGateOptions;
  readonly #limit: LimitFunction;
  readonly #circuit: CircuitBreakerPolicy;
  #quietUntil = 0;

  constructor(options: HostGateOptions) {
    this.#options = options;
    const { hostConcurrency, hostFailures, hostPauseMs } = options.limits;
    this.#limit = pLimit(hostConcurrency);
    this.#circuit = circuitBreaker(
      handleWhen(isHostFailure).orWhenResult((reply) => isGatewayReply(reply)),
      { breaker: new ConsecutiveBreaker(hostFailures), halfOpenAfter: hostPauseMs },
    );
  }

  /** Sends where the host may be asked now. Rejects with what `send` rejects with, or REGISTRY_UNAVAILABLE. */
  async pass(send: () => Promise<Reply>): Promise<Reply> {
    return await this.#limit(async () => {
      this.#assertPatient();
      try {
        const reply = await this.#circuit.execute(send);
        this.#heed(reply);
        return reply;
      } catch (thrown) {
        if (!(thrown instanceof BrokenCircuitError)) throw thrown;
        const { host } = this.#options;
        const detail = `${host} failed again and again: it is not asked for a moment`;
        throw new VerificationError('REGISTRY_UNAVAILABLE', detail, { cause: thrown });
      }
    });
  }

  #assertPatient(): void {
    const { host, now } = this.#options;
    const left = this.#quietUntil - now();
    if (left <= 0) return;
    // A clock that was set back must not make the wait longer.
    if (left > this.#options.limits.patienceMs) this.#quietUntil = 0;
    else {
      const detail = `${host} asked for patience: it is not asked for a moment`;
      throw new VerificationError('REGISTRY_UNAVAILABLE', detail);
    }
  }

  #heed(reply: Reply): void {
    if (reply.status !== 429 && reply.status !== 503) return;
    const asked = headerOf(reply, 'retry-after') ?? '';
    const ms = /^\d{1,9}$/.test(asked) ? Number(asked) * 1000 : 0;
    const { now, limits } = this.#options;
    this.#quietUntil = now() + Math.min(ms, limits.patienceMs);
  }
}

function isHostFailure(thrown: unknown): boolean {
  return thrown instanceof VerificationError && thrown.code === 'REGISTRY_UNAVAILABLE';
}

function isGatewayReply(reply: unknown): boolean {
  return typeof reply === 'object' && reply !== null && 'status' in reply
    ? isGatewayFailure(Number(reply.status))
    : false;
}

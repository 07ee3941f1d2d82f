// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { LRUCache } from 'lru-cache';
import { VerificationError } from '../../error.ts';
import type { Limits } from '../../limits.ts';
import type { Connections } from './connections.ts';
import type { Endpoint, HostLists } from './endpoint.ts';
import type { ExchangeOutcome, ExchangeTracer, OciEvent } from './event.ts';
import { deadlineExceeded, failureOf, isBrokenConnection, isGatewayFailure } from './failure.ts';
import { HostGate } from './host-gate.ts';
import { headerOf, readReply, type Expected, type Reply } from './reply.ts';

const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const MAX_HOSTS = 1024;

/** One request on behalf of a registry. */
export interface Call {
  readonly endpoint: Endpoint;
  readonly url: URL;
  /** What is read, for messages: `manifest of …`. */
  readonly what: string;
  readonly accept?: string;
  /** Sent to the origin of `url` only, and never again once a redirect has left it. */
  readonly authorization?: string;
  /** Makes it a POST of a form; never redirected, never repeated. */
  readonly form?: URLSearchParams;
  /** 0 refuses every redirect. */
  readonly redirects: number;
  readonly maxBytes: number;
  /** What the body is said to be, where that is known. */
  readonly expected?: Expected;
  readonly signal: AbortSignal;
}

/** What a transport is made of. */
export interface TransportOptions {
  readonly limits: Limits;
  readonly hosts: HostLists;
  readonly connections: Connections;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Waits before a second attempt; ends early without an error when the signal fires. */
  readonly sleep: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  readonly observe: (event: OciEvent) => void;
  /** Absent where no traces are kept. */
  readonly trace?: ExchangeTracer | undefined;
}

interface Hop extends Pick<
  Call,
  'endpoint' | 'accept' | 'expected' | 'form' | 'maxBytes' | 'signal' | 'what'
> {
  readonly url: URL;
  readonly authorization: string | undefined;
}

/**
 * HTTP as a registry client needs it (design §7): bounded in bytes, time and redirects, checked at
 * every hop, with credentials that stay at their origin. Knows nothing of what it carries.
 */
export class Transport {
  readonly #options: TransportOptions;
  readonly #gates = new LRUCache<string, HostGate>({ max: MAX_HOSTS });

  constructor(options: TransportOptions) {
    this.#options = options;
  }

  /**
   * Sends a request and reads the answer, whatever its status. Rejects with REGISTRY_UNAVAILABLE,
   * REGISTRY_UNSAFE or LIMIT_EXCEEDED, and with DEADLINE_EXCEEDED where the signal of the call fired.
   */
  async send(call: Call): Promise<Reply> {
    return this.#gate(call.endpoint).pass(async () => {
      // The time of a request starts when its turn comes, not when it queues.
      const ends = {
        caller: call.signal,
        request: AbortSignal.timeout(this.#options.limits.requestMs),
      };
      const signal = AbortSignal.any([ends.caller, ends.request]);
      try {
        if (ends.caller.aborted) throw deadlineExceeded();
        return await this.#follow({ ...call, signal });
      } catch (thrown) {
        throw failureOf(thrown, call.endpoint.host, ends);
      }
    });
  }

  #gate(endpoint: Endpoint): HostGate {
    const known = this.#gates.get(endpoint.key);
    if (known !== undefined) return known;
    const { limits, now } = this.#options;
    const gate = new HostGate({ host: endpoint.host, limits, now });
    this.#gates.set(endpoint.key, gate);
    return gate;
  }

  async #follow(call: Call): Promise<Reply> {
    let url = call.url;
    let authorization = call.authorization;
    let isForeign = false;
    for (let hop = 0; ; hop += 1) {
      const reply = await this.#exchangeTwice({ ...call, url, authorization });
      if (!REDIRECTS.has(reply.status)) return { ...reply, isForeign };
      if (hop >= call.redirects) {
        const detail = `${call.what}: ${call.endpoint.host} redirects too often`;
        throw new VerificationError('REGISTRY_UNSAFE', detail);
      }
      url = this.#options.hosts.safeUrl(headerOf(reply, 'location') ?? '', url);
      isForeign ||= url.origin !== call.url.origin;
      if (isForeign) authorization = undefined;
    }
  }

  /** One quick second attempt where it may help: a broken connection, a gateway, a short wait. */
  async #exchangeTwice(hop: Hop): Promise<Omit<Reply, 'isForeign'>> {
    if (hop.form !== undefined) return this.#exchange(hop);
    const first = await this.#exchange(hop).catch((thrown: unknown) => {
      if (isBrokenConnection(thrown) && !hop.signal.aborted) return undefined;
      throw thrown;
    });
    const wait = first === undefined ? 0 : secondAttemptAfter(first);
    if (first !== undefined && (wait === undefined || wait >= this.#options.limits.requestMs)) {
      return first;
    }
    if (wait !== undefined && wait > 0) await this.#options.sleep(wait, hop.signal);
    return this.#exchange(hop);
  }

  async #exchange(hop: Hop): Promise<Omit<Reply, 'isForeign'>> {
    const { limits, now, trace } = this.#options;
    const started = now();
    const method = hop.form === undefined ? 'GET' : 'POST';
    const span = trace?.({ method, host: hop.url.host, registry: hop.endpoint.host });
    try {
      const data = await this.#options.connections.pool(hop.endpoint).request({
        origin: hop.url.origin,
        path: `${hop.url.pathname}${hop.url.search}`,
        method,
        headers: { ...headersFor(hop), ...span?.headers },
        signal: hop.signal,
        ...(hop.form === undefined ? {} : { body: hop.form.toString() }),
      });
      const reply = await readReply(data, { ...hop, errorBytes: limits.errorBytes });
      const outcome = outcomeOf(reply.status);
      this.#tell(hop, started, { outcome, reply });
      span?.end(outcome, reply.status);
      return reply;
    } catch (thrown) {
      const outcome = failedOutcome(thrown, hop.signal);
      this.#tell(hop, started, { outcome });
      span?.end(outcome, undefined);
      throw thrown;
    }
  }

  #tell(
    hop: Hop,
    started: number,
    end: { readonly outcome: ExchangeOutcome; readonly reply?: Omit<Reply, 'isForeign'> },
  ): void {
    this.#options.observe({
      kind: 'exchange',
      registry: hop.endpoint.host,
      outcome: end.outcome,
      milliseconds: this.#options.now() - started,
      bytes: end.reply?.body.length ?? 0,
      ...(end.reply === undefined ? {} : { status: end.reply.status }),
    });
  }
}

function headersFor(hop: Hop): Record<string, string> {
  return {
    'user-agent': 'countersign',
    'accept-encoding': 'identity',
    ...(hop.accept === undefined ? {} : { accept: hop.accept }),
    ...(hop.authorization === undefined ? {} : { authorization: hop.authorization }),
    ...(hop.form === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
  };
}

/** Milliseconds to wait before a second attempt; `undefined` where one would not help. */
function secondAttemptAfter(reply: Pick<Reply, 'status' | 'headers'>): number | undefined {
  const asked = headerOf(reply, 'retry-after');
  const seconds = asked !== undefined && /^\d{1,6}$/.test(asked) ? Number(asked) : undefined;
  if (reply.status === 429) return seconds === undefined ? undefined : seconds * 1000;
  if (!isGatewayFailure(reply.status)) return undefined;
  if (asked === undefined) return 0;
  return seconds === undefined ? undefined : seconds * 1000;
}

function outcomeOf(status: number): ExchangeOutcome {
  if (status < 400) return 'answered';
  if (status === 404) return 'absent';
  if (status === 401 || status === 403) return 'unauthorized';
  return status === 429 ? 'throttled' : 'failed';
}

function failedOutcome(thrown: unknown, signal: AbortSignal): ExchangeOutcome {
  if (thrown instanceof VerificationError) return 'refused';
  return signal.aborted ? 'aborted' : 'unreachable';
}

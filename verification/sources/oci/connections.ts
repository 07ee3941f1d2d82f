// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { X509Certificate } from 'node:crypto';
import { lookup as systemLookup } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls';
import { LRUCache } from 'lru-cache';
import { Agent, buildConnector, type Dispatcher } from 'undici';
import type { Limits } from '../../limits.ts';
import { VerificationError } from '../../error.ts';
import { AddressGuard, type AddressRule, type ResolvedAddress } from './addresses.ts';
import type { Endpoint, HostLists } from './endpoint.ts';

const MAX_POOLS = 256;
const MAX_TARGETS = 32;
const KEEP_ALIVE_MS = 20_000;
const MAX_HEADER_BYTES = 32 * 1024;

/** Resolves a name to all its addresses, like `dns.lookup` with `all`. */
export type Resolve = (
  hostname: string,
  answer: (error: Error | null, addresses: readonly ResolvedAddress[]) => void,
) => void;

/** Bounds of connections: how many to one host, and milliseconds to open one and for one request. */
export type ConnectionLimits = Pick<Limits, 'hostConcurrency' | 'connectMs' | 'requestMs'>;

/** What decides which addresses may be connected to on behalf of an endpoint. */
export type RuleOf = (endpoint: Endpoint, hosts: HostLists) => AddressRule;

const systemResolve: Resolve = (hostname, answer) => {
  systemLookup(hostname, { all: true }, answer);
};

const forRegistries: RuleOf = ({ origin }, { anyAddress }) =>
  new AddressGuard(origin.host, anyAddress);

/**
 * Connection pools, one for each registry and trust. What a registry may lead us to depends on the
 * registry, so a connection made for one is never used for another. Addresses are checked when a
 * connection is made, on the very addresses it is made to: a name cannot change its mind in between.
 */
export class Connections {
  readonly #limits: ConnectionLimits;
  readonly #hosts: HostLists;
  readonly #resolve: Resolve;
  readonly #ruleOf: RuleOf;
  readonly #systemTrust = createSecureContext();
  readonly #closing = new Set<Promise<void>>();
  readonly #pools = new LRUCache<string, Agent>({
    max: MAX_POOLS,
    dispose: (agent) => this.#retire(agent),
  });

  constructor(
    limits: ConnectionLimits,
    hosts: HostLists,
    resolve: Resolve = systemResolve,
    ruleOf: RuleOf = forRegistries,
  ) {
    this.#limits = limits;
    this.#hosts = hosts;
    this.#resolve = resolve;
    this.#ruleOf = ruleOf;
  }

  /** The pool for requests on behalf of the endpoint; TRUST_ROOT_INVALID where its `ca` is no PEM. */
  pool(endpoint: Endpoint): Dispatcher {
    const known = this.#pools.get(endpoint.key);
    if (known !== undefined) return known;
    const agent = new Agent({
      connect: this.#connector(endpoint),
      connections: this.#limits.hostConcurrency,
      pipelining: 1,
      allowH2: false,
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveMaxTimeout: KEEP_ALIVE_MS,
      maxHeaderSize: MAX_HEADER_BYTES,
      maxOrigins: MAX_TARGETS,
      headersTimeout: this.#limits.requestMs,
      bodyTimeout: this.#limits.requestMs,
    });
    this.#pools.set(endpoint.key, agent);
    return agent;
  }

  /** Waits for requests in flight and closes every connection. */
  async close(): Promise<void> {
    this.#pools.clear();
    await Promise.all(this.#closing);
  }

  #retire(agent: Agent): void {
    const closing = agent.close().catch(() => undefined);
    this.#closing.add(closing);
    void closing.then(() => this.#closing.delete(closing));
  }

  #connector(endpoint: Endpoint): buildConnector.connector {
    const guard = this.#ruleOf(endpoint, this.#hosts);
    const secureContext =
      endpoint.ca === undefined ? this.#systemTrust : trustWith(endpoint.ca, endpoint.host);
    const targets = new LRUCache<string, buildConnector.connector>({ max: MAX_TARGETS });
    return (options, callback) => {
      const host = options.host ?? options.hostname;
      try {
        // Nobody looks up what already is an address.
        const family = isIP(options.hostname);
        if (family !== 0) guard.admit(host, [{ address: options.hostname, family }]);
      } catch (thrown) {
        callback(toError(thrown), null);
        return;
      }
      const target = `${options.protocol}//${host}`;
      const connect = targets.get(target) ?? this.#build(host, guard, secureContext);
      targets.set(target, connect);
      connect(options, callback);
    };
  }

  #build(host: string, guard: AddressRule, secureContext: SecureContext): buildConnector.connector {
    return buildConnector({
      allowH2: false,
      timeout: this.#limits.connectMs,
      secureContext,
      lookup: guardedLookup(host, guard, this.#resolve),
    });
  }
}

function guardedLookup(host: string, guard: AddressRule, resolve: Resolve): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, (error, found) => {
      if (error !== null) {
        callback(error, []);
        return;
      }
      try {
        const [first, ...rest] = guard.admit(host, found);
        if (options.all === true) callback(null, [first, ...rest]);
        else callback(null, first.address, first.family);
      } catch (thrown) {
        callback(toError(thrown), []);
      }
    });
  };
}

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** The system's trust and these certificates; TLS itself would pass over one that it cannot read. */
function trustWith(ca: string, host: string): SecureContext {
  try {
    const blocks = ca.match(PEM_CERTIFICATE) ?? [];
    if (blocks.length === 0) throw new Error('no certificate in PEM');
    for (const block of blocks) new X509Certificate(block);
    return createSecureContext({ ca: [...getCACertificates('default'), ...blocks] });
  } catch (thrown) {
    const detail = `the CA certificates for ${host} cannot be read`;
    throw new VerificationError('TRUST_ROOT_INVALID', detail, { cause: thrown });
  }
}

function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

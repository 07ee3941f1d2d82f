// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { VerificationError } from '../../error.ts';
import { Connections, type ConnectionLimits, type Resolve } from '../oci/connections.ts';
import { HostLists, type Endpoint } from '../oci/endpoint.ts';
import { ReceiverRule } from './rule.ts';

/** Where a receiver is, and under which rules it is spoken to. */
export interface ReceiverOptions {
  /** HTTPS, or plain HTTP to a listed host; without user name and password. */
  readonly url: string;
  /** Hosts, as `host[:port]`, that are spoken to over plain HTTP, and only these. */
  readonly plainHttpHosts: readonly string[];
  /** Hosts, as `host[:port]`, that may be at private addresses, on loopback, or services of the cluster. */
  readonly privateHosts: readonly string[];
  /** Bounds of connections. */
  readonly limits: ConnectionLimits;
  /** Replaces DNS, for tests. The answers are checked all the same. */
  readonly resolve?: Resolve;
}

/** What is sent. */
export interface Posted {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** PEM certificates to trust besides the system's. */
  readonly ca?: string | undefined;
  readonly signal: AbortSignal;
}

/** What was answered; what a body says is nobody's concern. */
export interface PostedAnswer {
  readonly status: number;
  /** The header Retry-After, as it came. */
  readonly retryAfter?: string;
}

/** One URL that takes what is posted to it. */
export interface Receiver {
  /** `host[:port]`: all of the URL that may be told. */
  readonly host: string;
  /**
   * Posts once, follows no redirect. Rejects where nothing is answered: with REGISTRY_UNSAFE where the
   * host is at an address that may not be contacted, TRUST_ROOT_INVALID where `ca` is no PEM.
   */
  post(posted: Posted): Promise<PostedAnswer>;
  /** Ends its connections. */
  close(): Promise<void>;
}

/** Bytes of a body that are read, so that the connection can be kept. */
const BODY_BYTES = 16 * 1024;

/** Makes it; connects to nothing yet. Throws REF_INVALID for a URL or a list that cannot be used. */
export function createReceiver(options: ReceiverOptions): Receiver {
  return new HttpReceiver(options);
}

class HttpReceiver implements Receiver {
  readonly #hosts: HostLists;
  readonly #connections: Connections;
  readonly #url: URL;

  constructor({ url, plainHttpHosts, privateHosts, limits, resolve }: ReceiverOptions) {
    this.#hosts = new HostLists(plainHttpHosts, privateHosts);
    this.#url = usable(url, this.#hosts);
    this.#connections = new Connections(
      limits,
      this.#hosts,
      resolve,
      (_endpoint, { anyAddress }) => new ReceiverRule(anyAddress),
    );
  }

  get host(): string {
    return this.#url.host;
  }

  async post({ headers, body, ca, signal }: Posted): Promise<PostedAnswer> {
    const answer = await this.#connections.pool(this.#endpoint(ca)).request({
      origin: this.#url.origin,
      path: `${this.#url.pathname}${this.#url.search}`,
      method: 'POST',
      headers: { ...headers, 'accept-encoding': 'identity' },
      body,
      signal,
    });
    // The status says it all: nobody waits for a body that trickles.
    void answer.body.dump({ limit: BODY_BYTES, signal }).catch(() => undefined);
    const retryAfter = answer.headers['retry-after'];
    return {
      status: answer.statusCode,
      ...(typeof retryAfter === 'string' ? { retryAfter } : {}),
    };
  }

  async close(): Promise<void> {
    await this.#connections.close();
  }

  #endpoint(ca: string | undefined): Endpoint {
    // Whether TLS is used is the URL's to say, which was checked.
    const { key } = this.#hosts.endpoint(this.host, ca);
    const origin = new URL(this.#url.origin);
    return { host: this.host, origin, key, ...(ca === undefined ? {} : { ca }) };
  }
}

function usable(text: string, hosts: HostLists): URL {
  try {
    return hosts.safeUrl(text);
  } catch {
    // Nothing of the URL is repeated: it may hold a secret.
    throw new VerificationError(
      'REF_INVALID',
      'the URL of the receiver must be HTTPS, or plain HTTP to a listed host, without user name and password',
    );
  }
}

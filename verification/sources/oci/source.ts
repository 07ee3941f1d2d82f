// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { parseImageReference, type Digest, type ImageReference } from '../../image/index.ts';
import type { Limits } from '../../limits.ts';
import type { AccessOptions, Evidence, EvidenceSource, SourceOptions } from '../../ports.ts';
import { Authenticator, type Access } from './auth.ts';
import { collectEvidence } from './collect.ts';
import { Connections, type Resolve } from './connections.ts';
import { HostLists } from './endpoint.ts';
import type { ExchangeTracer, OciEvent } from './event.ts';
import { deadlineExceeded } from './failure.ts';
import { notFound } from './gaps.ts';
import { readTag } from './manifests.ts';
import { quietSleep } from './quiet-sleep.ts';
import { RepositoryReader, type Client } from './repository.ts';
import { Transport } from './transport.ts';
import { Turnstile } from './turnstile.ts';

/** Settings of the registry client. */
export interface OciSourceOptions {
  readonly limits: Limits;
  /** Hosts, as `host[:port]`, that are read over plain HTTP, and only these. They may be anywhere. */
  readonly plainHttpHosts: readonly string[];
  /**
   * Hosts, as `host[:port]`, that may be at any address: loopback, cluster services, link-local. A
   * registry at a private address needs no entry; a token service or blob store at one needs an
   * entry only where its registry is public.
   */
  readonly privateHosts?: readonly string[];
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Told of every HTTP exchange. Must not throw. */
  readonly observe?: (event: OciEvent) => void;
  /** Makes spans of exchanges, where traces are kept. */
  readonly trace?: ExchangeTracer | undefined;
  /**
   * Waits between two attempts, until the signal fires at the latest. The default does not keep a
   * process alive that has nothing else to do.
   */
  readonly sleep?: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  /** Replaces DNS, for tests. The answers are checked all the same. */
  readonly resolve?: Resolve;
}

/** An evidence source over the OCI distribution API. `close` ends its connections. */
export type OciSource = EvidenceSource & { close(): Promise<void> };

/**
 * Makes the registry client (design §7). It keeps connections, tokens and what registries ask for;
 * it keeps no content. Throws REF_INVALID for an entry in the host lists that is no host.
 */
export function createOciSource(options: OciSourceOptions): OciSource {
  const { limits, now } = options;
  const hosts = new HostLists(options.plainHttpHosts, options.privateHosts ?? []);
  const connections = new Connections(limits, hosts, options.resolve);
  const observe = options.observe ?? (() => undefined);
  const sleep = options.sleep ?? quietSleep;
  const { trace } = options;
  const transport = new Transport({ limits, hosts, connections, now, sleep, observe, trace });
  const times = { tokenBytes: limits.errorBytes, tokenMs: limits.requestMs, now };
  const authenticator = new Authenticator({ transport, hosts, ...times });
  return new RegistrySource({ transport, authenticator, limits }, hosts, connections);
}

class RegistrySource implements OciSource {
  readonly #client: Client;
  readonly #hosts: HostLists;
  readonly #connections: Connections;
  readonly #turnstile: Turnstile;

  constructor(client: Client, hosts: HostLists, connections: Connections) {
    this.#client = client;
    this.#hosts = hosts;
    this.#connections = connections;
    this.#turnstile = new Turnstile(client.limits.attestationCollections);
  }

  async collect(
    image: ImageReference & { readonly digest: Digest },
    options: SourceOptions,
  ): Promise<Evidence> {
    return this.#within(options, async (signal) => {
      const images = this.#reader(image, options, signal);
      const elsewhere = options.registry.signatureRepository;
      const signatures =
        elsewhere === undefined
          ? images
          : this.#reader(parseImageReference(elsewhere), options, signal);
      let entering: Promise<void> | undefined;
      // Once a collection: who held one place and waited for another could wait for ever.
      const room = async (): Promise<void> => (entering ??= this.#turnstile.enter(signal));
      const { attestations, index } = options;
      return collectEvidence({ images, signatures }, image, { attestations, index, room });
    });
  }

  async resolveTag(image: ImageReference, options: AccessOptions): Promise<Digest> {
    if (image.digest !== undefined) return image.digest;
    return this.#within(options, async (signal) => {
      const reader = this.#reader(image, options, signal);
      const tag = image.tag ?? 'latest';
      const manifest = await readTag(reader, tag);
      if (manifest === undefined) throw notFound(`tag ${tag} of ${reader.name}`);
      return manifest.digest;
    });
  }

  async close(): Promise<void> {
    await this.#connections.close();
  }

  #reader(image: ImageReference, options: AccessOptions, signal: AbortSignal): RepositoryReader {
    const { host, repository } = image;
    const { keychain, registry } = options;
    const credential = keychain.credentialFor(host, repository);
    const access: Access = {
      endpoint: this.#hosts.endpoint(host, registry.ca),
      repository,
      identity: keychain.identity,
      ...(credential === undefined ? {} : { credential }),
    };
    return new RepositoryReader(this.#client, access, signal);
  }

  /** Bounds the work in time, answers a caller's signal at once, and leaves nothing running behind. */
  async #within<T>(options: AccessOptions, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    if (options.signal.aborted) throw deadlineExceeded();
    const done = new AbortController();
    const ended = new Promise<never>((_, reject) => {
      const onAbort = (): void => reject(deadlineExceeded());
      options.signal.addEventListener('abort', onAbort, { once: true, signal: done.signal });
    });
    const limit = AbortSignal.timeout(this.#client.limits.collectionMs);
    try {
      return await Promise.race([
        work(AbortSignal.any([options.signal, limit, done.signal])),
        ended,
      ]);
    } finally {
      done.abort();
    }
  }
}

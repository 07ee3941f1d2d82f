// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Updater } from 'tuf-js';
import { VerificationError } from '../../error.ts';
import type { Limits } from '../../limits.ts';
import type { TrustedRootText, TrustRootSource, TufRepository } from '../../ports.ts';
import { Connections, type Resolve } from '../oci/connections.ts';
import { HostLists } from '../oci/endpoint.ts';
import { quietSleep } from '../oci/quiet-sleep.ts';
import { Transport } from '../oci/transport.ts';
import { RepositoryCache } from './cache.ts';
import { BoundedFetcher } from './fetcher.ts';
import { Flights } from './flights.ts';
import { expiryOf, readKnownSet, type KnownSet } from './known.ts';
import { tufLimits, type TufLimits } from './limits.ts';
import { checkMetadata, TRUSTED_ROOT } from './metadata.ts';
import { mirrorOf, type Mirror } from './mirror.ts';
import { publicGoodSeed, type TufSeed } from './seed.ts';

/** Settings of the TUF client. */
export interface TufSourceOptions {
  /** Directory that is ours alone, and may be lost: rollbacks are then found from the first root on. */
  readonly cacheDirectory: string;
  /** Bounds of connections and requests. */
  readonly limits: Limits;
  /** Bounds of repositories, where they differ from the defaults. */
  readonly tufLimits?: Partial<TufLimits>;
  /** Hosts, as `host[:port]`, that are read over plain HTTP, and only these. They may be anywhere. */
  readonly plainHttpHosts: readonly string[];
  /** Hosts, as `host[:port]`, that may be at any address: loopback, cluster services, link-local. */
  readonly privateHosts?: readonly string[];
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** What the public good starts from; as shipped by default. */
  readonly seed?: TufSeed;
  /** Replaces DNS, for tests. The answers are checked all the same. */
  readonly resolve?: Resolve;
  /**
   * Waits before a request is tried again, until the signal fires at the latest; never rejects. By
   * default a wait does not keep a process alive that has nothing else to do.
   */
  readonly sleep?: (milliseconds: number, signal: AbortSignal) => Promise<void>;
}

/** A trust root source over TUF. `close` ends what is running and its connections. */
export type TufSource = TrustRootSource & { close(): Promise<void> };

/**
 * Makes the TUF client. It makes no request before it is asked for a repository. Throws REF_INVALID
 * for an entry in the host lists that is no host.
 */
export function createTufSource(options: TufSourceOptions): TufSource {
  return new Client(options);
}

const CACHED_TEXTS = 6;

class Client implements TufSource {
  readonly #options: TufSourceOptions;
  readonly #limits: TufLimits;
  readonly #hosts: HostLists;
  readonly #connections: Connections;
  readonly #transport: Transport;
  readonly #flights = new Flights<TrustedRootText>();
  readonly #seed: TufSeed;

  constructor(options: TufSourceOptions) {
    const { limits, now } = options;
    this.#options = options;
    this.#limits = tufLimits(options.tufLimits);
    this.#hosts = new HostLists(options.plainHttpHosts, options.privateHosts ?? []);
    this.#connections = new Connections(limits, this.#hosts, options.resolve);
    this.#seed = options.seed ?? publicGoodSeed();
    this.#transport = new Transport({
      limits,
      hosts: this.#hosts,
      connections: this.#connections,
      now,
      sleep: options.sleep ?? quietSleep,
      observe: () => undefined,
    });
  }

  async trustedRoot(repository: TufRepository, signal: AbortSignal): Promise<TrustedRootText> {
    const mirror = this.#mirror(repository);
    return this.#flights.join(mirror.key, async (end) => this.#refresh(mirror, end), {
      signal,
      ended: () => new VerificationError('TRUST_ROOT_STALE', 'the mirror was not read in time'),
    });
  }

  async knownTrustedRoot(repository: TufRepository): Promise<TrustedRootText | undefined> {
    const mirror = this.#mirror(repository);
    const seed = mirror.seed === undefined ? undefined : { text: mirror.seed, fromSeed: true };
    try {
      const bytes = await this.#cache(mirror).known();
      return bytes === undefined ? seed : await readKnownSet(bytes, this.#limits);
    } catch {
      // A cache that cannot be read, or is not what we wrote, is no cache.
      return seed;
    }
  }

  async close(): Promise<void> {
    await this.#flights.close();
    await this.#connections.close();
  }

  #mirror(repository: TufRepository): Mirror {
    return mirrorOf(repository, { hosts: this.#hosts, limits: this.#limits, seed: this.#seed });
  }

  #cache(mirror: Mirror): RepositoryCache {
    const maxBytes = CACHED_TEXTS * this.#limits.metadataBytes;
    const { cacheDirectory: directory, now } = this.#options;
    return new RepositoryCache({ directory, maxBytes, now }, mirror.key);
  }

  async #refresh(mirror: Mirror, end: AbortSignal): Promise<TrustedRootText> {
    const cache = this.#cache(mirror);
    const staging = await cache
      .stage(mirror.root, (root) => this.#isSound(root))
      .catch((thrown: unknown) => {
        throw diskFailure(thrown);
      });
    const signal = AbortSignal.any([end, AbortSignal.timeout(this.#limits.refreshMs)]);
    const fetcher = this.#fetcher(mirror, staging, signal);
    try {
      const set = await this.#update(mirror, staging, fetcher);
      await cache.keep(staging, JSON.stringify(set));
      return { text: set.text, expires: expiryOf(set, this.#limits), fromSeed: false };
    } catch (thrown) {
      throw fetcher.failure ?? (await this.#expired(staging)) ?? asFailure(thrown);
    } finally {
      await cache.unstage(staging).catch(() => undefined);
    }
  }

  #isSound(root: Buffer): boolean {
    try {
      checkMetadata(root, 'root', this.#limits);
      return true;
    } catch {
      return false;
    }
  }

  #fetcher(mirror: Mirror, directory: string, signal: AbortSignal): BoundedFetcher {
    const { redirects } = this.#options.limits;
    return new BoundedFetcher({
      transport: this.#transport,
      endpoint: mirror.endpoint,
      limits: this.#limits,
      now: this.#options.now,
      redirects,
      directory,
      signal,
    });
  }

  /** The client workflow of the TUF specification (§5), which the library goes through. */
  async #update(mirror: Mirror, staging: string, fetcher: BoundedFetcher): Promise<KnownSet> {
    const { rootBytes, timestampBytes, metadataBytes, rootRotations } = this.#limits;
    const updater = new Updater({
      metadataDir: staging,
      metadataBaseUrl: mirror.url,
      targetDir: staging,
      targetBaseUrl: `${mirror.url}/targets`,
      fetcher,
      config: {
        rootMaxLength: rootBytes,
        timestampMaxLength: timestampBytes,
        snapshotMaxLength: metadataBytes,
        targetsMaxLength: metadataBytes,
        maxRootRotations: rootRotations,
        maxDelegations: 0,
      },
    });
    await updater.refresh();
    const target = await updater.getTargetInfo(TRUSTED_ROOT);
    if (target === undefined) throw new Error(`no target ${TRUSTED_ROOT}`);
    const file = join(staging, TRUSTED_ROOT);
    await updater.downloadTarget(target, file);
    const [root, timestamp, snapshot, targets] = await Promise.all([
      readText(join(staging, 'root.json')),
      readText(join(staging, 'timestamp.json')),
      readText(join(staging, 'snapshot.json')),
      readText(join(staging, 'targets.json')),
    ]);
    return { root, timestamp, snapshot, targets, text: await readText(file) };
  }

  /** The last root has expired, and no newer one was found. */
  async #expired(staging: string): Promise<VerificationError | undefined> {
    try {
      const bytes = await readFile(join(staging, 'root.json'));
      const { expires } = checkMetadata(bytes, 'root', this.#limits);
      if (Date.parse(expires) > this.#options.now()) return undefined;
      return new VerificationError('TRUST_ROOT_STALE', `root.json expired at ${expires}`);
    } catch {
      return undefined;
    }
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

async function readText(file: string): Promise<string> {
  return utf8.decode(await readFile(file));
}

const SHOWN_CHARS = 200;

/** What the library refused; a fault of the disk is none of the repository's. */
function asFailure(thrown: unknown): VerificationError {
  if (thrown instanceof Error && 'syscall' in thrown) return diskFailure(thrown);
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const shown = message.replace(/[^\x20-\x7e]/g, ' ').slice(0, SHOWN_CHARS);
  return new VerificationError(
    'TRUST_ROOT_INVALID',
    `the metadata is not to be trusted: ${shown}`,
    {
      cause: thrown,
    },
  );
}

function diskFailure(thrown: unknown): VerificationError {
  const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : 'unknown';
  const detail = `the cache directory cannot be used (${code})`;
  return new VerificationError('INTERNAL', detail, { cause: thrown });
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'mocha';
import { limits, type Limits } from '../../../limits.ts';
import type { TrustedRootText, TufRepository } from '../../../ports.ts';
import { TestTufRepository } from '../../../testing/index.ts';
import { createTufSource, type TufSource, type TufSourceOptions } from '../source.ts';

/** Trusted roots as tests publish them. */
export const FIRST = '{"mediaType":"first"}';
export const SECOND = '{"mediaType":"second"}';
/** When metadata ended that has expired. */
export const PAST = '2020-01-01T00:00:00Z';
/** Errors of the library, for `assert.rejects`. */
export const INVALID = { name: 'VerificationError', code: 'TRUST_ROOT_INVALID' };
export const STALE = { name: 'VerificationError', code: 'TRUST_ROOT_STALE' };

/** A signal that does not fire. */
export const never = (): AbortSignal => new AbortController().signal;

/** Answers a request in place of the mirror; `false` leaves it to the mirror. */
export type Handler = (request: IncomingMessage, response: ServerResponse) => boolean;

/** Serves the files of a repository on loopback, honestly unless a handler does otherwise. */
export class MirrorServer {
  readonly repository: TestTufRepository;
  readonly seen: { readonly path: string; readonly headers: IncomingMessage['headers'] }[] = [];
  handler: Handler | undefined;
  #host = '';
  readonly #server = createServer((request, response) => {
    const path = request.url ?? '';
    this.seen.push({ path, headers: request.headers });
    if (this.handler?.(request, response) === true) return;
    const file = this.repository.files.get(path);
    response.writeHead(file === undefined ? 404 : 200).end(file);
  });

  constructor(repository: TestTufRepository) {
    this.repository = repository;
  }

  async start(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#host = `127.0.0.1:${(this.#server.address() as AddressInfo).port.toString()}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, 'close');
  }

  /** Where it is or was. */
  get host(): string {
    return this.#host;
  }

  /** The repository as a policy names it. */
  get asked(): TufRepository {
    return { kind: 'mirror', mirror: `http://${this.host}`, root: this.repository.firstRoot };
  }
}

/** What a test may change about a source. */
export interface SetupOptions extends Partial<Omit<TufSourceOptions, 'limits'>> {
  readonly limits?: Partial<Limits>;
}

/** Starts and stops what one test needs. */
class Setup {
  readonly #cleanup: (() => Promise<void>)[] = [];
  #directory: string | undefined;

  async mirror(repository: TestTufRepository = new TestTufRepository()): Promise<MirrorServer> {
    const server = new MirrorServer(repository);
    await server.start();
    this.#cleanup.push(async () => server.stop());
    return server;
  }

  async directory(): Promise<string> {
    if (this.#directory === undefined) {
      const made = await mkdtemp(join(tmpdir(), 'tuf-test-'));
      this.#directory = made;
      this.#cleanup.push(async () => rm(made, { recursive: true, force: true }));
    }
    return this.#directory;
  }

  /** A source over the directory of this setup, as after a restart. */
  async source(mirrors: readonly MirrorServer[], options: SetupOptions = {}): Promise<TufSource> {
    const source = createTufSource({
      cacheDirectory: await this.directory(),
      plainHttpHosts: mirrors.map(({ host }) => host),
      now: () => performance.timeOrigin + performance.now(),
      ...options,
      limits: limits({ requestMs: 2000, connectMs: 1000, ...options.limits }),
    });
    this.#cleanup.push(async () => source.close());
    return source;
  }

  /** One read by a source of its own. */
  async read(mirror: MirrorServer, options: SetupOptions = {}): Promise<TrustedRootText> {
    const source = await this.source([mirror], options);
    return source.trustedRoot(mirror.asked, never());
  }

  async stop(): Promise<void> {
    for (const cleanup of this.#cleanup.splice(0).reverse()) await cleanup();
    this.#directory = undefined;
  }
}

/** For the tests of one `describe`: what is started in a test ends with it. */
export function setupEach(): Setup {
  const setup = new Setup();
  afterEach(async () => setup.stop());
  return setup;
}

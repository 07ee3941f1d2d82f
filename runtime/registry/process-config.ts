// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Keychain } from '../../verification/index.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../log/index.ts';

/** Finds a credential, as a Keychain does. */
export type CredentialLookup = Keychain['credentialFor'];

/** Reads the text of a docker config (`{"auths": …}`); throws where it cannot be read. */
export type DockerConfigParser = (dockerConfigJson: string) => CredentialLookup;

/** A credential set with its stable name. */
export interface NamedLookup {
  readonly identity: string;
  readonly find: CredentialLookup;
}

/** No credentials at all. */
export const ANONYMOUS: NamedLookup = { identity: '', find: () => undefined };

const MAX_BYTES = 1024 * 1024;
const CHECK_MS = 10_000;

/** What reading the file needs. */
export interface ProcessConfigOptions {
  /** Path of a docker config; absent means anonymous. */
  readonly path: string | undefined;
  readonly parse: DockerConfigParser;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * The docker config file of the process. Looked at again at most every ten seconds, in the background
 * of a use; a file that cannot be read or parsed keeps what was read last.
 */
export class ProcessConfig {
  readonly #options: ProcessConfigOptions;
  #current = ANONYMOUS;
  #checkedAt = Number.NEGATIVE_INFINITY;
  #failed = false;

  constructor(options: ProcessConfigOptions) {
    this.#options = options;
  }

  /** What was read last; starts another look where the last one is old. */
  get current(): NamedLookup {
    const { path, clock } = this.#options;
    if (path !== undefined && clock.monotonic() - this.#checkedAt > CHECK_MS) void this.load();
    return this.#current;
  }

  /** Reads the file now. Never rejects. */
  async load(): Promise<void> {
    const { path, parse, clock, logger } = this.#options;
    if (path === undefined) return;
    this.#checkedAt = clock.monotonic();
    try {
      const bytes = await readFile(path);
      if (bytes.byteLength > MAX_BYTES) throw new RangeError('longer than 1 MiB');
      const identity = hashOf(bytes);
      if (identity !== this.#current.identity)
        this.#current = { identity, find: parse(bytes.toString('utf8')) };
      this.#failed = false;
    } catch (thrown) {
      if (!this.#failed)
        logger.warn('cannot read the registry configuration; the last one stays', {
          path,
          code: codeOf(thrown),
        });
      this.#failed = true;
    }
  }
}

/** What went wrong, in a word: the message of a parser may quote a credential. */
function codeOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return 'Error';
  return 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : thrown.name;
}

/** A short stable name for content. */
export function hashOf(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex').slice(0, 16);
}

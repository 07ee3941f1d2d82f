// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Metadata files, by the names that the TUF library gives them. */
const METADATA = ['root.json', 'timestamp.json', 'snapshot.json', 'targets.json'] as const;
const KNOWN = 'known.json';
const STAGING = 'staging-';
/** No refresh takes that long: what is older was left by a process that died. */
const LEFT_OVER_MS = 3_600_000;

/** What a cache holds of one repository; names are ours or a hash, never something that was read. */
export interface CacheOptions {
  /** Directory for all repositories; made where it does not exist. */
  readonly directory: string;
  /** Bytes of the largest file that is read back. */
  readonly maxBytes: number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/**
 * Files of one repository. The TUF library writes in a directory for one refresh only; what it left
 * there it has verified, and it is moved over file by file, so that no crash leaves half a file.
 */
export class RepositoryCache {
  readonly #directory: string;
  readonly #options: CacheOptions;

  /** `key` is the hash that names the repository. */
  constructor(options: CacheOptions, key: string) {
    this.#directory = join(options.directory, key);
    this.#options = options;
  }

  /**
   * A fresh directory with the metadata that is kept, where `isSound` accepts its root, else with
   * `root` alone.
   */
  async stage(root: Buffer, isSound: (root: Buffer) => boolean): Promise<string> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    await this.#sweep();
    const staging = await mkdtemp(join(this.#directory, STAGING));
    const kept = await this.#read('root.json');
    if (kept === undefined || !isSound(kept)) {
      await writeFile(join(staging, 'root.json'), root);
      return staging;
    }
    for (const name of METADATA) {
      const bytes = name === 'root.json' ? kept : await this.#read(name);
      if (bytes !== undefined) await writeFile(join(staging, name), bytes);
    }
    return staging;
  }

  /** Keeps the metadata of a staged directory, and removes the directory. */
  async unstage(staging: string): Promise<void> {
    try {
      for (const name of METADATA) {
        await rename(join(staging, name), join(this.#directory, name)).catch(ifAbsent);
      }
    } finally {
      await rm(staging, { recursive: true, force: true });
    }
  }

  /** The last set that was kept whole; `undefined` where there is none that can be read. */
  async known(): Promise<Buffer | undefined> {
    return this.#read(KNOWN);
  }

  /** Keeps a set whole. */
  async keep(staging: string, set: string): Promise<void> {
    const file = join(staging, KNOWN);
    await writeFile(file, set);
    await rename(file, join(this.#directory, KNOWN));
  }

  async #sweep(): Promise<void> {
    const names = await readdir(this.#directory);
    for (const name of names.filter((found) => found.startsWith(STAGING))) {
      const path = join(this.#directory, name);
      const found = await stat(path).catch(() => undefined);
      if (found !== undefined && this.#options.now() - found.mtimeMs > LEFT_OVER_MS)
        await rm(path, { recursive: true, force: true });
    }
  }

  async #read(name: string): Promise<Buffer | undefined> {
    const file = join(this.#directory, name);
    try {
      const { size } = await stat(file);
      return size > this.#options.maxBytes ? undefined : await readFile(file);
    } catch (thrown) {
      ifAbsent(thrown);
      return undefined;
    }
  }
}

/** Passes over a file that is not there; throws anything else. */
function ifAbsent(thrown: unknown): void {
  if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT') return;
  throw thrown;
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { randomUUID } from 'node:crypto';
import { mkdir, open, opendir, rename, stat, unlink, utimes } from 'node:fs/promises';
import { join } from 'node:path';

/** Where files are kept, and how much of them. */
export interface BoundedFilesOptions {
  readonly directory: string;
  /** Bytes that all files may take, in whole blocks. */
  readonly maxBytes: number;
  readonly maxFiles: number;
}

/** What a file takes at least, as volumes count. */
const BLOCK = 4096;
const TEMPORARY = '.tmp';
/** Entries of a directory that are looked at: another process filled it where there are more. */
const MAX_LISTED = 200_000;

/**
 * A directory of files that are written whole or not at all, and of which those go first that were
 * used longest ago. Names are the caller's and hold no slash. `open`, `write` and `touch` are called one
 * after the other; every method rejects where the volume does not let it.
 */
export class BoundedFiles {
  readonly #options: BoundedFilesOptions;
  /** Bytes by name, the least recently used first. */
  readonly #sizes = new Map<string, number>();
  #bytes = 0;
  #opened = false;

  constructor(options: BoundedFilesOptions) {
    this.#options = options;
  }

  /** Makes the directory, and finds what a former process left there. Does nothing the second time. */
  async open(): Promise<void> {
    if (this.#opened) return;
    const { directory } = this.#options;
    await mkdir(directory, { recursive: true, mode: 0o700 });
    for (const { name, size } of await this.#list()) this.#count(name, size);
    this.#opened = true;
    await this.#makeRoom(0);
  }

  /** The bytes of a file; `undefined` where there is none, or a longer one. Rejects where it cannot be read. */
  async read(name: string, maxBytes: number): Promise<Buffer | undefined> {
    const file = await open(this.#pathOf(name)).catch(unlessMissing);
    if (file === undefined) return undefined;
    try {
      const { size } = await file.stat();
      if (size > maxBytes) return undefined;
      this.#use(name);
      const bytes = Buffer.alloc(size);
      const { bytesRead } = await file.read(bytes, 0, size, 0);
      return bytes.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  }

  /** Writes a file, in place of the one of that name. */
  async write(name: string, parts: readonly Uint8Array[]): Promise<void> {
    const size = parts.reduce((sum, part) => sum + part.byteLength, 0);
    await this.#makeRoom(blocksOf(size));
    const temporary = this.#pathOf(`${randomUUID()}${TEMPORARY}`);
    try {
      const file = await open(temporary, 'wx', 0o600);
      try {
        for (const part of parts) await file.writeFile(part);
      } finally {
        await file.close();
      }
      await rename(temporary, this.#pathOf(name));
    } catch (thrown) {
      await unlink(temporary).catch(() => undefined);
      throw thrown;
    }
    this.#count(name, size);
  }

  /** Notes that a file was used, also for processes to come; false where it is not there. */
  async touch(name: string, now: Date): Promise<boolean> {
    if (!this.#sizes.has(name)) return false;
    this.#use(name);
    const path = this.#pathOf(name);
    return (await utimes(path, now, now).then(() => true, unlessMissing)) ?? false;
  }

  /** Deletes a file where it is there. */
  async remove(name: string): Promise<void> {
    this.#forget(name);
    await unlink(this.#pathOf(name)).catch(unlessMissing);
  }

  async #list(): Promise<readonly { readonly name: string; readonly size: number }[]> {
    const found: { name: string; size: number; used: number }[] = [];
    let listed = 0;
    for await (const entry of await opendir(this.#options.directory)) {
      if ((listed += 1) > MAX_LISTED) break;
      if (!entry.isFile()) continue;
      const { name } = entry;
      // Somebody was ended while writing it.
      if (name.endsWith(TEMPORARY)) await unlink(this.#pathOf(name)).catch(() => undefined);
      else {
        const { size, mtimeMs } = await stat(this.#pathOf(name));
        found.push({ name, size, used: mtimeMs });
      }
    }
    return found.sort((a, b) => a.used - b.used);
  }

  /** Deletes what was used longest ago until there is room for so many bytes and one more file. */
  async #makeRoom(bytes: number): Promise<void> {
    const { maxBytes, maxFiles } = this.#options;
    for (const name of [...this.#sizes.keys()]) {
      if (this.#bytes + bytes <= maxBytes && this.#sizes.size < maxFiles) return;
      await this.remove(name);
    }
  }

  #count(name: string, size: number): void {
    this.#forget(name);
    this.#sizes.set(name, blocksOf(size));
    this.#bytes += blocksOf(size);
  }

  #forget(name: string): void {
    this.#bytes -= this.#sizes.get(name) ?? 0;
    this.#sizes.delete(name);
  }

  #use(name: string): void {
    const size = this.#sizes.get(name);
    if (size === undefined) return;
    this.#sizes.delete(name);
    this.#sizes.set(name, size);
  }

  #pathOf(name: string): string {
    return join(this.#options.directory, name);
  }
}

function blocksOf(bytes: number): number {
  return Math.ceil(bytes / BLOCK) * BLOCK;
}

function unlessMissing(thrown: unknown): undefined {
  if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT') return undefined;
  throw thrown;
}

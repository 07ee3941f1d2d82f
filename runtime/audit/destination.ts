// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { constants, write } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { promisify } from 'node:util';

/** Where bytes go. */
export interface Destination {
  /** How many of the bytes were taken; 0 where none can be taken now. Rejects where writing fails. */
  write(bytes: Uint8Array): Promise<number>;
  /** Gives up what is open; the next write opens it anew. Never rejects. */
  close(): Promise<void>;
}

/** Names standard output. */
export const STANDARD_OUTPUT = '-';

const STDOUT_FD = 1;
const STDOUT_PATH = '/dev/stdout';
const FLAGS = constants.O_WRONLY | constants.O_APPEND | constants.O_NONBLOCK;
const MODE = 0o640;

const writeTo = promisify(write);

/**
 * A file that is appended to (made where there is none), a named pipe, or standard output for `-`.
 * Opened so that a pipe which nobody reads takes nothing instead of holding up the writing thread:
 * a thread that is held up so would keep the process from ending.
 */
export class FileDestination implements Destination {
  readonly #path: string;
  #handle: FileHandle | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  async write(bytes: Uint8Array): Promise<number> {
    try {
      const handle = (this.#handle ??= await this.#open());
      const { bytesWritten } =
        handle === undefined ? await writeTo(STDOUT_FD, bytes) : await handle.write(bytes);
      return bytesWritten;
    } catch (thrown) {
      if (isFull(thrown)) return 0;
      await this.close();
      throw thrown;
    }
  }

  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close().catch(() => undefined);
  }

  /** `undefined` where standard output can only be used as it was inherited, e.g. as a socket. */
  async #open(): Promise<FileHandle | undefined> {
    if (this.#path !== STANDARD_OUTPUT)
      return await open(this.#path, FLAGS | constants.O_CREAT, MODE);
    return await open(STDOUT_PATH, FLAGS).catch(() => undefined);
  }
}

function isFull(thrown: unknown): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === 'EAGAIN';
}

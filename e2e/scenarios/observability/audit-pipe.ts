// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { newDirectory } from '../../harness/index.ts';

/** An audit record as it was written. */
export type Line = Readonly<Record<string, unknown>> & {
  readonly workload?: { readonly kind: string; readonly name: string };
};

/** A named pipe that audit records are written to, read only when a test says so. */
export class AuditPipe {
  readonly path: string;
  readonly #fd: number;
  #text = '';

  constructor() {
    this.path = join(newDirectory('audit'), 'pipe');
    execFileSync('mkfifo', [this.path]);
    // Open for both, so that it stays open whoever comes and goes.
    this.#fd = openSync(this.path, constants.O_RDWR | constants.O_NONBLOCK);
  }

  /** Everything that was written and read so far, in whole lines. */
  lines(): readonly Line[] {
    this.#drain();
    return this.#text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Line);
  }

  /** Forgets what was read. */
  reset(): void {
    this.#drain();
    this.#text = this.#text.slice(this.#text.lastIndexOf('\n') + 1);
  }

  close(): void {
    closeSync(this.#fd);
  }

  #drain(): void {
    const buffer = Buffer.alloc(1 << 16);
    for (let size = -1; size !== 0;) {
      size = this.#read(buffer);
      this.#text += buffer.subarray(0, size).toString();
    }
  }

  /** 0 where there is nothing to read now. */
  #read(buffer: Buffer): number {
    try {
      return readSync(this.#fd, buffer);
    } catch (thrown) {
      if (thrown instanceof Error && 'code' in thrown && thrown.code === 'EAGAIN') return 0;
      throw thrown;
    }
  }
}

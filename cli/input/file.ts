// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { createReadStream } from 'node:fs';
import { UsageError } from '../usage-error.ts';

const MAX_BYTES = 4 * 1024 * 1024;

/** The text of a file, or of a pipe such as /dev/stdin; `-` is standard input. Throws UsageError where it cannot be had, or is longer than 4 MiB. */
export async function readText(path: string): Promise<string> {
  const bytes = await readBytes(path);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (thrown) {
    throw new UsageError(`${path}: is not UTF-8`, { cause: thrown });
  }
}

async function readBytes(path: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    const stream = path === '-' ? process.stdin : createReadStream(path);
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > MAX_BYTES) break;
      chunks.push(chunk);
    }
  } catch (thrown) {
    throw new UsageError(`${path}: cannot be read (${codeOf(thrown)})`, { cause: thrown });
  }
  if (length > MAX_BYTES) throw new UsageError(`${path}: is longer than 4 MiB`);
  return Buffer.concat(chunks);
}

function codeOf(thrown: unknown): string {
  const code: unknown = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
  return typeof code === 'string' ? code : String(thrown);
}

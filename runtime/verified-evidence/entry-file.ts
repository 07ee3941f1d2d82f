// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { createHash } from 'node:crypto';
import { z } from 'zod';

/** A policy has at most so many requirements, with names of at most so many characters. */
const MAX_NAMES = 32;
const MAX_NAME = 63;

const hash = z.string().regex(/^[0-9a-f]{64}$/);

const schema = z.strictObject({
  formatVersion: z.literal(1),
  /** Hash of the key. */
  key: hash,
  /** Id of the file that holds the evidence. */
  evidence: hash,
  collectedAt: z.int(),
  superseded: z.boolean(),
  /** Names of requirements. */
  satisfied: z.array(z.string().max(MAX_NAME)).max(MAX_NAMES).optional(),
});

/** What is kept under a key: which requirements were satisfied by which evidence, and when it was read. */
export type Entry = Omit<z.infer<typeof schema>, 'formatVersion' | 'satisfied'> & {
  readonly satisfied?: readonly string[];
};

/** The longest that an entry can be, in bytes. */
export const MAX_ENTRY_BYTES = 4096;

/** The hash of a key, hex: the name of its entry. */
export function keyHash(key: string): string {
  return sha256(key);
}

/** An entry as a file: its hash, and the entry as JSON. */
export function entryFileOf(entry: Entry): Buffer {
  const text = JSON.stringify({ formatVersion: 1, ...entry });
  return Buffer.from(`${sha256(text)}\n${text}`);
}

/** The entry in a file; `undefined` where it is of another key or not what was written. */
export function readEntryFile(key: string, bytes: Buffer): Entry | undefined {
  const [told, text = ''] = bytes.toString('utf8').split('\n', 2);
  if (sha256(text) !== told) return undefined;
  try {
    const { data } = schema.safeParse(JSON.parse(text));
    if (data?.key !== key) return undefined;
    const { evidence, collectedAt, superseded, satisfied } = data;
    return { key, evidence, collectedAt, superseded, ...(satisfied && { satisfied }) };
  } catch {
    return undefined;
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { createHash } from 'node:crypto';
import { z } from 'zod';
import {
  canonicalJson,
  INCONCLUSIVE_REASONS,
  matchesDigest,
  REJECTED_REASONS,
  type Digest,
  type Evidence,
  type EvidenceGap,
} from '../../verification/index.ts';

const digest = z.custom<Digest>((value) => typeof value === 'string');
const code = z.custom<EvidenceGap['code']>(
  (value) =>
    typeof value === 'string' &&
    (Object.hasOwn(REJECTED_REASONS, value) || Object.hasOwn(INCONCLUSIVE_REASONS, value)),
);
const size = z.int().min(0);

const signature = z.strictObject({
  format: z.enum(['simple-signing', 'bundle', 'dsse']),
  digest,
  annotations: z.record(z.string(), z.string()),
  origin: z.enum(['tag', 'referrers-api', 'referrers-tag', 'exception']),
  size,
});
const gap = z.strictObject({
  code,
  what: z.string(),
  detail: z.string(),
  isAbsence: z.literal(true).exactOptional(),
});
const described = z.strictObject({
  digest,
  manifest: z.strictObject({ mediaType: z.string(), size }),
  signatures: z.array(signature),
  gaps: z.array(gap),
});
const head = z.strictObject({
  formatVersion: z.literal(1),
  ...described.shape,
  index: described.exactOptional(),
});

type Described = z.infer<typeof described>;
type Head = z.infer<typeof head>;

/** Evidence as a file: its parts, one after the other, and the name that they have by their content. */
export interface EvidenceFile {
  /** SHA-256, hex, of what tells the content: digests, and all that is no bytes. */
  readonly id: string;
  readonly parts: readonly Uint8Array[];
}

const LENGTH_BYTES = 4;

/** The file of some evidence. Hashes no content: the digests of the parts stand for them. */
export function evidenceFileOf(evidence: Evidence): EvidenceFile {
  const { index } = evidence;
  const told: Head = {
    formatVersion: 1,
    ...describe(evidence),
    ...(index === undefined ? {} : { index: describe(index) }),
  };
  const text = Buffer.from(canonicalJson(told));
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32BE(text.byteLength);
  const contents = [...partsOf(evidence), ...(index === undefined ? [] : partsOf(index))];
  return { id: hashOf(text), parts: [length, text, ...contents] };
}

/** The evidence in a file of this id; `undefined` where any part is not what was written. */
export function readEvidenceFile(id: string, bytes: Uint8Array): Evidence | undefined {
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (all.byteLength < LENGTH_BYTES) return undefined;
  const end = LENGTH_BYTES + all.readUInt32BE();
  const text = all.subarray(LENGTH_BYTES, end);
  if (all.byteLength < end || hashOf(text) !== id) return undefined;
  const told = parse(text);
  if (told === undefined) return undefined;
  const reader = new PartReader(all.subarray(end));
  const { index } = told;
  const own = restore(told, reader);
  const listed = index === undefined ? undefined : restore(index, reader);
  if (!reader.isIntact || own === undefined) return undefined;
  if (index === undefined) return own;
  return listed === undefined ? undefined : { ...own, index: listed };
}

function parse(text: Buffer): Head | undefined {
  try {
    return head.safeParse(JSON.parse(text.toString('utf8'))).data;
  } catch {
    return undefined;
  }
}

function describe({ digest: of, manifest, signatures, gaps }: Evidence): Described {
  return {
    digest: of,
    manifest: { mediaType: manifest.mediaType, size: manifest.bytes.byteLength },
    signatures: signatures.map(({ bytes, ...rest }) => ({ ...rest, size: bytes.byteLength })),
    gaps: [...gaps],
  };
}

function partsOf({ manifest, signatures }: Evidence): readonly Uint8Array[] {
  return [manifest.bytes, ...signatures.map(({ bytes }) => bytes)];
}

function restore(told: Described, reader: PartReader): Evidence | undefined {
  const { mediaType, size: manifestSize } = told.manifest;
  const manifest = { mediaType, bytes: reader.next(manifestSize) };
  if (!matchesDigest(told.digest, manifest.bytes)) return undefined;
  const signatures = told.signatures.map(({ size: length, ...rest }) => ({
    ...rest,
    bytes: reader.next(length),
  }));
  // Facts are kept by these digests: they must be those of the bytes.
  if (!signatures.every((s) => matchesDigest(s.digest, s.bytes))) return undefined;
  return { digest: told.digest, manifest, signatures, gaps: told.gaps };
}

/** Takes parts from the front; intact where there were enough bytes and none is left. */
class PartReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  next(length: number): Uint8Array {
    const part = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return part;
  }

  get isIntact(): boolean {
    return this.#at === this.#bytes.byteLength;
  }
}

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

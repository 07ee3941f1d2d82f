// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { createHash } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { ImageTrustPolicySpec } from '../../crds/index.ts';
import { canonicalJson } from '../../verification/index.ts';

/** Version of the form of blobs and index; a replica refuses what it does not know. */
export const FORMAT_VERSION = 1;
/** Name of the ConfigMap that holds the index. */
export const INDEX_NAME = 'countersign-program';
/** Prefix of the names of blobs; the rest is the SHA-256 of the uncompressed bytes, hex. */
export const BLOB_PREFIX = 'countersign-program-';
/** Key of the data in a blob's `binaryData`. */
export const BLOB_KEY = 'policy.json.gz';
/** Key of the data in the index's `data`. */
export const INDEX_KEY = 'index.json';
/** Bytes that a ConfigMap may hold in all; the API server refuses more. */
export const MAX_BLOB_BYTES: number = 1024 * 1024;
/** Bytes that a blob may unpack to. */
const MAX_UNPACKED_BYTES = 16 * 1024 * 1024;

/** What happens to images that no policy matches. */
export type DefaultAction = 'Allow' | 'Deny';

/** The index: which blob holds which policy. Complete by itself. */
export interface ProgramIndex {
  readonly formatVersion: number;
  /** Grows with every change; acknowledged by replicas. */
  readonly revision: number;
  readonly defaultAction: DefaultAction;
  /** Name of the cluster or fleet that signed approvals of exceptions are for; absent where it has none. */
  readonly cluster?: string;
  /** Blob names by policy name; sorted. */
  readonly policies: ReadonlyMap<string, string>;
}

/** A blob as it is stored. */
export interface EncodedBlob {
  readonly name: string;
  /** gzip of canonical JSON. */
  readonly bytes: Buffer;
}

/** Thrown for a blob or index that cannot be used; the message tells why. */
export class ProgramError extends Error {
  constructor(message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = 'ProgramError';
  }
}

/** Packs a spec whose material is inline. Equal specs give the same name. */
export function encodeBlob(spec: ImageTrustPolicySpec): EncodedBlob {
  const plain = Buffer.from(canonicalJson({ formatVersion: FORMAT_VERSION, spec }));
  const name = BLOB_PREFIX + createHash('sha256').update(plain).digest('hex');
  return { name, bytes: gzipSync(plain, { level: 9 }) };
}

/**
 * Unpacks a blob and checks it against its name. Answers the spec as parsed JSON: `compilePolicy`
 * validates it. Throws ProgramError where the bytes are not those that the name promises.
 */
export function decodeBlob(name: string, bytes: Uint8Array): unknown {
  let plain: Buffer;
  try {
    plain = gunzipSync(bytes, { maxOutputLength: MAX_UNPACKED_BYTES });
  } catch (thrown) {
    throw new ProgramError(`${name}: not gzip`, { cause: thrown });
  }
  if (BLOB_PREFIX + createHash('sha256').update(plain).digest('hex') !== name) {
    throw new ProgramError(`${name}: content does not hash to its name`);
  }
  const blob = parse(name, plain.toString('utf8'));
  if (blob['formatVersion'] !== FORMAT_VERSION)
    throw new ProgramError(`${name}: format version is not known`);
  return blob['spec'];
}

/** Writes an index as text. */
export function encodeIndex(index: ProgramIndex): string {
  return canonicalJson({ ...index, policies: Object.fromEntries(index.policies) });
}

/** Reads an index; ProgramError where anything about it is not as it must be. */
export function decodeIndex(text: string): ProgramIndex {
  const index = parse(INDEX_NAME, text);
  const { formatVersion, revision, defaultAction, policies } = index;
  if (formatVersion !== FORMAT_VERSION)
    throw new ProgramError('index: format version is not known');
  if (typeof revision !== 'number' || !Number.isSafeInteger(revision) || revision < 1)
    throw new ProgramError('index: no revision');
  if (defaultAction !== 'Allow' && defaultAction !== 'Deny')
    throw new ProgramError('index: no default action');
  if (typeof policies !== 'object' || policies === null || Array.isArray(policies))
    throw new ProgramError('index: no policies');
  const entries = Object.entries(policies as Record<string, unknown>);
  return {
    formatVersion,
    revision,
    defaultAction,
    ...clusterOf(index),
    policies: new Map(entries.map(([name, blob]) => [name, blobName(name, blob)])),
  };
}

function clusterOf({ cluster }: Readonly<Record<string, unknown>>): Pick<ProgramIndex, 'cluster'> {
  if (cluster === undefined) return {};
  if (typeof cluster === 'string' && cluster !== '') return { cluster };
  throw new ProgramError('index: cluster is not a name');
}

function blobName(policy: string, blob: unknown): string {
  if (typeof blob === 'string' && /^countersign-program-[a-f0-9]{64}$/.test(blob)) return blob;
  throw new ProgramError(`index: policy ${policy} names no blob`);
}

function parse(what: string, text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>;
  } catch (thrown) {
    throw new ProgramError(`${what}: not JSON`, { cause: thrown });
  }
  throw new ProgramError(`${what}: not an object`);
}

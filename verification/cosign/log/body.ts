// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { createHash } from 'node:crypto';
import { preAuthEncoding } from '../../attestation/pae.ts';
import { VerificationError } from '../../error.ts';
import type { TrustedKey } from '../../trust/index.ts';
import type { LogEntry, SignedContent, SignedEntity } from '../entity.ts';
import type { RecordedHash, RecordedVerifier } from './body-json.ts';
import { readRecord, type HashedPart } from './record.ts';

/**
 * Checks that an entry is about this signature: the key or certificate, the signature and the hashes
 * that its body records are those of the entity. `key` is the key that its signature verified with,
 * which then is what has to be recorded; without one, it is the certificate of the entity.
 *
 * Throws TLOG_ENTRY_MISMATCH for an entry about something else, BUNDLE_MALFORMED for a body that is not
 * what its kind promises.
 */
export function bindEntry(
  entry: LogEntry,
  entity: SignedEntity,
  key: TrustedKey | undefined,
): void {
  const record = readRecord(entry);
  if (record === undefined)
    throw mismatch(`of the kind ${shown(entry.kind)} ${shown(entry.version)}`);
  const { content } = entity;
  const [recorded, ...more] = record.signatures;
  if (recorded === undefined || more.length > 0) throw mismatch('about several signatures');
  if (recorded.signature?.equals(content.signature) === false)
    throw mismatch('about another signature');
  if (!isOfSigner(recorded.verifier, entity, key))
    throw mismatch('about another key or certificate');
  if (record.payloadType !== undefined && record.payloadType !== payloadTypeOf(content))
    throw mismatch('about another type of payload');
  for (const [part, hash] of record.hashes) checkHash(part, hash, content);
}

function isOfSigner(
  { kind, der }: RecordedVerifier,
  { material }: SignedEntity,
  key: TrustedKey | undefined,
): boolean {
  if (key === undefined)
    return material.kind === 'certificate' && kind === 'certificate' && der.equals(material.leaf);
  const fingerprint = `sha256:${createHash('sha256').update(der).digest('hex')}`;
  return kind === 'key' && fingerprint === key.fingerprint;
}

function payloadTypeOf(content: SignedContent): string | undefined {
  return content.kind === 'dsse' ? content.payloadType : undefined;
}

function checkHash(part: HashedPart, { algorithm, value }: RecordedHash, of: SignedContent): void {
  if (part === 'kept-envelope' && of.kind === 'dsse' && of.envelope === undefined) return;
  if (digestOf(part, algorithm, of)?.equals(value) !== true) throw mismatch('about other content');
}

/** Many entries may come with one large payload: each part is hashed once by each algorithm. */
const digests = new WeakMap<SignedContent, Map<string, Buffer>>();

function digestOf(part: HashedPart, algorithm: string, of: SignedContent): Buffer | undefined {
  const known = digests.get(of) ?? new Map<string, Buffer>();
  digests.set(of, known);
  const name = `${part} ${algorithm}`;
  const again = known.get(name);
  if (again !== undefined) return again;
  const bytes = partOf(part, of);
  if (bytes === undefined) return undefined;
  const digest = createHash(algorithm).update(bytes).digest();
  known.set(name, digest);
  return digest;
}

/** The bytes of a part; `undefined` where such content has no such part, or it is not known. */
function partOf(part: HashedPart, content: SignedContent): Buffer | undefined {
  if (content.kind === 'message')
    return part === 'message' || part === 'signed' ? content.message : undefined;
  switch (part) {
    case 'message':
      return undefined;
    case 'signed':
      return preAuthEncoding(content.payloadType, content.payload);
    case 'payload':
      return content.payload;
    case 'envelope':
    case 'kept-envelope':
      return content.envelope;
  }
}

const MAX_SHOWN = 32;

function shown(text: string): string {
  return JSON.stringify(text.slice(0, MAX_SHOWN));
}

function mismatch(detail: string): VerificationError {
  return new VerificationError('TLOG_ENTRY_MISMATCH', `log entry is ${detail}`);
}

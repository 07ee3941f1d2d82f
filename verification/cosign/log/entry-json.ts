// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { InclusionProof as JsonProof, TransparencyLogEntry } from '@sigstore/protobuf-specs';
import { asObject, decodeBase64, parseStrictJson } from '../../encoding/index.ts';
import { VerificationError } from '../../error.ts';
import { DEFAULT_LIMITS } from '../../limits.ts';
import type { InclusionProof, LogEntry } from '../entity.ts';
import { malformedEntry, parseBody } from './body-json.ts';

/** Entries of one bundle. Each costs two signatures to verify. */
const MAX_ENTRIES = 32;
const MAX_DEPTH = 8;
const DECIMAL = /^(?:0|[1-9][0-9]{0,18})$/;
const LOG_ID = /^[0-9a-f]{64}$/;

/**
 * The log entries of a bundle in our shape. The library has read them already, leniently: numbers are
 * texts of any kind, what is missing is empty. Throws BUNDLE_MALFORMED for an entry that lacks its log,
 * kind or body or has numbers that are none, LIMIT_EXCEEDED for more than 32 entries.
 */
export function entriesOfBundle(entries: readonly TransparencyLogEntry[]): readonly LogEntry[] {
  if (entries.length > MAX_ENTRIES)
    throw new VerificationError(
      'LIMIT_EXCEEDED',
      `bundle: has more than ${MAX_ENTRIES.toString()} log entries`,
    );
  return entries.map(entryOfBundle);
}

/**
 * The log entry in the annotation `dev.sigstore.cosign/bundle` of a cosign signature. Kind and version
 * are those of its body. Throws BUNDLE_MALFORMED, or LIMIT_EXCEEDED for a text that is too long.
 */
export function entryOfAnnotation(json: string): LogEntry {
  if (json.length > DEFAULT_LIMITS.signatureBytes)
    throw new VerificationError('LIMIT_EXCEEDED', 'log entry: annotation is too long');
  const root = asObject(
    parseStrictJson(Buffer.from(json), {
      code: 'BUNDLE_MALFORMED',
      maxDepth: MAX_DEPTH,
      what: 'log entry',
    }),
  );
  const payload = asObject(root?.['Payload']);
  if (payload === undefined) throw malformedEntry('annotation has no Payload');
  const { logID, body: bodyText, integratedTime, logIndex } = payload;
  if (typeof logID !== 'string' || !LOG_ID.test(logID)) throw malformedEntry('logID is not a hash');
  const body = base64(bodyText, 'body');
  const { kind, version } = parseBody(body);
  return {
    logIndex: integer(logIndex, 'logIndex'),
    logId: Buffer.from(logID, 'hex'),
    kind,
    version,
    integratedTime: integer(integratedTime, 'integratedTime'),
    body,
    promise: base64(root?.['SignedEntryTimestamp'], 'SignedEntryTimestamp'),
  };
}

function entryOfBundle(entry: TransparencyLogEntry): LogEntry {
  const { kindVersion, logId, inclusionPromise, inclusionProof, canonicalizedBody } = entry;
  if (kindVersion === undefined) throw malformedEntry('has no kind');
  if (logId === undefined || logId.keyId.byteLength === 0) throw malformedEntry('names no log');
  if (canonicalizedBody.byteLength === 0) throw malformedEntry('has no body');
  if (inclusionPromise?.signedEntryTimestamp.byteLength === 0)
    throw malformedEntry('has an empty promise');
  return {
    logIndex: safeDecimal(entry.logIndex, 'logIndex'),
    logId: logId.keyId,
    kind: kindVersion.kind,
    version: kindVersion.version,
    integratedTime: safeDecimal(entry.integratedTime, 'integratedTime'),
    body: canonicalizedBody,
    ...(inclusionPromise === undefined ? {} : { promise: inclusionPromise.signedEntryTimestamp }),
    ...(inclusionProof === undefined ? {} : { proof: proofOfBundle(inclusionProof) }),
  };
}

function proofOfBundle(proof: JsonProof): InclusionProof {
  const envelope = proof.checkpoint?.envelope ?? '';
  return {
    logIndex: decimal(proof.logIndex, 'logIndex of the proof'),
    treeSize: decimal(proof.treeSize, 'treeSize'),
    rootHash: proof.rootHash,
    hashes: proof.hashes,
    ...(envelope === '' ? {} : { checkpoint: envelope }),
  };
}

/** A number that a promise may be about: those hold JSON numbers. */
function safeDecimal(text: string, what: string): bigint {
  const value = decimal(text, what);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw malformedEntry(`${what} is too large`);
  return value;
}

function decimal(text: string, what: string): bigint {
  if (!DECIMAL.test(text)) throw malformedEntry(`${what} is not a decimal number`);
  return BigInt(text);
}

function integer(value: unknown, what: string): bigint {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
    throw malformedEntry(`${what} is not an integer`);
  return BigInt(value);
}

function base64(value: unknown, what: string): Buffer {
  if (typeof value !== 'string' || value === '') throw malformedEntry(`${what} is not a text`);
  return decodeBase64(value, 'BUNDLE_MALFORMED', `log entry: ${what}`);
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { decodeBase64 } from '../../encoding/index.ts';
import {
  bytesAt,
  digestAt,
  hexHashAt,
  malformedEntry,
  objectAt,
  objectsAt,
  parseBody,
  pemAt,
  stringAt,
  verifierAt,
  type Json,
  type RecordedHash,
  type RecordedVerifier,
} from './body-json.ts';

/**
 * What a recorded hash is made over: a message; whatever was signed (a message, or the
 * pre-authentication encoding of an envelope); the payload of an envelope; the envelope's own bytes,
 * where `kept-envelope` is to be compared only if those are known.
 */
export type HashedPart = 'message' | 'signed' | 'payload' | 'envelope' | 'kept-envelope';

/** A signature as a body records it, together with what it was verified with. */
export interface RecordedSignature {
  /** Absent in `intoto` 0.0.1, which records the hash of the whole envelope instead. */
  readonly signature?: Buffer;
  readonly verifier: RecordedVerifier;
}

/** All that the body of an entry says, whatever kind it is of. */
export interface LogRecord {
  readonly signatures: readonly RecordedSignature[];
  readonly hashes: readonly (readonly [HashedPart, RecordedHash])[];
  readonly payloadType?: string;
}

const READERS: ReadonlyMap<string, (spec: Json) => LogRecord | undefined> = new Map([
  ['hashedrekord 0.0.1', readHashedRekordV1],
  ['hashedrekord 0.0.2', readHashedRekordV2],
  ['rekord 0.0.1', readRekord],
  ['intoto 0.0.1', readIntotoV1],
  ['intoto 0.0.2', readIntotoV2],
  ['dsse 0.0.1', readDsseV1],
  ['dsse 0.0.2', readDsseV2],
]);

/**
 * Reads the body of an entry, which must be of the kind and version that the entry states. Answers
 * `undefined` for an entry of a kind that cannot be about a signature of ours. Throws BUNDLE_MALFORMED
 * for a body that is not what its kind promises.
 */
export function readRecord(entry: {
  readonly kind: string;
  readonly version: string;
  readonly body: Buffer;
}): LogRecord | undefined {
  const { kind, version, spec } = parseBody(entry.body);
  if (kind !== entry.kind || version !== entry.version)
    throw malformedEntry('body is of another kind or version than the entry states');
  return READERS.get(`${kind} ${version}`)?.(spec);
}

function readHashedRekordV1(spec: Json): LogRecord {
  const signature = objectAt(spec, 'signature');
  return {
    signatures: [
      {
        signature: bytesAt(signature, 'content'),
        verifier: pemAt(objectAt(signature, 'publicKey'), 'content'),
      },
    ],
    hashes: [['message', hexHashAt(objectAt(spec, 'data'), 'hash')]],
  };
}

/** The ancestor of hashedrekord. It also takes signatures of PGP, minisign and SSH, which are not ours. */
function readRekord(spec: Json): LogRecord | undefined {
  const format = stringAt(objectAt(spec, 'signature'), 'format');
  return format === 'x509' ? readHashedRekordV1(spec) : undefined;
}

function readHashedRekordV2(spec: Json): LogRecord {
  const entry = onlyMember(spec, 'hashedRekordV002');
  return {
    signatures: [signatureV2(objectAt(entry, 'signature'))],
    hashes: [['signed', digestAt(entry, 'data')]],
  };
}

function readIntotoV1(spec: Json): LogRecord {
  const content = objectAt(spec, 'content');
  return {
    signatures: [{ verifier: pemAt(spec, 'publicKey') }],
    hashes: [
      ['envelope', hexHashAt(content, 'hash')],
      ['payload', hexHashAt(content, 'payloadHash')],
    ],
  };
}

/** `hash` is made over an envelope with keys inside, which nobody but the log has seen. */
function readIntotoV2(spec: Json): LogRecord {
  const content = objectAt(spec, 'content');
  const envelope = objectAt(content, 'envelope');
  return {
    signatures: objectsAt(envelope, 'signatures').map((json) => ({
      signature: decodeBase64(
        bytesAt(json, 'sig').toString('latin1'),
        'BUNDLE_MALFORMED',
        'log entry: sig',
      ),
      verifier: pemAt(json, 'publicKey'),
    })),
    hashes: [['payload', hexHashAt(content, 'payloadHash')]],
    payloadType: stringAt(envelope, 'payloadType'),
  };
}

function readDsseV1(spec: Json): LogRecord {
  return {
    signatures: objectsAt(spec, 'signatures').map((json) => ({
      signature: bytesAt(json, 'signature'),
      verifier: pemAt(json, 'verifier'),
    })),
    hashes: [
      ['kept-envelope', hexHashAt(spec, 'envelopeHash')],
      ['payload', hexHashAt(spec, 'payloadHash')],
    ],
  };
}

function readDsseV2(spec: Json): LogRecord {
  const entry = onlyMember(spec, 'dsseV002');
  return {
    signatures: objectsAt(entry, 'signatures').map(signatureV2),
    hashes: [['payload', digestAt(entry, 'payloadHash')]],
  };
}

function signatureV2(json: Json): RecordedSignature {
  return { signature: bytesAt(json, 'content'), verifier: verifierAt(json, 'verifier') };
}

/** The specs of Rekor v2 are a choice of which exactly one is made. */
function onlyMember(spec: Json, name: string): Json {
  if (Object.keys(spec).length !== 1) throw malformedEntry('spec is not of one kind');
  return objectAt(spec, name);
}

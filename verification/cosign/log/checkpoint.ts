// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { decodeBase64 } from '../../encoding/index.ts';
import { noteKeyIdOf, verifySignature, type TransparencyLog } from '../../trust/index.ts';
import { proofInvalid } from './trusted-log.ts';

const MAX_CHARS = 64 * 1024;
const MAX_LINES = 100;
const ROOT_BYTES = 32;
const KEY_ID_BYTES = 4;
/** Every character below a space but the newline that ends lines. */
const CONTROL = /[^\n\u0020-\uffff]/;
/** No leading zero, and no more than 63 bits can hold. */
const DECIMAL = /^(?:0|[1-9][0-9]{0,18})$/;
const SIGNATURE_LINE = /^\u2014 ([^\s+]+) ([A-Za-z0-9+/]+={0,2})$/u;
/** What Rekor v1 adds to its name in the first line: the number of the tree. */
const TREE_ID = /^ - [1-9][0-9]{0,19}$/;
/** A head of the tree of a log, as a signed note says it. Nothing is verified by reading it. */
export interface Checkpoint {
  readonly origin: string;
  readonly size: bigint;
  readonly rootHash: Buffer;
  /** The bytes that are signed. */
  readonly text: Buffer;
  readonly signatures: readonly NoteSignature[];
}

interface NoteSignature {
  readonly name: string;
  readonly keyId: Buffer;
  readonly signature: Buffer;
}

/**
 * Reads a checkpoint (C2SP signed-note and tlog-checkpoint). Bounded in size and lines; throws
 * TLOG_PROOF_INVALID for anything that is not one.
 */
export function parseCheckpoint(note: string): Checkpoint {
  const { text, lines, signatureLines } = splitNote(note);
  const [origin = '', size = '', root = ''] = lines;
  if (!DECIMAL.test(size)) throw malformed('has no tree size in its second line');
  const rootHash = decodeBase64(root, 'TLOG_PROOF_INVALID', 'checkpoint: root hash');
  if (rootHash.byteLength !== ROOT_BYTES) throw malformed('has no root hash in its third line');
  const signatures = signatureLines.map(parseSignature);
  return { origin, size: BigInt(size), rootHash, text: Buffer.from(text), signatures };
}

/** A note is text, an empty line and lines of signatures; the text of a checkpoint has no empty line. */
function splitNote(note: string): {
  readonly text: string;
  readonly lines: readonly string[];
  readonly signatureLines: readonly string[];
} {
  if (note.length > MAX_CHARS) throw malformed('is too long');
  if (!note.isWellFormed() || CONTROL.test(note)) throw malformed('holds control characters');
  const separator = note.lastIndexOf('\n\n');
  if (separator < 0 || !note.endsWith('\n')) throw malformed('is not a signed note');
  const text = note.slice(0, separator + 1);
  const lines = text.slice(0, -1).split('\n');
  const signatureLines = note.slice(separator + 2, -1).split('\n');
  if (lines.length + signatureLines.length > MAX_LINES) throw malformed('has too many lines');
  if (lines.includes('')) throw malformed('has an empty line');
  return { text, lines, signatureLines };
}

/**
 * True where the checkpoint is of the log and signed by it. Its first line must be the log's origin,
 * alone or with a tree number as Rekor v1 writes it, and the line of the signature must carry that
 * name and the ID of the key. Of several such lines the first decides; all others (of witnesses, or
 * by keys that are not known) are passed over.
 */
export function isSignedBy(checkpoint: Checkpoint, log: TransparencyLog): boolean {
  if (!isOriginOf(checkpoint.origin, log)) return false;
  const ids = keyIdsOf(log);
  const line = checkpoint.signatures.find(
    ({ name, keyId }) => name === log.origin && ids.some((id) => id.equals(keyId)),
  );
  if (line === undefined) return false;
  return verifySignature({ ...log.key, hashes: [log.hash] }, checkpoint.text, line.signature);
}

function isOriginOf(line: string, { origin }: TransparencyLog): boolean {
  if (!line.startsWith(origin)) return false;
  const rest = line.slice(origin.length);
  return rest === '' || TREE_ID.test(rest);
}

/** The IDs of a key in notes: that of C2SP for its type, and those that the trusted root gives it. */
function keyIdsOf({ key, logId, checkpointKeyId, origin }: TransparencyLog): readonly Buffer[] {
  const ids = [noteKeyIdOf(origin, key.key), logId, ...(checkpointKeyId ? [checkpointKeyId] : [])];
  return ids.map((id) => id.subarray(0, KEY_ID_BYTES));
}

function parseSignature(line: string): NoteSignature {
  const [, name = '', text = ''] = SIGNATURE_LINE.exec(line) ?? [];
  if (name === '') throw malformed('has a line that is not a signature');
  const bytes = decodeBase64(text, 'TLOG_PROOF_INVALID', 'checkpoint: signature');
  if (bytes.byteLength <= KEY_ID_BYTES) throw malformed('has a signature without bytes');
  return {
    name,
    keyId: bytes.subarray(0, KEY_ID_BYTES),
    signature: bytes.subarray(KEY_ID_BYTES),
  };
}

function malformed(detail: string): Error {
  return proofInvalid(`checkpoint ${detail}`);
}

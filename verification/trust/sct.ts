// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { verify } from 'node:crypto';
import { toVerificationError, type VerificationError } from '../error.ts';
import { EXTENSION } from './certificate-extensions.ts';
import type { Certificate, TransparencyLog } from './material.ts';
import { issuerKeyHashOf, precertificateOf } from './precertificate.ts';
import { invalidSct, parseSctList, type Sct } from './sct-list.ts';

/** What is left of the SCTs of a certificate. */
export interface VerifiedScts {
  /** IDs of the logs with at least one good SCT: what thresholds count. */
  readonly logs: ReadonlySet<string>;
  /** SCTs in the certificate, good or not; 0 where there is no list, or one that cannot be parsed. */
  readonly found: number;
  readonly refused: readonly VerificationError[];
}

/** TLS 1.2 numbers (RFC 5246, 7.4.1.4.1) of what keys and hashes are called here. */
const HASHES: ReadonlyMap<string | null, number> = new Map([
  ['sha256', 4],
  ['sha384', 5],
  ['sha512', 6],
]);
const SIGNATURES: ReadonlyMap<string | undefined, number> = new Map([
  ['rsa', 1],
  ['ec', 3],
]);
const V1 = 0;
const CERTIFICATE_TIMESTAMP = 0;
const PRECERT_ENTRY = 1;

/**
 * Verifies the SCTs that a certificate carries (RFC 6962, 3.2): promises of logs to publish it. The
 * issuer is the certificate of the CA that signed it. Never throws for what is in the certificate: an
 * SCT that does not verify, is of an unknown log or outside of the window of its log is listed with
 * SCT_INVALID (more than 16 of them, as a whole, with LIMIT_EXCEEDED) and spoils no other.
 */
export function verifyScts(
  leaf: Certificate,
  issuer: Certificate,
  ctlogs: readonly TransparencyLog[],
): VerifiedScts {
  const extension = leaf.extensions.get(EXTENSION.signedCertificateTimestamps);
  const logs = new Set<string>();
  const refused: VerificationError[] = [];
  if (extension === undefined) return { logs, found: 0, refused };
  let found = 0;
  try {
    const scts = parseSctList(extension);
    found = scts.length;
    const entry = precertificateEntryOf(leaf, issuer);
    for (const sct of scts) {
      const verdict = logOf(sct, entry, ctlogs);
      if (typeof verdict === 'string') refused.push(invalidSct(verdict));
      else logs.add(verdict.id);
    }
  } catch (thrown) {
    const error = toVerificationError(thrown);
    refused.push(error.code === 'INTERNAL' ? invalidSct('cannot be verified', thrown) : error);
  }
  return { logs, found, refused };
}

/** The log that made the SCT, or what is wrong with it. */
function logOf(
  sct: Sct,
  entry: Buffer,
  ctlogs: readonly TransparencyLog[],
): TransparencyLog | string {
  const named = ctlogs.filter(({ logId }) => logId.equals(sct.logId));
  if (named.length === 0) return 'is of a log that is not trusted';
  const current = named.filter((log) => isInWindow(log, sct.time));
  if (current.length === 0) return 'is of a time at which its log is not trusted';
  const message = signedMessageOf(sct, entry);
  return (
    current.find((log) => isSignedBy(log, sct, message)) ?? 'is not signed by the log that it names'
  );
}

/** Compared as integers: a time may be larger than a number can tell. */
function isInWindow({ validity }: TransparencyLog, time: bigint): boolean {
  return validity.from <= time && time <= validity.until;
}

/** The trusted root says how a log signs; the SCT may only agree. */
function isSignedBy({ key: { key }, hash }: TransparencyLog, sct: Sct, message: Buffer): boolean {
  const isAgreed =
    HASHES.get(hash) === sct.hashAlgorithm &&
    SIGNATURES.get(key.asymmetricKeyType) === sct.signatureAlgorithm;
  if (!isAgreed) return false;
  try {
    return verify(hash, message, key, sct.signature);
  } catch {
    return false;
  }
}

/** The part of the message that is the same for all logs: issuer and precertificate. */
function precertificateEntryOf(leaf: Certificate, issuer: Certificate): Buffer {
  const precertificate = precertificateOf(leaf);
  return Buffer.concat([
    issuerKeyHashOf(issuer),
    unsigned(precertificate.length, 3),
    precertificate,
  ]);
}

function signedMessageOf({ time, extensions }: Sct, entry: Buffer): Buffer {
  const stamp = Buffer.alloc(8);
  stamp.writeBigUInt64BE(time);
  return Buffer.concat([
    Buffer.of(V1, CERTIFICATE_TIMESTAMP),
    stamp,
    unsigned(PRECERT_ENTRY, 2),
    entry,
    unsigned(extensions.length, 2),
    extensions,
  ]);
}

function unsigned(value: number, size: 2 | 3): Buffer {
  const bytes = Buffer.alloc(size);
  bytes.writeUIntBE(value, 0, size);
  return bytes;
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { createHash, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';
import type { InclusionProof, LogEntry, SignedEntity } from '../cosign/entity.ts';
import { canonicalJson } from '../encoding/index.ts';
import { noteKeyIdOf, trustedKeyOf, type TransparencyLog, type Validity } from '../trust/index.ts';
import { LEAF_VALIDITY } from './certificate.ts';
import { logBodyOf, type LogKind } from './log-body.ts';
import { MerkleTree } from './merkle-tree.ts';

/** 2025-06-01T12:05:00Z, in seconds: within the validity of leaves that are made for tests. */
const DEFAULT_TIME = LEAF_VALIDITY.notBefore / 1000 + 300;
/** Rekor v1 counts entries of all its trees; an index of the log is not that of the tree. */
const EARLIER_TREES = 4_163_431;
const TREE_ID = '2605736670972794746';
const NOTE_KEY_ID_BYTES = 4;

const KINDS: Readonly<Record<1 | 2, LogKind>> = {
  1: 'hashedrekord 0.0.1',
  2: 'hashedrekord 0.0.2',
};

/** What kind of log: Rekor v1 (ECDSA, promises) or v2 (Ed25519, checkpoints only). */
export interface TestLogOptions {
  readonly version?: 1 | 2;
  /** Its name, which is its URL without the scheme. */
  readonly origin?: string;
  /** When its key was in use; from 2021 on where nothing is said. */
  readonly validity?: Validity;
  /** Entries of others in its tree; 5 where nothing is said. */
  readonly others?: number;
}

/** How to enter a signature, and what to do wrong about it. */
export interface EnterOptions {
  /** `hashedrekord` of the log's version where nothing is said. */
  readonly kind?: LogKind;
  /** The hash of a `hashedrekord`. */
  readonly hash?: 'sha256' | 'sha384' | 'sha512';
  /** Seconds since the epoch; Rekor v2 says none. */
  readonly time?: number;
  /** Changes the body before it is entered. */
  readonly editBody?: (body: Record<string, unknown>) => unknown;
  /** Enters this instead of a body made for the signature. */
  readonly body?: Buffer;
  /** Names of witnesses that cosign the checkpoint. */
  readonly witnesses?: readonly string[];
  /** Changes the note before it is handed out: its text is signed already. */
  readonly editNote?: (note: string) => string;
  /** Changes the text of the checkpoint before it is signed. */
  readonly editText?: (text: string) => string;
  /** What to leave out. */
  readonly without?: readonly ('promise' | 'proof' | 'checkpoint')[];
}

/** A log in memory. Its keys, signatures, tree and notes are real; it enters what it is given. */
export class TestLog {
  readonly version: 1 | 2;
  /** The log as a trusted root names it. */
  readonly trusted: TransparencyLog;
  readonly #privateKey: KeyObject;
  readonly #tree = new MerkleTree();

  constructor(options: TestLogOptions = {}) {
    const { version = 1, others = 5 } = options;
    const origin = options.origin ?? `log${version.toString()}.rekor.example`;
    const { privateKey, publicKey } =
      version === 1
        ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
        : generateKeyPairSync('ed25519');
    this.version = version;
    this.#privateKey = privateKey;
    const key = trustedKeyOf(publicKey, 'TRUST_ROOT_INVALID');
    this.trusted = {
      id: key.fingerprint,
      logId: noteKeyIdOf(origin, publicKey),
      key,
      hash: version === 1 ? 'sha256' : null,
      baseUrl: `https://${origin}`,
      origin,
      validity: options.validity ?? {
        from: Date.UTC(2021, 0, 12),
        until: Number.POSITIVE_INFINITY,
      },
    };
    for (let i = 0; i < others; i += 1) this.#tree.append(randomBytes(16));
  }

  /** Enters a signature that verifies with the certificate or key in `pem`. */
  enter(entity: SignedEntity, pem: string, options: EnterOptions = {}): LogEntry {
    const kind = options.kind ?? KINDS[this.version];
    return this.enterBody(kind, options.body ?? bodyOf(kind, entity, pem, options), options);
  }

  /** Enters a body as it stands, whatever is in it. */
  enterBody(kind: LogKind, body: Buffer, options: EnterOptions = {}): LogEntry {
    const index = this.#tree.append(body);
    const without = new Set(options.without);
    const entry = this.#bareEntry(kind, body, { index, ...options });
    const promise =
      this.version === 1 && !without.has('promise') ? { promise: this.promise(entry) } : {};
    const proof = without.has('proof') ? {} : { proof: this.#proof(index, options) };
    return { ...entry, ...promise, ...proof };
  }

  /** Signs the promise of an entry as it stands, whether it is in the tree or not. */
  promise(entry: Pick<LogEntry, 'body' | 'integratedTime' | 'logId' | 'logIndex'>): Buffer {
    return this.#sign(
      canonicalJson({
        body: entry.body.toString('base64'),
        integratedTime: Number(entry.integratedTime),
        logID: entry.logId.toString('hex'),
        logIndex: Number(entry.logIndex),
      }),
    );
  }

  /** A line of a note that this log signs under its own name. */
  signatureLine(text: string): string {
    const { origin, key } = this.trusted;
    const id = noteKeyIdOf(origin, key.key).subarray(0, NOTE_KEY_ID_BYTES);
    return noteLine(origin, Buffer.concat([id, this.#sign(text)]));
  }

  /** The member of `tlogs` of a `trusted_root.json`. */
  rootMember(): Record<string, unknown> {
    const { key, logId, baseUrl, validity } = this.trusted;
    const { from, until } = validity;
    return {
      baseUrl,
      hashAlgorithm: 'SHA2_256',
      publicKey: {
        rawBytes: key.key.export({ format: 'der', type: 'spki' }).toString('base64'),
        keyDetails: this.version === 1 ? 'PKIX_ECDSA_P256_SHA_256' : 'PKIX_ED25519',
        validFor: {
          start: new Date(from).toISOString(),
          ...(Number.isFinite(until) ? { end: new Date(until).toISOString() } : {}),
        },
      },
      logId: { keyId: logId.toString('base64') },
    };
  }

  #bareEntry(
    kind: LogKind,
    body: Buffer,
    { index, time = DEFAULT_TIME }: { readonly index: number; readonly time?: number },
  ): LogEntry {
    const [name = '', version = ''] = kind.split(' ');
    return {
      logIndex: BigInt(this.version === 1 ? index + EARLIER_TREES : index),
      logId: this.trusted.logId,
      kind: name,
      version,
      integratedTime: BigInt(this.version === 1 ? time : 0),
      body,
    };
  }

  #proof(index: number, options: EnterOptions): InclusionProof {
    const note = this.#note(options);
    const checkpoint = options.editNote?.(note) ?? note;
    return {
      logIndex: BigInt(index),
      treeSize: BigInt(this.#tree.size),
      rootHash: this.#tree.root(),
      hashes: this.#tree.path(index),
      ...(options.without?.includes('checkpoint') === true ? {} : { checkpoint }),
    };
  }

  #note({ editText, witnesses = [] }: EnterOptions): string {
    const { origin } = this.trusted;
    const first = this.version === 1 ? `${origin} - ${TREE_ID}` : origin;
    const rest = this.version === 1 ? [`Timestamp: ${DEFAULT_TIME.toString()}000000000`] : [];
    const root = this.#tree.root().toString('base64');
    const plain = `${[first, this.#tree.size.toString(), root, ...rest].join('\n')}\n`;
    const text = editText?.(plain) ?? plain;
    const cosignatures = witnesses.map((name) => cosignature(name, text));
    return `${text}\n${[this.signatureLine(text), ...cosignatures].join('')}`;
  }

  #sign(text: string): Buffer {
    return sign(this.trusted.hash, Buffer.from(text), this.#privateKey);
  }
}

function bodyOf(kind: LogKind, entity: SignedEntity, pem: string, options: EnterOptions): Buffer {
  const body = logBodyOf(kind, entity, pem, options.hash);
  return Buffer.from(canonicalJson(options.editBody?.(body) ?? body));
}

/** An entry as a member of `tlogEntries` of a bundle. */
export function bundleMember(entry: LogEntry): Record<string, unknown> {
  const { promise, proof } = entry;
  return {
    logIndex: entry.logIndex.toString(),
    logId: { keyId: entry.logId.toString('base64') },
    kindVersion: { kind: entry.kind, version: entry.version },
    ...(entry.integratedTime === 0n ? {} : { integratedTime: entry.integratedTime.toString() }),
    ...(promise === undefined
      ? {}
      : { inclusionPromise: { signedEntryTimestamp: promise.toString('base64') } }),
    ...(proof === undefined ? {} : { inclusionProof: proofMember(proof) }),
    canonicalizedBody: entry.body.toString('base64'),
  };
}

function proofMember(proof: InclusionProof): Record<string, unknown> {
  return {
    logIndex: proof.logIndex.toString(),
    treeSize: proof.treeSize.toString(),
    rootHash: proof.rootHash.toString('base64'),
    hashes: proof.hashes.map((hash) => hash.toString('base64')),
    ...(proof.checkpoint === undefined ? {} : { checkpoint: { envelope: proof.checkpoint } }),
  };
}

/** An entry of Rekor v1 as the annotation `dev.sigstore.cosign/bundle`. */
export function bundleAnnotation(entry: LogEntry): string {
  return JSON.stringify({
    SignedEntryTimestamp: entry.promise?.toString('base64'),
    Payload: {
      body: entry.body.toString('base64'),
      integratedTime: Number(entry.integratedTime),
      logIndex: Number(entry.logIndex),
      logID: entry.logId.toString('hex'),
    },
  });
}

/** The line of a witness (C2SP tlog-cosignature): a key ID, a time and an Ed25519 signature. */
function cosignature(name: string, text: string): string {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const time = Buffer.alloc(8);
  time.writeBigUInt64BE(BigInt(DEFAULT_TIME));
  const message = `cosignature/v1\ntime ${DEFAULT_TIME.toString()}\n${text}`;
  const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
  const id = createHash('sha256').update(`${name}\n`).update(Uint8Array.of(4)).update(raw).digest();
  const signature = sign(null, Buffer.from(message), privateKey);
  return noteLine(name, Buffer.concat([id.subarray(0, NOTE_KEY_ID_BYTES), time, signature]));
}

function noteLine(name: string, bytes: Buffer): string {
  return `\u2014 ${name} ${bytes.toString('base64')}\n`;
}

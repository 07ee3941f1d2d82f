// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { createHash, sign, type KeyObject } from 'node:crypto';
import { trustedKeyOf, type TransparencyLog, type Validity } from '../trust/index.ts';
import { CA_VALIDITY, generateCertificateKey, LEAF_VALIDITY } from './certificate.ts';

/** Key types of logs. */
export type CtLogKeyKind = 'P-256' | 'P-384' | 'RSA-2048' | 'Ed25519';

/** How a log is made. */
export interface CtLogOptions {
  readonly key?: CtLogKeyKind;
  readonly name?: string;
  /** When its key was in use; from 2020 on where nothing is said. */
  readonly validity?: Validity;
}

/** How to make an SCT, and what to do wrong about it. */
export interface SctOptions {
  /** Milliseconds since the epoch. */
  readonly time?: number | bigint;
  readonly extensions?: Buffer;
  readonly version?: number;
  readonly logId?: Buffer;
  /** TLS numbers to write, whatever the signature is made with. */
  readonly hashAlgorithm?: number;
  readonly signatureAlgorithm?: number;
  /** Signs with this. */
  readonly privateKey?: KeyObject;
  /** Changes the precertificate before it is signed. */
  readonly editTbs?: (tbs: Buffer) => Buffer;
  /** Instead of the issuer that the certificate has. */
  readonly issuerSpki?: Buffer;
}

/** The member of `ctlogs` of a trusted root. */
export interface TrustedRootCtLog {
  readonly baseUrl: string;
  readonly hashAlgorithm: 'SHA2_256';
  readonly publicKey: {
    readonly rawBytes: string;
    readonly keyDetails: string;
    readonly validFor: { readonly start: string; readonly end?: string };
  };
  readonly logId: { readonly keyId: string };
}

interface KeyFacts {
  readonly details: string;
  readonly hash: string | null;
  /** TLS 1.2 numbers of hash and signature. */
  readonly tls: readonly [hash: number, signature: number];
}

const KEYS: Readonly<Record<CtLogKeyKind, KeyFacts>> = {
  'P-256': { details: 'PKIX_ECDSA_P256_SHA_256', hash: 'sha256', tls: [4, 3] },
  'P-384': { details: 'PKIX_ECDSA_P384_SHA_384', hash: 'sha384', tls: [5, 3] },
  'RSA-2048': { details: 'PKIX_RSA_PKCS1V15_2048_SHA256', hash: 'sha256', tls: [4, 1] },
  Ed25519: { details: 'PKIX_ED25519', hash: null, tls: [8, 7] },
};
const DEFAULT_TIME = LEAF_VALIDITY.notBefore;

/** A certificate transparency log in memory. Its keys and SCTs are real; it signs what it is given. */
export class TestCtLog {
  /** The log as a trusted root names it. */
  readonly trusted: TransparencyLog;
  readonly #facts: KeyFacts;
  readonly #privateKey: KeyObject;

  constructor(options: CtLogOptions = {}) {
    const { key: kind = 'P-256', name = 'ct.example/2025' } = options;
    const { privateKey, publicKey } = generateCertificateKey(kind);
    const key = trustedKeyOf(publicKey, 'TRUST_ROOT_INVALID');
    this.#facts = KEYS[kind];
    this.#privateKey = privateKey;
    this.trusted = {
      id: key.fingerprint,
      logId: createHash('sha256').update(spkiOf(publicKey)).digest(),
      key: { ...key, hashes: [this.#facts.hash] },
      hash: this.#facts.hash,
      baseUrl: `https://${name}`,
      origin: name,
      validity: options.validity ?? {
        from: CA_VALIDITY.notBefore,
        until: Number.POSITIVE_INFINITY,
      },
    };
  }

  /** Its member of `ctlogs` of a trusted root. */
  trustedRoot(): TrustedRootCtLog {
    const { key, logId, baseUrl, validity } = this.trusted;
    const end = Number.isFinite(validity.until)
      ? new Date(validity.until).toISOString()
      : undefined;
    return {
      baseUrl,
      hashAlgorithm: 'SHA2_256',
      publicKey: {
        rawBytes: spkiOf(key.key).toString('base64'),
        keyDetails: this.#facts.details,
        validFor: {
          start: new Date(validity.from).toISOString(),
          ...(end === undefined ? {} : { end }),
        },
      },
      logId: { keyId: logId.toString('base64') },
    };
  }

  /** One serialised SCT for a precertificate. */
  sct(tbs: Buffer, issuerSpki: Buffer, options: SctOptions = {}): Buffer {
    const [hashAlgorithm, signatureAlgorithm] = this.#facts.tls;
    const written = {
      time: DEFAULT_TIME,
      extensions: Buffer.alloc(0),
      version: 0,
      logId: this.trusted.logId,
      hashAlgorithm,
      signatureAlgorithm,
      privateKey: this.#privateKey,
      editTbs: (same: Buffer): Buffer => same,
      issuerSpki,
      ...options,
    };
    const time = Buffer.alloc(8);
    time.writeBigUInt64BE(BigInt(written.time));
    const issuer = createHash('sha256').update(written.issuerSpki).digest();
    const entry = Buffer.concat([Buffer.of(0, 1), issuer, vector(written.editTbs(tbs), 3)]);
    const version = Buffer.of(written.version);
    const message = [version, Buffer.of(0), time, entry, vector(written.extensions)];
    return Buffer.concat([
      version,
      written.logId,
      time,
      vector(written.extensions),
      Buffer.of(written.hashAlgorithm, written.signatureAlgorithm),
      vector(sign(this.#facts.hash, Buffer.concat(message), written.privateKey)),
    ]);
  }

  /** What an issuer of certificates asks for a list with one SCT of this log. */
  scts(options: SctOptions = {}): (tbs: Buffer, issuerSpki: Buffer) => Buffer {
    return (tbs, issuerSpki) => sctList([this.sct(tbs, issuerSpki, options)]);
  }
}

/** Serialised SCTs as one list. */
export function sctList(scts: readonly Buffer[]): Buffer {
  return vector(Buffer.concat(scts.map((sct) => vector(sct))));
}

function vector(bytes: Buffer, size: 2 | 3 = 2): Buffer {
  const length = Buffer.alloc(size);
  length.writeUIntBE(bytes.length, 0, size);
  return Buffer.concat([length, bytes]);
}

function spkiOf(key: KeyObject): Buffer {
  return key.export({ format: 'der', type: 'spki' });
}

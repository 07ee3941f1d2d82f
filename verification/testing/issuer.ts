// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { constants, createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { dsse } from '@sigstore/core';

/** Key types that cosign signs with. */
export type KeyKind = 'P-256' | 'P-384' | 'P-521' | 'RSA-2048' | 'RSA-PSS' | 'Ed25519';

/** A signer whose signatures are real: the crypto is node's, the formats are those of cosign. */
export class KeyIssuer {
  readonly #privateKey: KeyObject;
  readonly #hash: string | null;
  readonly #padding: number | undefined;
  /** SubjectPublicKeyInfo as PEM. */
  readonly publicKeyPem: string;
  /** `sha256:<hex>` of the SubjectPublicKeyInfo. */
  readonly fingerprint: string;

  constructor(kind: KeyKind = 'P-256', hash?: string) {
    const { privateKey, publicKey } = generate(kind);
    this.#privateKey = privateKey;
    this.#hash = hash ?? HASHES[kind];
    this.#padding = kind === 'RSA-PSS' ? constants.RSA_PKCS1_PSS_PADDING : undefined;
    this.publicKeyPem = publicKey.export({ format: 'pem', type: 'spki' }).toString();
    const der = publicKey.export({ format: 'der', type: 'spki' });
    this.fingerprint = 'sha256:' + createHash('sha256').update(der).digest('hex');
  }

  /** Signs bytes as they are. */
  sign(bytes: Uint8Array): Buffer {
    const padding = this.#padding;
    return sign(this.#hash, bytes, {
      key: this.#privateKey,
      ...(padding === undefined ? {} : { padding }),
    });
  }

  /** Layer and annotations of a cosign `.sig` image. */
  simpleSigning(
    digest: string,
    options: SimpleSigningOptions = {},
  ): { payload: Buffer; annotations: Record<string, string> } {
    const payload =
      options.payload ??
      Buffer.from(
        JSON.stringify({
          critical: {
            identity: { 'docker-reference': options.reference ?? '' },
            image: { 'docker-manifest-digest': digest },
            type: options.type ?? 'cosign container image signature',
          },
          optional: options.annotations ?? null,
        }),
      );
    const signature = this.sign(payload).toString('base64');
    return { payload, annotations: { 'dev.cosignproject.cosign/signature': signature } };
  }

  /** A Sigstore bundle v0.3 with a DSSE statement, as `cosign sign --key` writes it. */
  bundle(digest: string, options: BundleOptions = {}): Buffer {
    const [algorithm = 'sha256', hex = ''] = digest.split(':');
    const statement = {
      _type: 'https://in-toto.io/Statement/v1',
      subject: [
        {
          digest: { [algorithm]: hex },
          ...(options.annotations === undefined ? {} : { annotations: options.annotations }),
        },
      ],
      predicateType: options.predicateType ?? 'https://sigstore.dev/cosign/sign/v1',
      predicate: {},
    };
    const payload = options.payload ?? Buffer.from(JSON.stringify(statement));
    const payloadType = options.payloadType ?? 'application/vnd.in-toto+json';
    const sig = this.sign(dsse.preAuthEncoding(payloadType, payload)).toString('base64');
    return this.#wrap({
      dsseEnvelope: {
        payload: payload.toString('base64'),
        payloadType,
        signatures: [{ sig, keyid: '' }],
      },
    });
  }

  /** A Sigstore bundle v0.3 with a message signature over the manifest, its digest by the hash of the key. */
  messageBundle(manifest: Uint8Array): Buffer {
    const hash = this.#hash ?? 'sha256';
    const digest = createHash(hash).update(manifest).digest('base64');
    const signature = this.sign(manifest).toString('base64');
    return this.#wrap({
      messageSignature: {
        messageDigest: { algorithm: `SHA2_${hash.slice(3)}`, digest },
        signature,
      },
    });
  }

  #wrap(content: object): Buffer {
    const hint = Buffer.from(this.fingerprint.slice('sha256:'.length), 'hex').toString('base64');
    return Buffer.from(
      JSON.stringify({
        mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
        verificationMaterial: {
          publicKey: { hint },
          tlogEntries: [],
          timestampVerificationData: { rfc3161Timestamps: [] },
        },
        ...content,
      }),
    );
  }
}

/** What to write into a payload; `payload` replaces it as a whole. */
export interface SimpleSigningOptions {
  readonly annotations?: Readonly<Record<string, string>>;
  readonly reference?: string;
  readonly type?: string;
  readonly payload?: Buffer;
}

/** What to write into a statement; `payload` replaces it as a whole. */
export interface BundleOptions {
  readonly annotations?: Readonly<Record<string, string>>;
  readonly predicateType?: string;
  readonly payloadType?: string;
  readonly payload?: Buffer;
}

const HASHES: Readonly<Record<KeyKind, string | null>> = {
  'P-256': 'sha256',
  'P-384': 'sha384',
  'P-521': 'sha512',
  'RSA-2048': 'sha256',
  'RSA-PSS': 'sha256',
  Ed25519: null,
};

function generate(kind: KeyKind): { privateKey: KeyObject; publicKey: KeyObject } {
  switch (kind) {
    case 'RSA-2048':
    case 'RSA-PSS':
      return generateKeyPairSync('rsa', { modulusLength: 2048 });
    case 'Ed25519':
      return generateKeyPairSync('ed25519');
    case 'P-256':
    case 'P-384':
    case 'P-521':
      return generateKeyPairSync('ec', { namedCurve: kind });
  }
}

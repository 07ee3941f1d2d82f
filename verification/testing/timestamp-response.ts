// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { constants, hash, sign, type SignKeyObjectInput } from 'node:crypto';
import { EXTENSION, parseCertificate } from '../trust/index.ts';
import type { TestCertificate } from './certificate.ts';
import { der, tlv } from './der.ts';

/** Hashes that a response may be made with; the first is refused. */
export type StampHash = 'sha1' | 'sha256' | 'sha384' | 'sha512';

/** Changes the values inside of one that is about to be written. */
export type StampEdit = (parts: readonly Buffer[]) => readonly Buffer[];

/** How to stamp, and what to do wrong about it. */
export interface StampOptions {
  /** Milliseconds since the epoch; or the text of the GeneralizedTime. */
  readonly time?: number | string;
  /** Hash of the imprint. */
  readonly imprintHash?: StampHash;
  /** Hash of the signature and its attributes. */
  readonly hash?: StampHash;
  /** RSA alone: PSS, or PKCS #1 v1.5 that is called only by the type of the key. */
  readonly rsa?: 'pss' | 'rsaEncryption';
  /** AlgorithmIdentifier to write, whatever the signature is made with. */
  readonly algorithm?: Buffer;
  /** Signs; the certificate of the authority where nothing is said. */
  readonly signer?: TestCertificate;
  /** Is said to have signed; the signer where nothing is said. */
  readonly named?: TestCertificate;
  /** How the signer is named. */
  readonly sid?: 'issuerAndSerial' | 'keyIdentifier';
  /** Is named by the attribute for it; nobody for `null`. */
  readonly attributed?: TestCertificate | null;
  /** Version of that attribute. */
  readonly attribute?: 'v1' | 'v2';
  /** DER of certificates that come along; none where nothing is said. */
  readonly certificates?: readonly Buffer[];
  /** Changes parts before they are signed or wrapped. */
  readonly edit?: {
    readonly info?: StampEdit;
    readonly attributes?: StampEdit;
    readonly signer?: StampEdit;
    readonly signers?: StampEdit;
    readonly signedData?: StampEdit;
    readonly contentInfo?: StampEdit;
    readonly response?: StampEdit;
  };
}

const TST_INFO = '1.2.840.113549.1.9.16.1.4';
const POLICY = '1.3.6.1.4.1.57264.2';
const HASH_OIDS: Readonly<Record<StampHash, string>> = {
  sha1: '1.3.14.3.2.26',
  sha256: '2.16.840.1.101.3.4.2.1',
  sha384: '2.16.840.1.101.3.4.2.2',
  sha512: '2.16.840.1.101.3.4.2.3',
};
const ECDSA_OIDS: Readonly<Record<StampHash, string>> = {
  sha1: '1.2.840.10045.4.1',
  sha256: '1.2.840.10045.4.3.2',
  sha384: '1.2.840.10045.4.3.3',
  sha512: '1.2.840.10045.4.3.4',
};
const RSA_OIDS: Readonly<Record<StampHash, string>> = {
  sha1: '1.2.840.113549.1.1.5',
  sha256: '1.2.840.113549.1.1.11',
  sha384: '1.2.840.113549.1.1.12',
  sha512: '1.2.840.113549.1.1.13',
};
const PSS_SALT_BYTES = 32;

/** The AlgorithmIdentifier of a hash. */
export function stampHashDer(algorithm: StampHash): Buffer {
  return der.sequence(der.oid(HASH_OIDS[algorithm]));
}

/** An attribute of a SignerInfo. */
export function stampAttribute(oid: string, ...values: readonly Buffer[]): Buffer {
  return der.sequence(der.oid(oid), der.set(...values));
}

/** A GeneralizedTime as text: seconds, and a fraction where there is one. */
function generalizedTime(milliseconds: number): string {
  const [whole = '', fraction = ''] = new Date(milliseconds).toISOString().slice(0, -1).split('.');
  const digits = fraction.replace(/0+$/, '');
  return `${whole.replace(/\D/g, '')}${digits === '' ? '' : `.${digits}`}Z`;
}

/** Writes a TimeStampResp over the bytes with real signatures. Nothing is checked. */
export function stampResponse(
  stamped: Uint8Array,
  options: StampOptions & { readonly signer: TestCertificate; readonly time: number | string },
): Buffer {
  const { certificates = [], edit = {}, hash: digest = 'sha256' } = options;
  const info = infoOf(stamped, options);
  const data = [
    der.integer(3),
    der.set(stampHashDer(digest)),
    der.sequence(der.oid(TST_INFO), der.explicit(0, der.octets(info))),
    ...(certificates.length === 0 ? [] : [tlv(0xa0, ...certificates)]),
    der.set(...edited(edit.signers, [signerInfoOf(info, options)])),
  ];
  const content = [
    der.oid('1.2.840.113549.1.7.2'),
    der.explicit(0, der.sequence(...edited(edit.signedData, data))),
  ];
  const response = [
    der.sequence(der.integer(Buffer.of(0))),
    der.sequence(...edited(edit.contentInfo, content)),
  ];
  return der.sequence(...edited(edit.response, response));
}

function infoOf(
  stamped: Uint8Array,
  options: StampOptions & { readonly time: number | string },
): Buffer {
  const { imprintHash = 'sha256', time, edit } = options;
  const text = typeof time === 'string' ? time : generalizedTime(time);
  const fields = [
    der.integer(1),
    der.oid(POLICY),
    der.sequence(stampHashDer(imprintHash), der.octets(hash(imprintHash, stamped, 'buffer'))),
    der.integer(Buffer.of(0x2a)),
    tlv(0x18, Buffer.from(text)),
    der.sequence(der.integer(1)),
  ];
  return der.sequence(...edited(edit?.info, fields));
}

function signerInfoOf(
  info: Buffer,
  options: StampOptions & { readonly signer: TestCertificate },
): Buffer {
  const {
    signer,
    named = signer,
    sid = 'issuerAndSerial',
    hash: digest = 'sha256',
    edit,
  } = options;
  const attributes = edited(edit?.attributes, attributesOf(info, options));
  const fields = [
    der.integer(sid === 'keyIdentifier' ? 3 : 1),
    sidOf(named, sid),
    stampHashDer(digest),
    tlv(0xa0, ...attributes),
    options.algorithm ?? algorithmOf(signer, options),
    der.octets(signatureOf(der.set(...attributes), signer, options)),
  ];
  return der.sequence(...edited(edit?.signer, fields));
}

function attributesOf(
  info: Buffer,
  options: StampOptions & { readonly signer: TestCertificate },
): readonly Buffer[] {
  const { signer, attributed = signer, attribute = 'v2', hash: digest = 'sha256' } = options;
  return [
    stampAttribute('1.2.840.113549.1.9.3', der.oid(TST_INFO)),
    stampAttribute('1.2.840.113549.1.9.4', der.octets(hash(digest, info, 'buffer'))),
    ...(attributed === null ? [] : [certificateAttributeOf(attributed, attribute)]),
  ];
}

function certificateAttributeOf(certificate: TestCertificate, version: 'v1' | 'v2'): Buffer {
  const { issuer, serialNumber } = parseCertificate(certificate.der);
  const digest = hash(version === 'v1' ? 'sha1' : 'sha256', certificate.der, 'buffer');
  const issuerSerial = der.sequence(
    der.sequence(der.explicit(4, issuer)),
    der.integer(serialNumber),
  );
  return stampAttribute(
    version === 'v1' ? '1.2.840.113549.1.9.16.2.12' : '1.2.840.113549.1.9.16.2.47',
    der.sequence(der.sequence(der.sequence(der.octets(digest), issuerSerial))),
  );
}

function sidOf(certificate: TestCertificate, sid: 'issuerAndSerial' | 'keyIdentifier'): Buffer {
  const { issuer, serialNumber, extensions } = parseCertificate(certificate.der);
  if (sid === 'issuerAndSerial') return der.sequence(issuer, der.integer(serialNumber));
  // The extension holds an octet string, the field its content.
  return tlv(0x80, extensions.get(EXTENSION.subjectKeyIdentifier)?.subarray(2) ?? Buffer.alloc(0));
}

function algorithmOf({ privateKey }: TestCertificate, options: StampOptions): Buffer {
  const { hash: digest = 'sha256', rsa } = options;
  if (privateKey.asymmetricKeyType === 'ed25519') return der.sequence(der.oid('1.3.101.112'));
  if (privateKey.asymmetricKeyType === 'ec') return der.sequence(der.oid(ECDSA_OIDS[digest]));
  if (rsa === 'pss') return pssDer(digest, digest);
  const oid = rsa === 'rsaEncryption' ? '1.2.840.113549.1.1.1' : RSA_OIDS[digest];
  return der.sequence(der.oid(oid), der.null());
}

/** The AlgorithmIdentifier of RSA-PSS with a salt of 32 bytes. */
export function pssDer(digest: StampHash, mask: StampHash): Buffer {
  return der.sequence(
    der.oid('1.2.840.113549.1.1.10'),
    der.sequence(
      der.explicit(0, stampHashDer(digest)),
      der.explicit(1, der.sequence(der.oid('1.2.840.113549.1.1.8'), stampHashDer(mask))),
      der.explicit(2, der.integer(PSS_SALT_BYTES)),
    ),
  );
}

function signatureOf(
  bytes: Buffer,
  { privateKey }: TestCertificate,
  options: StampOptions,
): Buffer {
  const { hash: digest = 'sha256', rsa } = options;
  const input: SignKeyObjectInput =
    rsa === 'pss'
      ? {
          key: privateKey,
          padding: constants.RSA_PKCS1_PSS_PADDING,
          saltLength: PSS_SALT_BYTES,
        }
      : { key: privateKey };
  return sign(privateKey.asymmetricKeyType === 'ed25519' ? null : digest, bytes, input);
}

function edited(edit: StampEdit | undefined, parts: readonly Buffer[]): readonly Buffer[] {
  return edit === undefined ? parts : edit(parts);
}

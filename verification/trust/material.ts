// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { TrustedKey } from './public-key.ts';

/** A window of time, milliseconds since the epoch, both ends inside. An open end is an infinity. */
export interface Validity {
  readonly from: number;
  readonly until: number;
}

/** A name in a certificate's subjectAltName; `other` stands for every type that no identity may have. */
export interface SubjectAltName {
  readonly type: 'uri' | 'email' | 'dns' | 'username' | 'other';
  /** As in the certificate, byte by byte; `username` is Fulcio's otherName (1.3.6.1.4.1.57264.1.7). */
  readonly value: string;
}

/**
 * An X.509 certificate, parsed once and strictly. Instances are shared: the same bytes give the same
 * object while it lives, so that work on it can be remembered by object.
 */
export interface Certificate {
  readonly der: Buffer;
  /** `sha256:<hex>` of the DER. */
  readonly fingerprint: string;
  /** DER names. */
  readonly subject: Buffer;
  readonly issuer: Buffer;
  /** Content bytes of the serial number. */
  readonly serialNumber: Buffer;
  readonly validity: Validity;
  /** The key; refused at parsing where it is weak or of an unknown kind. */
  readonly key: TrustedKey;
  /** basicConstraints says CA. */
  readonly isCa: boolean;
  /** Intermediates that may follow below, where limited. */
  readonly pathLength?: number;
  /** Absent where the extension is. */
  readonly keyUsage?: ReadonlySet<'digitalSignature' | 'keyCertSign' | 'cRLSign' | 'other'>;
  /** OIDs; absent where the extension is. */
  readonly extendedKeyUsage?: readonly string[];
  readonly extendedKeyUsageCritical: boolean;
  readonly subjectAltNames: readonly SubjectAltName[];
  /** Contents of the extnValue octet string by OID. No OID occurs twice (refused at parsing). */
  readonly extensions: ReadonlyMap<string, Buffer>;
}

/** A certificate authority as a trusted root names it: whom it vouches for, and during which time. */
export interface CertificateAuthority {
  /** Tells authorities apart when a threshold is counted: the fingerprint of the root. */
  readonly id: string;
  /** For messages. */
  readonly name: string;
  /** Root last; the chain below it, as given. For a timestamp authority its leaf may come first. */
  readonly chain: readonly Certificate[];
  readonly validity: Validity;
}

/** A log whose word counts: transparency log, or certificate transparency log. */
export interface TransparencyLog {
  /** Tells logs apart when a threshold is counted: `sha256:<hex>` of the SubjectPublicKeyInfo. */
  readonly id: string;
  /** `logId.keyId` of the trusted root: what entries and SCTs name it by. */
  readonly logId: Buffer;
  /** Where the trusted root gives one: the key ID that checkpoints name it by. */
  readonly checkpointKeyId?: Buffer;
  readonly key: TrustedKey;
  /** The one algorithm that the trusted root gives: hash to verify with; `null` for Ed25519. */
  readonly hash: string | null;
  readonly baseUrl: string;
  /** The name that its checkpoints must begin with and be signed under. */
  readonly origin: string;
  readonly validity: Validity;
}

/** All that a trusted root says, parsed and linted. */
export interface TrustMaterial {
  /** Hash of the text it was read from: part of the keys of caches. */
  readonly hash: string;
  readonly certificateAuthorities: readonly CertificateAuthority[];
  readonly timestampAuthorities: readonly CertificateAuthority[];
  readonly tlogs: readonly TransparencyLog[];
  readonly ctlogs: readonly TransparencyLog[];
}

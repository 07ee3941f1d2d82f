// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { CertificateAuthority, TrustedKey, TrustMaterial, Validity } from '../trust/index.ts';
import type { IdentityMatcher } from './identity.ts';

/** How many distinct logs and timestamp authorities of a trusted root must vouch for a signature. */
export interface Thresholds {
  readonly logEntries: number;
  readonly scts: number;
  readonly timestamps: number;
}

interface Named {
  readonly name: string;
  /** Hash over all that decides who is trusted: part of the keys of caches. */
  readonly hash: string;
}

/** Whoever holds one of a set of keys. */
export interface KeyAuthority extends Named {
  readonly kind: 'key';
  readonly keys: readonly TrustedKey[];
  /** When signatures with the keys count, by trusted time; where there is none, by the present. */
  readonly window: Validity;
  /** The logs that must know the signature; absent where log entries are not asked for. */
  readonly trust?: { readonly material: TrustMaterial; readonly thresholds: Thresholds };
}

/** An identity that a Fulcio of the trusted root certified for the moment of signing. */
export interface KeylessAuthority extends Named {
  readonly kind: 'keyless';
  readonly identity: IdentityMatcher;
  readonly trust: { readonly material: TrustMaterial; readonly thresholds: Thresholds };
}

/** A subject that a PKI of one's own certified. */
export interface PkiAuthority extends Named {
  readonly kind: 'certificate';
  readonly identity: IdentityMatcher;
  readonly roots: readonly CertificateAuthority[];
  /** Who says when the signature was made; absent where certificates must be valid at present. */
  readonly timestampAuthorities?: readonly CertificateAuthority[];
}

/** Who may sign, parsed once. */
export type CompiledAuthority = KeyAuthority | KeylessAuthority | PkiAuthority;

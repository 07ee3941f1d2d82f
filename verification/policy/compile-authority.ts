// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { createHash } from 'node:crypto';
import type { ImageTrustPolicySpec } from '../../crds/index.ts';
import {
  compileIdentity,
  type CompiledAuthority,
  type KeyAuthority,
  type KeylessAuthority,
  type PkiAuthority,
  type Thresholds,
} from '../authority/index.ts';
import { canonicalJson } from '../encoding/index.ts';
import {
  certificateAuthoritiesOf,
  parsePublicKeys,
  parseTrustedRoot,
  timestampAuthoritiesOf,
  type TrustMaterial,
  type Validity,
} from '../trust/index.ts';
import { atField, checkOneOf, inlineOf, invalidField } from './field.ts';
import type { TrustRootSpec } from './trust-root.ts';

type AuthoritySpec = ImageTrustPolicySpec['authorities'][number];

/** Compiles an authority whose material is inline. Throws POLICY_INVALID with the field path. */
export function compileAuthority(authority: AuthoritySpec, path: string): CompiledAuthority {
  const { name, key, keyless, certificate } = authority;
  checkOneOf({ key, keyless, certificate }, path);
  const hash = createHash('sha256')
    .update(canonicalJson({ key, keyless, certificate }))
    .digest('hex');
  const named = { name, hash };
  if (key !== undefined) return { ...named, ...compileKey(key, `${path}.key`) };
  if (keyless !== undefined) return { ...named, ...compileKeyless(keyless, `${path}.keyless`) };
  if (certificate !== undefined)
    return { ...named, ...compilePki(certificate, `${path}.certificate`) };
  throw invalidField(path, 'names nobody');
}

/**
 * Checks what can be told of an authority without its material, and its material where that is inline.
 * Throws POLICY_INVALID with the field path.
 */
export function checkAuthority(authority: AuthoritySpec, path: string): void {
  const { key, keyless, certificate } = authority;
  checkOneOf({ key, keyless, certificate }, path);
  if (key !== undefined) {
    windowOf(key, `${path}.key`);
    checkTrustRootOf(key, `${path}.key`);
    const { inline } = key.material;
    if (inline !== undefined) atField(`${path}.key.material`, () => parsePublicKeys(inline));
  }
  if (keyless !== undefined)
    atField(`${path}.keyless`, () => compileIdentity(keyless, { issuer: 'required' }));
  if (certificate !== undefined) {
    atField(`${path}.certificate`, () => compileIdentity(certificate, { issuer: 'none' }));
    checkTimestampRootsOf(certificate, `${path}.certificate`);
  }
}

type Unnamed<T> = Omit<T, 'name' | 'hash'>;

function compileKey(key: NonNullable<AuthoritySpec['key']>, path: string): Unnamed<KeyAuthority> {
  const inline = inlineOf(key.material, `${path}.material`);
  const keys = atField(`${path}.material`, () => parsePublicKeys(inline));
  const window = {
    from: key.validFrom === undefined ? -Infinity : Date.parse(key.validFrom),
    until: key.validUntil === undefined ? Infinity : Date.parse(key.validUntil),
  };
  if (!(window.from < window.until))
    throw invalidField(path, 'validFrom must be before validUntil');
  const { transparencyLog, trustRoot } = key;
  if ((transparencyLog === 'Require') !== (trustRoot !== undefined)) {
    const detail = 'must be set where transparencyLog is Require, and only there';
    throw invalidField(`${path}.trustRoot`, detail);
  }
  if (trustRoot === undefined) return { kind: 'key', keys, window };
  const thresholds = { ...trustRoot.thresholds, scts: 0 };
  const trust = compileTrust(trustRoot, thresholds, `${path}.trustRoot`);
  return { kind: 'key', keys, window, trust };
}

type KeySpec = NonNullable<AuthoritySpec['key']>;
type CertificateSpec = NonNullable<AuthoritySpec['certificate']>;

function windowOf({ validFrom, validUntil }: KeySpec, path: string): Validity {
  const from = validFrom === undefined ? -Infinity : Date.parse(validFrom);
  const until = validUntil === undefined ? Infinity : Date.parse(validUntil);
  if (from < until) return { from, until };
  throw invalidField(path, 'validFrom must be before validUntil');
}

function checkTrustRootOf({ transparencyLog, trustRoot }: KeySpec, path: string): void {
  if ((transparencyLog === 'Require') === (trustRoot !== undefined)) return;
  const detail = 'must be set where transparencyLog is Require, and only there';
  throw invalidField(`${path}.trustRoot`, detail);
}

function checkTimestampRootsOf(
  { trustedTime, timestampRoots }: CertificateSpec,
  path: string,
): void {
  if ((trustedTime === 'Timestamp') === (timestampRoots !== undefined)) return;
  const detail = 'must be set where trustedTime is Timestamp, and only there';
  throw invalidField(`${path}.timestampRoots`, detail);
}

function compileKeyless(
  keyless: NonNullable<AuthoritySpec['keyless']>,
  path: string,
): Unnamed<KeylessAuthority> {
  const identity = atField(path, () => compileIdentity(keyless, { issuer: 'required' }));
  const { trustRoot } = keyless;
  const trust = compileTrust(trustRoot, trustRoot.thresholds, `${path}.trustRoot`);
  if (trust.material.certificateAuthorities.length === 0)
    throw invalidField(`${path}.trustRoot`, 'holds no certificate authority');
  return { kind: 'keyless', identity, trust };
}

function compilePki(
  certificate: NonNullable<AuthoritySpec['certificate']>,
  path: string,
): Unnamed<PkiAuthority> {
  const identity = atField(path, () => compileIdentity(certificate, { issuer: 'none' }));
  const pem = inlineOf(certificate.roots, `${path}.roots`);
  const roots = atField(`${path}.roots`, () => certificateAuthoritiesOf(pem));
  checkTimestampRootsOf(certificate, path);
  const { timestampRoots } = certificate;
  if (timestampRoots === undefined) return { kind: 'certificate', identity, roots };
  const stamps = inlineOf(timestampRoots, `${path}.timestampRoots`);
  const timestampAuthorities = atField(`${path}.timestampRoots`, () =>
    timestampAuthoritiesOf(stamps),
  );
  return { kind: 'certificate', identity, roots, timestampAuthorities };
}

function compileTrust(
  root: TrustRootSpec,
  thresholds: Thresholds,
  path: string,
): { readonly material: TrustMaterial; readonly thresholds: Thresholds } {
  const { publicGood, material: source, tuf } = root;
  checkOneOf({ publicGood, material: source, tuf }, path);
  if (source === undefined) throw invalidField(path, 'is not resolved');
  const text = inlineOf(source, `${path}.material`);
  const material = atField(`${path}.material`, () => parseTrustedRoot(text));
  checkThresholds(material, thresholds, path);
  return { material, thresholds };
}

/** A threshold that nothing can reach would deny everything, and one of zero for all would let time be unknown. */
function checkThresholds(
  { tlogs, ctlogs, timestampAuthorities }: TrustMaterial,
  { logEntries, scts, timestamps }: Thresholds,
  path: string,
): void {
  const at = `${path}.thresholds`;
  if (logEntries + timestamps === 0)
    throw invalidField(at, 'a trusted time is needed: logEntries or timestamps must be positive');
  const too = (what: string, wanted: number, has: readonly { readonly id: string }[]): void => {
    const distinct = new Set(has.map(({ id }) => id)).size;
    if (wanted > distinct)
      throw invalidField(`${at}.${what}`, `the root holds only ${distinct.toString()} of them`);
  };
  too('logEntries', logEntries, tlogs);
  too('scts', scts, ctlogs);
  too('timestamps', timestamps, timestampAuthorities);
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { VerificationError } from '../error.ts';
import type { Certificate } from '../trust/index.ts';
import { CLAIM_NAMES, claimsOf, tokenIssuerOf } from './claims.ts';
import { compilePattern, exactly, type TextMatcher } from './pattern.ts';

/** Characters of a name in a certificate that a message shows. */
const MAX_SHOWN = 256;

/** Whom a certificate must be for, as a policy writes it: exact text, or a pattern over the whole text. */
export interface IdentitySpec {
  readonly issuer?: string | undefined;
  readonly issuerPattern?: string | undefined;
  readonly subject?: string | undefined;
  readonly subjectPattern?: string | undefined;
  readonly claims?: Readonly<Record<string, string>> | undefined;
}

/** Who signed, as a certificate says it. */
export interface CertificateIdentity {
  /** The one subject alternative name. */
  readonly subject: string;
  /** The issuer of the identity token; absent in certificates of a PKI of one's own. */
  readonly issuer?: string;
  readonly claims: ReadonlyMap<string, string>;
}

/** Whom a certificate must be for, compiled. */
export interface IdentityMatcher {
  readonly subject: TextMatcher;
  /** Absent where certificates carry no token issuer. */
  readonly issuer?: TextMatcher;
  readonly claims: readonly (readonly [name: string, value: string])[];
}

/** Where the issuer of an identity token is part of the identity, it must be said. */
interface CompileOptions {
  readonly issuer: 'required' | 'none';
}

/**
 * Compiles an identity. Throws POLICY_INVALID where it does not say exactly one of text and pattern
 * for the subject (and the issuer, where there is one), or names a claim that does not exist: nothing
 * under-specified matches anything.
 */
export function compileIdentity(spec: IdentitySpec, { issuer }: CompileOptions): IdentityMatcher {
  const subject = oneOf('subject', spec.subject, spec.subjectPattern);
  const claims = Object.entries(spec.claims ?? {});
  for (const [name] of claims) {
    if (!CLAIM_NAMES.includes(name))
      throw invalid(`claims: ${JSON.stringify(name)} is not the name of a claim`);
  }
  if (issuer === 'none') return { subject, claims };
  return { subject, claims, issuer: oneOf('issuer', spec.issuer, spec.issuerPattern) };
}

/**
 * The identity that a certificate is for, where it is the one that is wanted. Throws IDENTITY_MISMATCH
 * otherwise: for another subject, issuer or claim, for no subject or more than one, and for a subject
 * of a type that is no identity (X10).
 */
export function matchIdentity(
  certificate: Certificate,
  wanted: IdentityMatcher,
): CertificateIdentity {
  const subject = subjectOf(certificate);
  if (!wanted.subject(subject)) throw mismatch(`the certificate is for ${shown(subject)}`);
  const issuer = issuerOf(certificate, wanted);
  const claims = claimsOf(certificate);
  for (const [name, value] of wanted.claims) {
    const carried = claims.get(name);
    if (carried !== value)
      throw mismatch(
        carried === undefined
          ? `the certificate does not carry the claim ${name}`
          : `the claim ${name} of the certificate is ${shown(carried)}`,
      );
  }
  return { subject, ...issuer, claims };
}

/** A PKI may copy what it is asked to certify: its word on token issuers makes nobody somebody else. */
function issuerOf(certificate: Certificate, wanted: IdentityMatcher): { readonly issuer?: string } {
  if (wanted.issuer === undefined) return {};
  const issuer = tokenIssuerOf(certificate);
  if (issuer === undefined)
    throw mismatch('the certificate does not name the issuer of the identity');
  if (!wanted.issuer(issuer)) throw mismatch(`the issuer of the identity is ${shown(issuer)}`);
  return { issuer };
}

function subjectOf({ subjectAltNames }: Certificate): string {
  const [only, ...more] = subjectAltNames;
  if (only === undefined) throw mismatch('the certificate has no subject alternative name');
  if (more.length > 0) throw mismatch('the certificate has several subject alternative names');
  if (only.type === 'other') throw mismatch('the subject of the certificate is of an unknown type');
  return only.value;
}

function oneOf(what: string, exact: string | undefined, pattern: string | undefined): TextMatcher {
  if ((exact === undefined) === (pattern === undefined))
    throw invalid(`exactly one of ${what} and ${what}Pattern must be set`);
  if (exact === '') throw invalid(`${what}: must not be empty`);
  if (exact !== undefined) return exactly(exact);
  if (pattern === '') throw invalid(`${what}Pattern: must not be empty`);
  try {
    return compilePattern(pattern ?? '');
  } catch (thrown) {
    throw invalid(`${what}Pattern: ${thrown instanceof Error ? thrown.message : ''}`, thrown);
  }
}

function shown(text: string): string {
  return JSON.stringify(text.length <= MAX_SHOWN ? text : `${text.slice(0, MAX_SHOWN)}…`);
}

function mismatch(detail: string): VerificationError {
  return new VerificationError('IDENTITY_MISMATCH', detail);
}

function invalid(detail: string, cause?: unknown): VerificationError {
  return new VerificationError('POLICY_INVALID', detail, { cause });
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { VerificationError } from '../error.ts';
import type { ReasonCode } from '../reasons.ts';
import { isIssuedBy, isSelfSigned } from './issued-by.ts';
import type { Certificate, CertificateAuthority, Validity } from './material.ts';

/** What a leaf is used for. */
export type CertificateUse = 'codeSigning' | 'timeStamping';

/** What a chain is verified against. */
export interface ChainOptions {
  /** Certificates that came with the leaf: at most intermediates. The first ten are looked at. */
  readonly untrusted: readonly Certificate[];
  readonly authorities: readonly CertificateAuthority[];
  readonly usage: CertificateUse;
  /** Trusted times, milliseconds since the epoch: everything must have been valid at each. */
  readonly times: readonly number[];
  /**
   * An authority that names CAs below its root means these, and what is below them: others of the same
   * root may be those of another authority, with another window (A19).
   */
  readonly namedOnly?: boolean;
}

/** Who vouches for a leaf, and how: leaf first, root last. */
export interface VerifiedChain {
  readonly authority: CertificateAuthority;
  readonly path: readonly Certificate[];
}

const PURPOSES: Readonly<Record<CertificateUse, string>> = {
  codeSigning: '1.3.6.1.5.5.7.3.3',
  timeStamping: '1.3.6.1.5.5.7.3.8',
};
const ANY_PURPOSE = '2.5.29.37.0';
const MAX_CHAIN = 10;
const MAX_UNTRUSTED = 10;
/** Candidates for an issuer that are looked at for one authority; each may cost a signature. */
const MAX_STEPS = 32;
/** Further than any path that did not reach a root. */
const COMPLETE = MAX_CHAIN + 1;

/**
 * Finds the authority that vouches for the leaf at all the given times (RFC 5280, section 6, without
 * policies). Throws:
 * - TIMESTAMP_MISSING where no time is given;
 * - CERT_USAGE where the leaf is a CA, is self-signed or is not for the usage;
 * - CERT_EXPIRED_AT_SIGNING where the leaf was not valid at one of the times;
 * - CERT_CHAIN_INVALID where no path leads to a root, or a certificate above the leaf or the authority
 *   was not valid, or was not allowed to issue what it issued. The path that got furthest is reported.
 */
export function verifyChain(leaf: Certificate, options: ChainOptions): VerifiedChain {
  if (options.times.length === 0)
    throw new VerificationError('TIMESTAMP_MISSING', 'no trusted time for the certificate');
  checkLeaf(leaf, options);
  const search = new Search(options);
  for (const authority of options.authorities) {
    const path = search.find(leaf, authority);
    if (path !== undefined) return { authority, path };
  }
  throw refusal('CERT_CHAIN_INVALID', search.problem);
}

/** Looks for paths, remembers what got furthest, and gives up after a fixed number of steps. */
class Search {
  readonly #options: ChainOptions;
  readonly #untrusted: readonly Certificate[];
  #steps = 0;
  #furthest = -1;
  #problem = 'no trusted authority is given';

  constructor(options: ChainOptions) {
    this.#options = options;
    // One that signed itself leads to none but itself: `isSameAuthority` ends such a path.
    this.#untrusted = options.untrusted.slice(0, MAX_UNTRUSTED);
  }

  /** What stopped the path that got furthest. */
  get problem(): string {
    return this.#problem;
  }

  /** The path from the leaf to the root of the authority, where there is one that holds. */
  find(leaf: Certificate, authority: CertificateAuthority): readonly Certificate[] | undefined {
    const [first] = authority.chain;
    if (first?.isCa === false && first.fingerprint !== leaf.fingerprint) {
      this.#fail(0, `${authority.name} stands for another certificate`);
      return undefined;
    }
    this.#steps = 0;
    const path = this.#extend([leaf], authority);
    if (path === undefined || within(authority.validity, this.#options.times)) return path;
    this.#fail(COMPLETE, `${authority.name} is not trusted for a time at which it was used`);
    return undefined;
  }

  /** Issuers of the authority come first, so that what others sent cannot stand in their way. */
  #extend(
    path: readonly Certificate[],
    authority: CertificateAuthority,
  ): readonly Certificate[] | undefined {
    const root = authority.chain.at(-1);
    this.#fail(path.length, 'no path leads from the certificate to a trusted root');
    if (root === undefined || path.length >= MAX_CHAIN) return undefined;
    for (const issuer of new Set([root, ...authority.chain, ...this.#untrusted])) {
      if (!this.#isNext(path, issuer)) continue;
      const next = [...path, issuer];
      const found = issuer === root ? this.#whole(next, authority) : this.#extend(next, authority);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** A path up to the root, where it is one that the authority means. */
  #whole(
    path: readonly Certificate[],
    { chain, name }: CertificateAuthority,
  ): readonly Certificate[] | undefined {
    const named = chain.slice(0, -1).filter(({ isCa }) => isCa);
    if (this.#options.namedOnly !== true || named.length === 0) return path;
    if (path.some((passed) => named.some((one) => one.fingerprint === passed.fingerprint)))
      return path;
    this.#fail(COMPLETE, `${name} names CAs, and another one issued the certificate`);
    return undefined;
  }

  #isNext(path: readonly Certificate[], issuer: Certificate): boolean {
    const last = path.at(-1);
    if (last?.issuer.equals(issuer.subject) !== true) return false;
    this.#steps += 1;
    if (this.#steps > MAX_STEPS) return false;
    if (path.some((passed) => isSameAuthority(passed, issuer))) return false;
    if (!isIssuedBy(last, issuer)) return false;
    const problem = problemOf(issuer, path.length - 1, this.#options);
    if (problem !== undefined) this.#fail(path.length + 1, problem);
    return problem === undefined;
  }

  #fail(reached: number, detail: string): void {
    if (reached <= this.#furthest) return;
    this.#furthest = reached;
    this.#problem = detail;
  }
}

/** Two certificates for one name and key are one authority: no path needs both, and loops end here. */
function isSameAuthority(a: Certificate, b: Certificate): boolean {
  return a.key.fingerprint === b.key.fingerprint && a.subject.equals(b.subject);
}

/** Why the issuer may not have issued a certificate with so many intermediates below it. */
function problemOf(
  issuer: Certificate,
  intermediates: number,
  { usage, times }: ChainOptions,
): string | undefined {
  const { isCa, keyUsage, pathLength, extendedKeyUsage, validity } = issuer;
  if (!isCa) return 'an issuer in the chain is not a CA';
  if (keyUsage?.has('keyCertSign') === false) return 'a CA in the chain may not sign certificates';
  if (pathLength !== undefined && intermediates > pathLength)
    return 'a CA in the chain has more CAs below it than it may have';
  if (extendedKeyUsage !== undefined && !allows(extendedKeyUsage, usage))
    return `a CA in the chain may not issue certificates for ${usage}`;
  if (!within(validity, times)) return 'a CA in the chain was not valid at a time that counts';
  return undefined;
}

function allows(purposes: readonly string[], usage: CertificateUse): boolean {
  return purposes.includes(PURPOSES[usage]) || purposes.includes(ANY_PURPOSE);
}

function checkLeaf(leaf: Certificate, { usage, times }: ChainOptions): void {
  const problem = usageProblemOf(leaf, usage);
  if (problem !== undefined) throw refusal('CERT_USAGE', problem);
  if (!within(leaf.validity, times))
    throw refusal(
      'CERT_EXPIRED_AT_SIGNING',
      'the certificate was not valid at a time at which it was used',
    );
}

function usageProblemOf(leaf: Certificate, usage: CertificateUse): string | undefined {
  if (leaf.isCa) return 'the certificate is the one of a CA';
  if (isSelfSigned(leaf)) return 'the certificate is signed by itself';
  if (leaf.keyUsage?.has('digitalSignature') === false)
    return 'the key of the certificate is not for signatures';
  if (leaf.extendedKeyUsage?.includes(PURPOSES[usage]) !== true)
    return `the certificate is not for ${usage}`;
  return usage === 'timeStamping' ? timeStampingProblemOf(leaf) : undefined;
}

/** RFC 3161, section 2.3: the purpose stands alone and is critical. */
function timeStampingProblemOf(leaf: Certificate): string | undefined {
  const isAlone = leaf.extendedKeyUsage?.length === 1;
  return isAlone && leaf.extendedKeyUsageCritical
    ? undefined
    : 'the certificate is not for timeStamping alone, and critically so';
}

function within({ from, until }: Validity, times: readonly number[]): boolean {
  return times.every((time) => from <= time && time <= until);
}

function refusal(code: ReasonCode, detail: string): VerificationError {
  return new VerificationError(code, detail);
}

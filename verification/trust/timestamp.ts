// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { hash } from 'node:crypto';
import { toVerificationError, VerificationError } from '../error.ts';
import { parseCertificate } from './certificate.ts';
import { verifyChain } from './chain.ts';
import type { Certificate, CertificateAuthority } from './material.ts';
import { isTimestampSignedBy, type TimestampHash } from './timestamp-algorithm.ts';
import { parseTimestampToken, TST_INFO, type TimestampToken } from './timestamp-token.ts';

/** What timestamps are verified against. */
export interface TimestampOptions {
  /** Any one of these byte strings may be what was stamped. */
  readonly imprints: readonly Buffer[];
  readonly authorities: readonly CertificateAuthority[];
}

/** A time that a trusted authority vouches for. */
export interface TrustedTimestamp {
  /** ID of the authority. */
  readonly authority: string;
  /** Milliseconds since the epoch. */
  readonly time: number;
}

/** What is left of many timestamps. */
export interface VerifiedTimestamps {
  /** IDs of the authorities that vouch for at least one time: what thresholds count. */
  readonly authorities: ReadonlySet<string>;
  /** Every verified time. What was used must have been valid at each: none may hide another. */
  readonly times: readonly number[];
  readonly refused: readonly VerificationError[];
}

/** Twice as many authorities as a policy can ask for. */
const MAX_TOKENS = 16;
/** CAs that come along with one token and are looked at: nobody has more of them below a root. */
const MAX_EMBEDDED_CAS = 4;
/** Different reasons that one message gives. */
const MAX_REASONS = 3;

/**
 * Verifies an RFC 3161 response: who stamped one of the byte strings, and when. The signer must be one
 * that an authority names, or whose certificate came along and leads to the root of an authority; it
 * may sign timestamps only, at the time that the token gives, which lies in the window of the same
 * authority. Whether that time is in the future is for the caller to ask.
 *
 * Throws BUNDLE_MALFORMED where the token cannot be parsed, LIMIT_EXCEEDED where it is too large, and
 * TIMESTAMP_UNTRUSTED for everything else.
 */
export function verifyTimestamp(token: Buffer, options: TimestampOptions): TrustedTimestamp {
  return new TimestampVerifier(options).verify(token);
}

/**
 * Verifies all tokens that came with one signature. A token that does not verify is listed and spoils
 * no other. Throws LIMIT_EXCEEDED for more than 16.
 */
export function verifyTimestamps(
  tokens: readonly Buffer[],
  options: TimestampOptions,
): VerifiedTimestamps {
  if (tokens.length > MAX_TOKENS)
    throw new VerificationError('LIMIT_EXCEEDED', `more than ${MAX_TOKENS.toString()} timestamps`);
  const verifier = new TimestampVerifier(options);
  const authorities = new Set<string>();
  const times: number[] = [];
  const refused: VerificationError[] = [];
  for (const token of tokens) {
    try {
      const { authority, time } = verifier.verify(token);
      authorities.add(authority);
      times.push(time);
    } catch (thrown) {
      refused.push(toVerificationError(thrown));
    }
  }
  return { authorities, times, refused };
}

/** Verifies tokens over the same bytes, which may be large: they are hashed once. */
class TimestampVerifier {
  readonly #options: TimestampOptions;
  readonly #digests = new Map<string, Buffer>();

  constructor(options: TimestampOptions) {
    this.#options = options;
  }

  verify(bytes: Buffer): TrustedTimestamp {
    try {
      const token = parseTimestampToken(bytes);
      this.#checkImprint(token);
      checkContent(token);
      return { authority: this.#authorityOf(token).id, time: token.time };
    } catch (thrown) {
      if (thrown instanceof VerificationError) throw thrown;
      throw untrusted('cannot be verified', thrown);
    }
  }

  #checkImprint({ imprint }: TimestampToken): void {
    const isStamped = this.#options.imprints.some((_, at) =>
      this.#digest(imprint.hash, at).equals(imprint.digest),
    );
    if (!isStamped) throw untrusted('is not of this signature');
  }

  #digest(algorithm: TimestampHash, at: number): Buffer {
    const key = `${algorithm} ${at.toString()}`;
    const digest =
      this.#digests.get(key) ??
      hash(algorithm, this.#options.imprints[at] ?? Buffer.alloc(0), 'buffer');
    this.#digests.set(key, digest);
    return digest;
  }

  /** The signature is asked for first: chains of certificates that did not sign are never looked at. */
  #authorityOf(token: TimestampToken): CertificateAuthority {
    const { authorities } = this.#options;
    const embedded = certificatesOf(token);
    const owned = new Set(authorities.flatMap(({ chain }) => chain.map(fingerprintOf)));
    // A name stands for one certificate: of several that came along, each may cost a signature.
    const came = embedded.filter((one) => token.signer.isNamed(one)).slice(0, 1);
    const signers = signersOf(token, [...authorities.flatMap(({ chain }) => chain), ...came]);
    if (signers.length === 0) throw untrusted('is signed by nobody who is trusted');
    const reasons = new Set<string>();
    for (const authority of authorities) {
      for (const signer of signers) {
        // Who is named by one authority is not vouched for by another, in whose window it may be.
        if (owned.has(signer.fingerprint) && !isIn(authority.chain, signer)) continue;
        const reason = refusalOf(signer, { authority, embedded, time: token.time });
        if (reason === undefined) return authority;
        reasons.add(reason);
      }
    }
    throw untrusted([...reasons].slice(0, MAX_REASONS).join('; ') || 'is of no trusted authority');
  }
}

/** The signed attributes are about the very content that is read (RFC 5652, 5.6). */
function checkContent({ content, signer }: TimestampToken): void {
  const isOfContent =
    signer.contentType === TST_INFO &&
    hash(signer.digest, content, 'buffer').equals(signer.messageDigest);
  if (!isOfContent) throw untrusted('has signed attributes of another content');
}

/** One that cannot be parsed is passed over: whoever sent the token could have put it there. */
function certificatesOf({ certificates }: TimestampToken): readonly Certificate[] {
  return certificates.flatMap((der) => {
    try {
      return [parseCertificate(der)];
    } catch {
      return [];
    }
  });
}

/** Those that the token names as its signer, and that did sign it. Each once. */
function signersOf(
  { signer }: TimestampToken,
  candidates: readonly Certificate[],
): readonly Certificate[] {
  const { algorithm, signed: bytes, signature } = signer;
  const named = candidates.filter((candidate) => signer.isNamed(candidate));
  return [...new Map(named.map((one) => [one.fingerprint, one])).values()].filter(({ key }) =>
    isTimestampSignedBy(key, algorithm, { bytes, signature }),
  );
}

/**
 * Why the authority does not vouch for the signer, if so. An authority that names CAs below its root
 * means these, and what is below them: others of the same root may be those of another authority, with
 * another window.
 */
function refusalOf(
  signer: Certificate,
  options: {
    readonly authority: CertificateAuthority;
    readonly embedded: readonly Certificate[];
    readonly time: number;
  },
): string | undefined {
  const { authority, embedded, time } = options;
  const named = authority.chain.slice(0, -1).filter(({ isCa }) => isCa);
  try {
    const { path } = verifyChain(signer, {
      untrusted: embedded.filter(({ isCa }) => isCa).slice(0, MAX_EMBEDDED_CAS),
      authorities: [authority],
      usage: 'timeStamping',
      times: [time],
    });
    const isByNamed = named.length === 0 || path.some((one) => isIn(named, one));
    return isByNamed || isIn(authority.chain, signer)
      ? undefined
      : `${authority.name} names CAs, and another one issued the certificate`;
  } catch (thrown) {
    return toVerificationError(thrown).message;
  }
}

function isIn(certificates: readonly Certificate[], wanted: Certificate): boolean {
  return certificates.some(({ fingerprint }) => fingerprint === wanted.fingerprint);
}

function fingerprintOf({ fingerprint }: Certificate): string {
  return fingerprint;
}

function untrusted(detail: string, cause?: unknown): VerificationError {
  return new VerificationError('TIMESTAMP_UNTRUSTED', `timestamp: ${detail}`, { cause });
}

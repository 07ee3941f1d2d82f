// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import {
  matchIdentity,
  type CertificateIdentity,
  type KeylessAuthority,
  type PkiAuthority,
} from '../authority/index.ts';
import { VerificationError } from '../error.ts';
import {
  parseCertificate,
  verifyChain,
  verifyScts,
  verifySignature,
  type Certificate,
  type CertificateAuthority,
  type Validity,
} from '../trust/index.ts';
import type { CheckList, VerifiedSigner } from './fact.ts';
import { signedBytesOf } from './key-signer.ts';
import type { ReadSignature } from './read.ts';
import { checkLogs, checkTimestamps, noTrust, tooFew, type Stamped } from './trusted-time.ts';

const ALWAYS: Validity = { from: -Infinity, until: Infinity };

interface Leaf {
  readonly leaf: Certificate;
  /** Not trusted. */
  readonly untrusted: readonly Certificate[];
}

/**
 * Verifies a signature that was made with a certificate of a Fulcio of the trusted root, for the
 * identity that is wanted. Throws.
 */
export function verifyKeylessSigner(
  read: ReadSignature,
  authority: KeylessAuthority,
  list: CheckList,
): VerifiedSigner {
  const { material, thresholds } = authority.trust;
  const signed = checkLeaf(read, authority.name, list);
  const stamped = checkTimestamps(read, authority.trust, list);
  const logged = checkLogs(read, { ...authority.trust, tokenTimes: stamped.times }, list);
  const times = list.run('trusted-time', 'somebody trusted vouches for its time', () =>
    trustedTimes(stamped, logged),
  );
  const { certificateAuthorities: authorities } = material;
  const path = checkChain({ ...signed, authorities, times, namedOnly: true }, list);
  list.run('certificate-logs', 'enough certificate logs know the certificate', () => {
    checkScts(path, material.ctlogs, thresholds.scts);
  });
  const identity = checkIdentity(signed.leaf, authority, list);
  return signerOf(identity, { authority: authority.name, times, window: ALWAYS });
}

/** Verifies a signature that was made with a certificate of a PKI of one's own. Throws. */
export function verifyPkiSigner(
  read: ReadSignature,
  authority: PkiAuthority,
  list: CheckList,
): VerifiedSigner {
  const { name, roots: authorities, timestampAuthorities } = authority;
  const signed = checkLeaf(read, name, list);
  const timed = timestampAuthorities !== undefined;
  const times = timed ? stampedTimes(read, timestampAuthorities, list) : [];
  checkLogs(read, { ...noTrust, tokenTimes: times }, list);
  const window = timed ? ALWAYS : presentWindow({ ...signed, authorities }, list);
  if (timed) checkChain({ ...signed, authorities, times }, list);
  const identity = checkIdentity(signed.leaf, authority, list);
  return signerOf(identity, { authority: name, times, window });
}

function stampedTimes(
  read: ReadSignature,
  timestampAuthorities: readonly CertificateAuthority[],
  list: CheckList,
): readonly number[] {
  const material = { timestampAuthorities, tlogs: [] };
  const thresholds = { logEntries: 0, timestamps: 1 };
  return checkTimestamps(read, { material, thresholds }, list).times;
}

/** A certificate of some minutes counts at the times that are vouched for, never at present or by its own word (X43). */
function trustedTimes({ times, refused }: Stamped, logged: readonly number[]): readonly number[] {
  const all = [...times, ...logged];
  if (all.length > 0) return all;
  const [first] = refused;
  if (first !== undefined) throw first;
  throw new VerificationError('TIMESTAMP_MISSING', 'nobody trusted vouches for its time');
}

function checkLeaf({ entity }: ReadSignature, authority: string, list: CheckList): Leaf {
  const { content, material } = entity;
  const certificates = list.run('certificate', 'is signed with a certificate', () => {
    if (material.kind === 'key')
      throw new VerificationError('KEY_UNTRUSTED', `signed with a key, not for ${authority}`);
    const untrusted = material.chain.map((der) => parseCertificate(der));
    return { leaf: parseCertificate(material.leaf), untrusted };
  });
  list.run('signature', 'verifies with the key of the certificate', () => {
    if (verifySignature(certificates.leaf.key, signedBytesOf(content), content.signature)) return;
    throw new VerificationError(
      'SIGNATURE_INVALID',
      'signature does not verify with its certificate',
    );
  });
  return certificates;
}

interface ChainCheck extends Leaf {
  readonly authorities: readonly CertificateAuthority[];
}

interface TimedChainCheck extends ChainCheck {
  readonly times: readonly number[];
  readonly namedOnly?: boolean;
}

function checkChain({ leaf, ...trust }: TimedChainCheck, list: CheckList): readonly Certificate[] {
  return list.run(
    'certificate-chain',
    'certificate is of a trusted authority',
    () => verifyChain(leaf, { ...trust, usage: 'codeSigning' }).path,
  );
}

/**
 * The time during which all certificates up to a root are valid, whenever that is: the present decides
 * later. A path is looked for where the leaf begins, then where it ends: intermediates are renewed.
 */
function presentWindow({ leaf, untrusted, authorities }: ChainCheck, list: CheckList): Validity {
  return list.run('certificate-chain', 'certificate is of a trusted authority', () => {
    const at = (time: number): Validity => {
      const options = { untrusted, authorities, usage: 'codeSigning', times: [time] } as const;
      return commonValidity(verifyChain(leaf, options).path);
    };
    try {
      return at(leaf.validity.until);
    } catch {
      return at(leaf.validity.from);
    }
  });
}

function commonValidity(path: readonly Certificate[]): Validity {
  return {
    from: Math.max(...path.map(({ validity }) => validity.from)),
    until: Math.min(...path.map(({ validity }) => validity.until)),
  };
}

function checkScts(
  [leaf, issuer]: readonly Certificate[],
  ctlogs: KeylessAuthority['trust']['material']['ctlogs'],
  wanted: number,
): void {
  if (wanted === 0) return;
  if (leaf === undefined || issuer === undefined)
    throw new VerificationError('CERT_CHAIN_INVALID', 'the certificate has no issuer');
  const { logs, found, refused } = verifyScts(leaf, issuer, ctlogs);
  if (logs.size >= wanted) return;
  const [first] = refused;
  if (logs.size === 0 && first !== undefined) throw first;
  if (found === 0)
    throw new VerificationError('SCT_MISSING', 'no certificate log knows the certificate');
  throw tooFew(logs.size, wanted, 'certificate logs');
}

function checkIdentity(
  leaf: Certificate,
  { name, identity }: KeylessAuthority | PkiAuthority,
  list: CheckList,
): CertificateIdentity {
  return list.run('identity', `certificate is for ${name}`, () => matchIdentity(leaf, identity));
}

function signerOf(
  { subject, issuer, claims }: CertificateIdentity,
  rest: {
    readonly authority: string;
    readonly times: readonly number[];
    readonly window: Validity;
  },
): VerifiedSigner {
  const { authority, times, window } = rest;
  return {
    proof: { authority, identity: subject, ...(issuer === undefined ? {} : { issuer }) },
    claims,
    times,
    window,
    otherwise: 'CERT_EXPIRED_AT_SIGNING',
  };
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { VerificationError } from '../error.ts';
import { isIssuedBy, isSelfSigned } from './issued-by.ts';
import type { Certificate, CertificateAuthority, Validity } from './material.ts';
import { parseCertificatesPem } from './pem.ts';

const ALWAYS: Validity = { from: Number.NEGATIVE_INFINITY, until: Number.POSITIVE_INFINITY };

/**
 * The authorities of a PEM text: one for each self-signed certificate, with the intermediates below
 * it. Throws POLICY_INVALID for text that is not PEM, no root, a certificate that occurs twice, leads
 * to no root of the text, or is not of a CA.
 */
export function certificateAuthoritiesOf(pem: string): readonly CertificateAuthority[] {
  const certificates = certificatesOf(pem);
  if (certificates.some(({ isCa }) => !isCa)) throw invalid('holds a certificate that is not a CA');
  return authoritiesOf(certificates).map(({ root, below }) => authority(root, below));
}

/**
 * The timestamp authorities of a PEM text, as `certificateAuthoritiesOf` has them. Certificates that
 * are not of CAs are the ones that timestamps must be signed with: an authority for each.
 */
export function timestampAuthoritiesOf(pem: string): readonly CertificateAuthority[] {
  return authoritiesOf(certificatesOf(pem)).flatMap(({ root, below }) => {
    const issuers = below.filter(({ isCa }) => isCa);
    const leaves = below.filter(({ isCa }) => !isCa);
    if (leaves.length === 0) return [authority(root, issuers)];
    return leaves.map((leaf) => authority(root, [leaf, ...issuers]));
  });
}

interface Tree {
  readonly root: Certificate;
  readonly below: readonly Certificate[];
}

function certificatesOf(pem: string): readonly Certificate[] {
  const certificates = parseCertificatesPem(pem, 'POLICY_INVALID');
  if (new Set(certificates.map((c) => c.fingerprint)).size !== certificates.length)
    throw invalid('holds the same certificate twice');
  return certificates;
}

function authoritiesOf(certificates: readonly Certificate[]): readonly Tree[] {
  const roots = certificates.filter(isSelfSigned);
  if (roots.length === 0) throw invalid('holds no self-signed certificate, so no root');
  if (roots.some(({ isCa }) => !isCa)) throw invalid('holds a root that is not a CA');
  const trees = roots.map((root) => ({ root, below: belowOf(root, certificates) }));
  const placed = new Set(trees.flatMap(({ root, below }) => [root, ...below]));
  if (placed.size !== certificates.length)
    throw invalid('holds a certificate that leads to none of its roots');
  return trees;
}

/** All that the root issued, directly or through CAs. */
function belowOf(root: Certificate, certificates: readonly Certificate[]): readonly Certificate[] {
  const below: Certificate[] = [];
  let left = certificates.filter((certificate) => !isSelfSigned(certificate));
  for (const issuer of issuersOf(root, below)) {
    below.push(...left.filter((certificate) => isIssuedBy(certificate, issuer)));
    left = left.filter((certificate) => !below.includes(certificate));
  }
  return below;
}

/** The root, then every CA that is put into the list while this goes on. */
function* issuersOf(root: Certificate, below: readonly Certificate[]): Generator<Certificate> {
  yield root;
  for (const certificate of below) if (certificate.isCa) yield certificate;
}

function authority(root: Certificate, below: readonly Certificate[]): CertificateAuthority {
  return {
    id: root.fingerprint,
    name: `the root ${root.fingerprint}`,
    chain: [...below, root],
    validity: ALWAYS,
  };
}

function invalid(detail: string): VerificationError {
  return new VerificationError('POLICY_INVALID', detail);
}

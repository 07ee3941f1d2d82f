// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { X509Certificate } from 'node:crypto';

const BLOCK = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+?-----END CERTIFICATE-----/g;

/** The certificates of a PEM text, in order; blocks that cannot be parsed are left out. */
export function certificatesOf(pem: string): readonly X509Certificate[] {
  return [...pem.matchAll(BLOCK)].flatMap(([block]) => {
    try {
      return [new X509Certificate(block)];
    } catch {
      return [];
    }
  });
}

/** SHA-256 of a certificate, lower-case hexadecimal: how our parts name a CA to each other. */
export function fingerprintOf(certificate: X509Certificate): string {
  return certificate.fingerprint256.replaceAll(':', '').toLowerCase();
}

/** Certificates between a leaf and the bundle that are looked at; more are ignored. */
const MAX_INTERMEDIATES = 9;

/**
 * Whether a client that trusts only `caBundlePem` accepts the leaf, the first certificate of `leafPem`:
 * a CA of the bundle issued and signed it, directly or through the certificates that follow the leaf,
 * and all of them are valid at `now`. False for anything that cannot be read.
 */
export function chainsTo(caBundlePem: string, leafPem: string, now: Date): boolean {
  const [leaf, ...rest] = certificatesOf(leafPem);
  if (leaf === undefined || !isValidAt(leaf, now)) return false;
  const authorities = (list: readonly X509Certificate[]): readonly X509Certificate[] =>
    list.filter((certificate) => certificate.ca && isValidAt(certificate, now));
  const anchors = authorities(certificatesOf(caBundlePem));
  const unused = new Set(authorities(rest.slice(0, MAX_INTERMEDIATES)));
  // Everything that the leaf leads to; each certificate is taken once.
  const reached = [leaf];
  for (const certificate of reached) {
    if (anchors.some((anchor) => isSignedBy(certificate, anchor))) return true;
    for (const intermediate of unused) {
      if (!isSignedBy(certificate, intermediate)) continue;
      unused.delete(intermediate);
      reached.push(intermediate);
    }
  }
  return false;
}

function isSignedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

function isValidAt(certificate: X509Certificate, now: Date): boolean {
  return (
    certificate.validFromDate.getTime() <= now.getTime() &&
    now.getTime() <= certificate.validToDate.getTime()
  );
}

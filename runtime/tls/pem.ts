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

/**
 * Whether a client that trusts only `caBundlePem` accepts the leaf: one certificate of the bundle is
 * a CA that issued and signed it, and both are valid at `now`. False for anything that cannot be read.
 */
export function chainsTo(caBundlePem: string, leafPem: string, now: Date): boolean {
  const [leaf] = certificatesOf(leafPem);
  if (leaf === undefined || !isValidAt(leaf, now)) return false;
  return certificatesOf(caBundlePem).some(
    (ca) => ca.ca && isValidAt(ca, now) && leaf.checkIssued(ca) && leaf.verify(ca.publicKey),
  );
}

function isValidAt(certificate: X509Certificate, now: Date): boolean {
  return (
    certificate.validFromDate.getTime() <= now.getTime() &&
    now.getTime() <= certificate.validToDate.getTime()
  );
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { isSignedWith, keyIdentifiersAgree } from './certificate.ts';
import type { Certificate } from './material.ts';

const verdicts = new WeakMap<Certificate, WeakMap<Certificate, boolean>>();

/**
 * True where the issuer has the name that the certificate gives, the key identifiers agree where both
 * are there, and the key of the issuer signed the certificate. Remembered by the two objects, for the
 * signature is what costs. Whether the issuer may issue is not asked here.
 */
export function isIssuedBy(certificate: Certificate, issuer: Certificate): boolean {
  if (!certificate.issuer.equals(issuer.subject)) return false;
  let known = verdicts.get(certificate);
  if (known === undefined) verdicts.set(certificate, (known = new WeakMap()));
  let verdict = known.get(issuer);
  if (verdict === undefined) {
    verdict =
      keyIdentifiersAgree(certificate, issuer) && isSignedWith(certificate, issuer.key.key, issuer);
    known.set(issuer, verdict);
  }
  return verdict;
}

/** True where the certificate is signed with its own key under its own name. */
export function isSelfSigned(certificate: Certificate): boolean {
  return isIssuedBy(certificate, certificate);
}

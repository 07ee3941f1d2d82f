// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { DerValue } from '../encoding/index.ts';
import { childrenOf, malformed, oidOf, sequenceOf } from './der.ts';

/** ECDSA and RSA (PKCS #1) with SHA-2, and Ed25519. */
const STRONG: ReadonlySet<string> = new Set([
  '1.2.840.10045.4.3.2',
  '1.2.840.10045.4.3.3',
  '1.2.840.10045.4.3.4',
  '1.2.840.113549.1.1.11',
  '1.2.840.113549.1.1.12',
  '1.2.840.113549.1.1.13',
  '1.3.101.112',
]);
const RSA_PSS = '1.2.840.113549.1.1.10';
const MGF1 = '1.2.840.113549.1.1.8';
const SHA2: ReadonlySet<string> = new Set([
  '2.16.840.1.101.3.4.2.1',
  '2.16.840.1.101.3.4.2.2',
  '2.16.840.1.101.3.4.2.3',
]);
const PSS_HASH = 0xa0;
const PSS_MASK = 0xa1;

/**
 * Whether the algorithm that a certificate is signed with still holds: SHA-1, MD5 and whatever is not
 * known do not. Throws CERT_MALFORMED where it is not an AlgorithmIdentifier.
 */
export function isStrongAlgorithm(algorithm: DerValue | undefined): boolean {
  const [type, parameters] = sequenceOf(algorithm, 'signatureAlgorithm');
  const oid = oidOf(type, 'signatureAlgorithm');
  return STRONG.has(oid) || (oid === RSA_PSS && isStrongPss(parameters));
}

/** What is left out of the parameters of RSA-PSS means SHA-1. */
function isStrongPss(parameters: DerValue | undefined): boolean {
  const fields = parameters === undefined ? [] : sequenceOf(parameters, 'RSA-PSS');
  const hash = fieldOf(fields, PSS_HASH);
  const [mask, maskHash] = sequenceOf(fieldOf(fields, PSS_MASK), 'RSA-PSS');
  if (oidOf(mask, 'RSA-PSS') !== MGF1) return false;
  return [hash, maskHash].every((algorithm) => {
    const [type] = sequenceOf(algorithm, 'RSA-PSS');
    return SHA2.has(oidOf(type, 'RSA-PSS'));
  });
}

function fieldOf(fields: readonly DerValue[], tag: number): DerValue | undefined {
  const field = fields.find((candidate) => candidate.tag === tag);
  if (field === undefined) throw malformed('RSA-PSS: leaves out its hash, which means SHA-1');
  return childrenOf(field, tag, 'RSA-PSS')[0];
}

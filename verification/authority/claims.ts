// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { readDer } from '../encoding/index.ts';
import { VerificationError } from '../error.ts';
import type { Certificate } from '../trust/index.ts';

const FULCIO = '1.3.6.1.4.1.57264.1.';
const ISSUER_V1 = `${FULCIO}1`;
const ISSUER_V2 = `${FULCIO}8`;
const UTF8_STRING = 0x0c;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** How an extension holds its text: as the bytes themselves (the first ones did), or as a DER UTF8String. */
type Encoding = 'raw' | 'der';

/** Extensions of Fulcio certificates by the names of Fulcio's own documentation (oid-info). */
const CLAIMS: ReadonlyMap<string, readonly [oid: string, encoding: Encoding]> = new Map([
  ['githubWorkflowTrigger', [`${FULCIO}2`, 'raw']],
  ['githubWorkflowSHA', [`${FULCIO}3`, 'raw']],
  ['githubWorkflowName', [`${FULCIO}4`, 'raw']],
  ['githubWorkflowRepository', [`${FULCIO}5`, 'raw']],
  ['githubWorkflowRef', [`${FULCIO}6`, 'raw']],
  ['buildSignerURI', [`${FULCIO}9`, 'der']],
  ['buildSignerDigest', [`${FULCIO}10`, 'der']],
  ['runnerEnvironment', [`${FULCIO}11`, 'der']],
  ['sourceRepositoryURI', [`${FULCIO}12`, 'der']],
  ['sourceRepositoryDigest', [`${FULCIO}13`, 'der']],
  ['sourceRepositoryRef', [`${FULCIO}14`, 'der']],
  ['sourceRepositoryIdentifier', [`${FULCIO}15`, 'der']],
  ['sourceRepositoryOwnerURI', [`${FULCIO}16`, 'der']],
  ['sourceRepositoryOwnerIdentifier', [`${FULCIO}17`, 'der']],
  ['buildConfigURI', [`${FULCIO}18`, 'der']],
  ['buildConfigDigest', [`${FULCIO}19`, 'der']],
  ['buildTrigger', [`${FULCIO}20`, 'der']],
  ['runInvocationURI', [`${FULCIO}21`, 'der']],
  ['sourceRepositoryVisibilityAtSigning', [`${FULCIO}22`, 'der']],
]);

/** The names that a policy may demand claims by. */
export const CLAIM_NAMES: readonly string[] = [...CLAIMS.keys()];

/** The claims that a certificate carries, by name. Throws CERT_MALFORMED where one is not text. */
export function claimsOf(certificate: Certificate): ReadonlyMap<string, string> {
  const claims = new Map<string, string>();
  for (const [name, [oid, encoding]] of CLAIMS) {
    const text = textOf(certificate, oid, encoding);
    if (text !== undefined) claims.set(name, text);
  }
  return claims;
}

/**
 * The issuer of the identity token. Throws IDENTITY_MISMATCH where the two extensions that may hold it
 * disagree (X11); `undefined` where neither is there.
 */
export function tokenIssuerOf(certificate: Certificate): string | undefined {
  const old = textOf(certificate, ISSUER_V1, 'raw');
  const current = textOf(certificate, ISSUER_V2, 'der');
  if (old !== undefined && current !== undefined && old !== current)
    throw new VerificationError('IDENTITY_MISMATCH', 'the certificate names two different issuers');
  return current ?? old;
}

function textOf(certificate: Certificate, oid: string, encoding: Encoding): string | undefined {
  const value = certificate.extensions.get(oid);
  if (value === undefined) return undefined;
  const bytes = encoding === 'raw' ? value : contentOf(value, oid);
  try {
    return utf8.decode(bytes);
  } catch (thrown) {
    throw new VerificationError('CERT_MALFORMED', `extension ${oid} is not UTF-8`, {
      cause: thrown,
    });
  }
}

/** Content of the one UTF8String that the bytes must be. */
function contentOf(bytes: Buffer, oid: string): Buffer {
  const { tag, value } = readDer(bytes, 'CERT_MALFORMED', `extension ${oid}`);
  if (tag === UTF8_STRING) return value;
  throw new VerificationError('CERT_MALFORMED', `extension ${oid} is not one UTF8String`);
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { z } from 'zod';
import { isSamePerson, parseCertificate } from '../../verification/index.ts';

const claims = z.looseObject({
  email: z.string().optional(),
  sub: z.string().optional(),
  job_workflow_ref: z.string().optional(),
  ci_config_ref_uri: z.string().optional(),
});
const rawBytes = z.looseObject({ rawBytes: z.string() });
const certified = z.looseObject({
  verificationMaterial: z.looseObject({
    certificate: rawBytes.optional(),
    x509CertificateChain: z.looseObject({ certificates: z.array(rawBytes) }).optional(),
  }),
});

/** The names that a token may get a certificate for; nothing about it is verified. Empty for what is no token. */
export function identitiesOfToken(token: string): readonly string[] {
  const [, body = ''] = token.split('.');
  const { success, data } = claims.safeParse(jsonOf(Buffer.from(body, 'base64url').toString()));
  if (!success) return [];
  const { email, sub, job_workflow_ref: workflow, ci_config_ref_uri: config } = data;
  const names = [
    email,
    sub,
    workflow && `https://github.com/${workflow}`,
    config && `https://${config}`,
  ];
  return names.filter((name): name is string => name !== undefined && name !== '');
}

/** The names in the certificate of a bundle; empty where it was signed with a key. Throws CERT_MALFORMED. */
export function identitiesOfBundle(bundle: unknown): readonly string[] {
  const { success, data } = certified.safeParse(bundle);
  if (!success) return [];
  const { certificate, x509CertificateChain } = data.verificationMaterial;
  const leaf = certificate ?? x509CertificateChain?.certificates[0];
  if (leaf === undefined) return [];
  const { subjectAltNames } = parseCertificate(Buffer.from(leaf.rawBytes, 'base64'));
  return subjectAltNames.map(({ value }) => value);
}

/** The one of the names that is the requester, who approves nothing. */
export function requesterAmong(names: readonly string[], requestedBy: string): string | undefined {
  return names.find((name) => isSamePerson(name, requestedBy));
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { ApprovalStatement } from '../../verification/index.ts';
import { PAYLOAD_TYPE } from './key.ts';

/** Services that sign for an identity; those of the public good where none is named. */
export interface SigningServices {
  readonly identityToken: string;
  readonly fulcioUrl?: string;
  readonly rekorUrl?: string;
  /** Whether the signature is entered into the log. */
  readonly log: boolean;
  readonly tsaUrl?: string;
}

/** Signs a statement for an identity, and answers the Sigstore bundle. Rejects where a service does not do its part. */
export type SignKeyless = (
  statement: ApprovalStatement,
  services: SigningServices,
) => Promise<object>;

/** Of one exchange with a service. */
const TIMEOUT_MS = 20_000;

/**
 * Signs through the package `sigstore`. It is loaded here and only here: it takes long, and loading it
 * while the Kubernetes client is being loaded ends the process.
 */
export const signKeyless: SignKeyless = async (statement, services) => {
  const { attest } = await import('sigstore');
  const { identityToken, fulcioUrl, rekorUrl, tsaUrl, log } = services;
  return await attest(Buffer.from(JSON.stringify(statement)), PAYLOAD_TYPE, {
    identityToken,
    tlogUpload: log,
    timeout: TIMEOUT_MS,
    retry: { retries: 1 },
    ...(fulcioUrl === undefined ? {} : { fulcioURL: fulcioUrl }),
    ...(rekorUrl === undefined ? {} : { rekorURL: rekorUrl }),
    ...(tsaUrl === undefined ? {} : { tsaServerURL: tsaUrl }),
  });
};

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { decodeBase64 } from '../encoding/index.ts';
import { VerificationError } from '../error.ts';
import type { ReasonCode } from '../reasons.ts';
import { parseCertificate } from './certificate.ts';
import type { Certificate } from './material.ts';
import { pemBlocks } from './pem-block.ts';

const MAX_CERTIFICATES = 32;

/**
 * Parses PEM certificates, in their order. Throws (CERT_MALFORMED, or the code given) for an empty
 * text, other blocks than `CERTIFICATE`, text between them, and more than 32.
 */
export function parseCertificatesPem(
  pem: string,
  code: ReasonCode = 'CERT_MALFORMED',
): readonly Certificate[] {
  const blocks = pemBlocks(pem, code);
  if (blocks.length > MAX_CERTIFICATES)
    throw new VerificationError(
      code,
      `holds more than ${MAX_CERTIFICATES.toString()} certificates`,
    );
  return blocks.map(({ label, body }, at) => {
    if (label !== 'CERTIFICATE')
      throw new VerificationError(code, `holds a block "${label}", only "CERTIFICATE" is taken`);
    const der = decodeBase64(body.replace(/\s+/g, ''), code, `certificate ${(at + 1).toString()}`);
    return parseAs(der, code, at);
  });
}

function parseAs(der: Buffer, code: ReasonCode, at: number): Certificate {
  try {
    return parseCertificate(der);
  } catch (thrown) {
    const detail = thrown instanceof Error ? thrown.message : '';
    throw new VerificationError(code, `certificate ${(at + 1).toString()}: ${detail}`, {
      cause: thrown,
    });
  }
}

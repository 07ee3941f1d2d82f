// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { VerificationError } from '../error.ts';
import type { ReasonCode } from '../reasons.ts';

const STANDARD = /^[A-Za-z0-9+/]*={0,2}$/;

/**
 * Decodes standard base64 strictly: alphabet, padding and a canonical last character. Node itself
 * takes nearly anything. Throws a VerificationError with the given code.
 */
export function decodeBase64(text: string, code: ReasonCode, what: string): Buffer {
  if (text.length % 4 === 0 && STANDARD.test(text)) {
    const bytes = Buffer.from(text, 'base64');
    if (bytes.toString('base64') === text) return bytes;
  }
  throw new VerificationError(code, `${what}: not standard base64`);
}

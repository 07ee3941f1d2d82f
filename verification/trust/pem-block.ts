// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { VerificationError } from '../error.ts';
import type { ReasonCode } from '../reasons.ts';

/** No hyphen inside: a block cannot hold the beginning of another, and matching takes linear time. */
const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----([^-]*)-----END \1-----/g;

/** A PEM block: its label, its text without the two lines around it, and all of it. */
export interface PemBlock {
  readonly label: string;
  readonly body: string;
  readonly block: string;
}

/** The blocks of a PEM text. Throws the given code where there is none, or where there is other text. */
export function pemBlocks(pem: string, code: ReasonCode): readonly PemBlock[] {
  const blocks = [...pem.matchAll(BLOCK)];
  if (pem.replaceAll(BLOCK, '').trim() !== '')
    throw new VerificationError(code, 'holds text that is not a PEM block');
  if (blocks.length === 0) throw new VerificationError(code, 'holds no PEM block');
  return blocks.map(([block, label = '', body = '']) => ({ label, body, block }));
}

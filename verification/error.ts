// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { ReasonCode } from './reasons.ts';

/**
 * The one error of the library: a reason code, a message for people and the cause. Callers switch
 * on `code`, never on the message. Messages never hold credentials or whole response bodies.
 */
export class VerificationError extends Error {
  readonly code: ReasonCode;
  /** Whether somebody was asked and answered that there is no such thing: not an outage. */
  readonly isAbsence: boolean;

  constructor(
    code: ReasonCode,
    message: string,
    options: { readonly cause?: unknown; readonly isAbsence?: boolean } = {},
  ) {
    super(message, 'cause' in options ? { cause: options.cause } : {});
    this.name = 'VerificationError';
    this.code = code;
    this.isAbsence = options.isAbsence ?? false;
  }
}

/** Turns anything thrown into a VerificationError; what is not one of ours becomes INTERNAL. */
export function toVerificationError(thrown: unknown): VerificationError {
  if (thrown instanceof VerificationError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new VerificationError('INTERNAL', message, { cause: thrown });
}

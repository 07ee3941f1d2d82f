// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { toVerificationError } from '../verification/index.ts';

/** The command was used wrongly, or an input cannot be read. The message names option or file, and field. */
export class UsageError extends Error {
  constructor(message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = 'UsageError';
  }
}

/** Runs a step over something that was given; what it throws becomes a UsageError, with `prefix` in front. */
export function asUsage<T>(prefix: string, step: () => T): T {
  try {
    return step();
  } catch (thrown) {
    if (thrown instanceof UsageError) throw thrown;
    throw new UsageError(`${prefix}${toVerificationError(thrown).message}`, { cause: thrown });
  }
}

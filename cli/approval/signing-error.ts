// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

/** No approval was made, although the command was used well. */
export class SigningError extends Error {
  /** Whether it is a service that failed: it may do its part later. Otherwise somebody has to act. */
  readonly isOpen: boolean;

  constructor(message: string, options: { readonly isOpen: boolean; readonly cause?: unknown }) {
    super(message, { cause: options.cause });
    this.name = 'SigningError';
    this.isOpen = options.isOpen;
  }
}

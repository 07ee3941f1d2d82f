// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

/** Two exceptions with as many bundles as there may be, for as many approvers. One check costs a millisecond or two. */
const CHECKS = 64;

/**
 * Bounds how many signed approvals one look at the exceptions from one policy verifies while others wait:
 * who writes a hundred exceptions full of bundles must not hold up more than who writes two. What is
 * verified is kept, so that the next look gets further.
 */
export class ApprovalAllowance {
  #checks: number;

  constructor(checks: number = CHECKS) {
    this.#checks = checks;
  }

  /** Takes so many checks of one exception; false where that is more than what is left. */
  take(checks: number): boolean {
    if (checks > this.#checks) return false;
    this.#checks -= checks;
    return true;
  }
}

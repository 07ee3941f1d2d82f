// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import type { CommandResult } from '../harness/index.ts';

/** The API server's answer was a denial by one of our webhooks with this reason code. */
export function assertDenied(answer: CommandResult, code: string): void {
  assert.notEqual(answer.code, 0, `admitted, but ${code} was expected: ${answer.stdout}`);
  assert.match(answer.stderr, /admission webhook "[a-z]+\.countersign\.dev" denied the request/);
  assert.match(answer.stderr, new RegExp(`\\b${code}\\b`));
}

/** The API server admitted the request. */
export function assertAdmitted(answer: CommandResult): void {
  assert.equal(answer.code, 0, `not admitted: ${answer.stderr}`);
}

/** The API server passed on a warning of ours with this reason code, and admitted the request. */
export function assertWarned(answer: CommandResult, code: string): void {
  assertAdmitted(answer);
  assert.match(answer.stderr, /^Warning: /m);
  assert.match(answer.stderr, new RegExp(`\\b${code}\\b`));
}

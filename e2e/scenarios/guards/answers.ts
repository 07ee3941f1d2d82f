// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import type { CommandResult } from '../../harness/index.ts';

/** Throws with what was said where it was refused. */
export async function succeeds(result: Promise<CommandResult>): Promise<void> {
  const { code, stderr } = await result;
  assert.equal(code, 0, stderr);
}

/** Throws where it was not refused, or for another reason. */
export async function fails(result: Promise<CommandResult>, message: RegExp): Promise<void> {
  const { code, stderr } = await result;
  assert.notEqual(code, 0, `not refused: ${message.source}`);
  assert.match(stderr, message);
}

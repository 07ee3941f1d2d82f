// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Context } from 'mocha';
import { harnessSettings } from './settings.ts';

/** Whether a part of the machine can be used, and why not. */
export interface Availability {
  readonly ok: boolean;
  readonly reason: string;
}

/**
 * Goes on where a part of the machine is there. Elsewhere it says why and skips the tests, or throws
 * where `E2E_REQUIRE` names the part.
 */
export function needs(
  test: Context,
  part: 'browser' | 'containers' | 'node',
  { ok, reason }: Availability,
): void {
  if (ok) return;
  if (harnessSettings().required.has(part)) throw new Error(`${part} required here: ${reason}`);
  process.stdout.write(`    skipped, no ${part}: ${reason}\n`);
  test.skip();
}

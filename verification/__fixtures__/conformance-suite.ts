// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'mocha';

// eslint-disable-next-line no-restricted-properties -- for tests alone: no program knows of the suite
const NAMED = process.env['CONFORMANCE_DIR'] ?? '';
const BESIDE = join(import.meta.dirname, '../../../shared/vectors/sigstore-conformance');
const SUITE = NAMED === '' ? BESIDE : NAMED;

/** The folder of the cases of the shared suite of Sigstore clients. */
export const CASES = join(SUITE, 'bundle-verify');
/** The trusted root of the public instances, which cases without one of their own are about. */
export const PUBLIC_GOOD = join(SUITE, '../trusted_root.public-good.json');

/**
 * Describes what holds for the cases; `body` gets the names of their folders. The suite is no part of
 * the project: where it is not beside it, one test is skipped that says so. Throws where
 * CONFORMANCE_DIR names a place without it.
 */
export function describeSuite(title: string, body: (cases: readonly string[]) => void): void {
  const isThere = existsSync(CASES);
  if (!isThere && NAMED !== '') throw new Error(`CONFORMANCE_DIR: ${CASES} is not there`);
  describe(title, () => {
    if (isThere) body(readdirSync(CASES, { withFileTypes: true }).flatMap(nameOfDirectory));
    else it.skip('needs the suite, beside the project or in CONFORMANCE_DIR');
  });
}

function nameOfDirectory(entry: {
  readonly name: string;
  isDirectory(): boolean;
}): readonly string[] {
  return entry.isDirectory() ? [entry.name] : [];
}

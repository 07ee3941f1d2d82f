// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { onProcessEnd } from './process-end.ts';
import { harnessSettings } from './settings.ts';

let root: string | undefined;
const counters = new Map<string, number>();
const bulky = new Set<string>();
let failed = false;

/**
 * A new folder `<name>-<n>` inside the folder of this run. The whole run's folder
 * is deleted when the process ends well and {@link markFailed} was not called; otherwise it stays,
 * without what {@link markBulky} named, and its path is printed.
 */
export function newDirectory(name: string): string {
  const number = (counters.get(name) ?? 0) + 1;
  counters.set(name, number);
  const directory = join(runDirectory(), `${name}-${String(number)}`);
  mkdirSync(directory, { recursive: true });
  return directory;
}

/** Names a folder (a database, a registry's blobs) that is not worth keeping after a failure. */
export function markBulky(directory: string): string {
  bulky.add(directory);
  return directory;
}

/** Keeps the folder of this run: workers of mocha end well though a test of theirs failed. */
export function markFailed(): void {
  failed = true;
}

function runDirectory(): string {
  if (root === undefined) {
    root = mkdtempSync(join(tmpdir(), 'countersign-e2e-'));
    onProcessEnd(cleanUp);
  }
  return root;
}

function cleanUp(exitCode: number): void {
  if (root === undefined) {
    return;
  }
  if (exitCode === 0 && !failed && !harnessSettings().keepFiles) {
    rmSync(root, { recursive: true, force: true, maxRetries: 3 });
    return;
  }
  for (const directory of harnessSettings().keepFiles ? [] : bulky) {
    rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
  }
  process.stderr.write(`e2e: logs kept in ${root}\n`);
}

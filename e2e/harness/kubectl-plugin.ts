// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { chmodSync, writeFileSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';

import { newDirectory } from './run-directory.ts';
import { harnessSettings } from './settings.ts';

let pathCache: string | undefined;

/** A PATH on which kubectl finds our command line as its plugin `countersign`, run from the sources. */
export function pathWithPlugin(): string {
  pathCache ??= writePlugin();
  return [pathCache, harnessSettings().childEnvironment['PATH'] ?? ''].join(delimiter);
}

function writePlugin(): string {
  const directory = newDirectory('kubectl-plugin');
  const plugin = join(directory, 'kubectl-countersign');
  const script = `#!/bin/sh\nexec '${process.execPath}' '${resolve('cli/main.ts')}' "$@"\n`;
  writeFileSync(plugin, script);
  chmodSync(plugin, 0o755);
  return directory;
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/**
 * Where the command line keeps what it can read again: `countersign` below `XDG_CACHE_HOME`, or below
 * `~/.cache` where that is not set or not absolute, which the XDG base directory specification calls
 * invalid. Nothing is created.
 */
export function userCacheDirectory(
  environment: Readonly<Record<string, string | undefined>> = process.env,
  home: string = homedir(),
): string {
  const named = environment['XDG_CACHE_HOME'] ?? '';
  return join(isAbsolute(named) ? named : join(home, '.cache'), 'countersign');
}

#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { systemClock } from '../runtime/clock.ts';
import { identityTokenSource, userCacheDirectory } from '../runtime/settings/index.ts';
import { limits } from '../verification/index.ts';
import { dockerConfigKeychain } from '../verification/sources/keychain/index.ts';
import { createOciSource } from '../verification/sources/oci/index.ts';
import { createTufSource } from '../verification/sources/tuf/index.ts';
import { tokenFrom } from './approval/identity-token.ts';
import { signKeyless } from './approval/keyless.ts';
import type { OpenSource, OpenTrustRoots, RegistryHosts } from './ports.ts';
import { openCluster } from './cluster/open.ts';
import { programName, runCli } from './program.ts';

const clock = systemClock;
/** How long a CI system may take to tell who it is. */
const TOKEN_MS = 20_000;

function openSource(hosts: RegistryHosts): OpenSource {
  return createOciSource({ ...hosts, limits: limits(), now: () => clock.now().getTime(), sleep });
}

function openTrustRoots(
  hosts: RegistryHosts,
  directory: string = userCacheDirectory(),
): OpenTrustRoots {
  return createTufSource({
    ...hosts,
    cacheDirectory: join(directory, 'tuf'),
    limits: limits(),
    now: () => clock.now().getTime(),
    sleep,
  });
}

/** Unlike the default of the sources, this wait keeps the process alive: nothing else may be left to do so. */
async function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  await clock.sleep(milliseconds, signal).catch(() => undefined);
}

/** Only `y` and `yes` are a yes. */
async function confirm(question: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim());
  } finally {
    terminal.close();
  }
}

process.exitCode = await runCli(
  process.argv.slice(2),
  {
    clock,
    stdout: (text) => void process.stdout.write(text),
    stderr: (text) => void process.stderr.write(text),
    openSource,
    openTrustRoots,
    keychain: dockerConfigKeychain,
    signKeyless,
    identityToken: async () => {
      const source = identityTokenSource();
      return source && (await tokenFrom(source, clock.deadline(TOKEN_MS)));
    },
    openCluster,
    confirm: process.stdin.isTTY && process.stderr.isTTY ? confirm : undefined,
  },
  programName(process.argv[1]),
);

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { launch, type Browser } from 'puppeteer-core';
import { markBulky, newDirectory, type Availability } from '../../harness/index.ts';

const PROGRAM = '/usr/bin/chromium';
/** How long the browser may take to start, and to answer. */
const PATIENCE_MS = 60_000;

/** Whether a browser can be run here, and why not. */
export function browserAvailable(): Availability {
  if (existsSync(PROGRAM)) return { ok: true, reason: '' };
  return { ok: false, reason: `missing: ${PROGRAM}; on Debian: apt-get install chromium` };
}

/** Starts Chromium without a window, and with a profile of its own. */
export async function startBrowser(): Promise<Browser> {
  return launch({
    executablePath: PROGRAM,
    userDataDir: markBulky(newDirectory('chromium')),
    timeout: PATIENCE_MS,
    protocolTimeout: PATIENCE_MS,
    args: [
      '--disable-dev-shm-usage',
      '--disable-gpu',
      '--font-render-hinting=none',
      // Its sandbox does not work for root; what it opens here is ours.
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
    ],
  });
}

/** Where a picture is kept, for people to look at. */
export function picture(name: string): `${string}.png` {
  const folder = 'reports/e2e/review-page';
  mkdirSync(folder, { recursive: true });
  return `${join(folder, name)}.png`;
}

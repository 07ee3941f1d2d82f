// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { bundleFile } from './bundler.ts';

// node cli/page/generate.ts           writes the script and the style of the page
// node cli/page/generate.ts --check   fails where the file is not what would be written

const target = fileURLToPath(new URL('bundle.generated.ts', import.meta.url));
const check = process.argv.includes('--check');
const text = await bundleFile();
if (!existsSync(target) || readFileSync(target, 'utf8') !== text) {
  if (!check) writeFileSync(target, text);
  process.stderr.write(`cli/page/bundle.generated.ts: ${check ? 'is stale' : 'written'}\n`);
  process.exitCode = check ? 1 : 0;
}

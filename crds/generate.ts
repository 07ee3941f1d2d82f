// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { generateFiles } from './generator/files.ts';
import type { GeneratedFile } from './generator/files.ts';

// node crds/generate.ts           writes the CustomResourceDefinitions
// node crds/generate.ts --check   fails where a file is not what would be written

const check = process.argv.includes('--check');
const stale = generateFiles().filter((file) => !isCurrent(file));
for (const file of stale) {
  if (!check) writeFileSync(pathOf(file), file.text);
  process.stderr.write(`crds/${file.name}: ${check ? 'is stale' : 'written'}\n`);
}
process.exitCode = check && stale.length > 0 ? 1 : 0;

function isCurrent(file: GeneratedFile): boolean {
  return existsSync(pathOf(file)) && readFileSync(pathOf(file), 'utf8') === file.text;
}

function pathOf(file: GeneratedFile): string {
  return fileURLToPath(new URL(file.name, import.meta.url));
}

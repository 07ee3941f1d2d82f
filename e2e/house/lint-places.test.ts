// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { ESLint } from 'eslint';
import { before, describe, it } from 'mocha';
import tseslint from 'typescript-eslint';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const HEADER = `// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

`;

/** What is said where, and the rule that refuses it there, or `accepted`. */
const PLACES: readonly [code: string, path: string, verdict: string][] = [
  ['export const a: unknown = process.env;', 'runtime/settings/read.ts', 'accepted'],
  ['export const a: unknown = process.env;', 'webhook/server.ts', 'no-restricted-properties'],
  ['export const a: unknown = process.env;', 'webhook/server.test.ts', 'accepted'],
  ['export { env } from "node:process";', 'cli/a.ts', 'no-restricted-imports'],
  ['export const a: number = Date.now();', 'runtime/clock.ts', 'accepted'],
  ['export const a: number = Date.now();', 'verification/a.test.ts', 'accepted'],
  ['export const a: number = Date.now();', 'verification/a.ts', 'no-restricted-syntax'],
  ['export const a: Date = new Date();', 'operator/a.ts', 'no-restricted-syntax'],
  ['export const a: Date = new Date(0);', 'operator/a.ts', 'accepted'],
  ['setTimeout(f, 1);', 'runtime/queue/a.ts', 'accepted'],
  ['setTimeout(f, 1);', 'runtime/clock.ts', 'accepted'],
  ['setTimeout(f, 1);', 'runtime/http/a.ts', 'no-restricted-globals'],
  ['setInterval(f, 1);', 'webhook/a.ts', 'no-restricted-globals'],
  ['import "node:timers/promises";', 'webhook/a.ts', 'no-restricted-imports'],
  ['import "node:timers/promises";', 'e2e/a.ts', 'accepted'],
  ['import "fs";', 'cli/a.ts', 'no-restricted-imports'],
  ['export default 1;', 'cli/a.ts', 'no-restricted-exports'],
  ['export const a = b as unknown as string;', 'cli/a.ts', 'no-restricted-syntax'],
  ['export const a = b as unknown as string;', 'cli/a.test.ts', 'accepted'],
  ['export let a: any;', 'cli/a.ts', '@typescript-eslint/no-explicit-any'],
  [
    'export function a() { return f(); }',
    'cli/a.ts',
    '@typescript-eslint/explicit-module-boundary-types',
  ],
  ['class A { private b = 1; }', 'cli/a.ts', 'no-restricted-syntax'],
  ['class A { b = 1; private constructor() { f(); } }', 'cli/a.ts', 'accepted'],
  ['// @ts-ignore\nf();', 'cli/a.ts', '@typescript-eslint/ban-ts-comment'],
  ['console.log(1);', 'webhook/a.ts', 'no-console'],
  ['f();\n'.repeat(400), 'cli/a.ts', 'max-lines'],
  ['f();\n'.repeat(400), 'cli/a.test.ts', 'accepted'],
  [`export function a(): void {\n${'f();\n'.repeat(60)}}`, 'cli/a.ts', 'max-lines-per-function'],
  [`export function a(): void {\n${'f();\n'.repeat(60)}}`, 'e2e/a.ts', 'accepted'],
];

describe('lint configuration', function () {
  this.timeout(60_000);
  let eslint: ESLint;

  before(() => {
    // Rules that need types are left out: these files do not exist.
    eslint = new ESLint({
      cwd: ROOT,
      overrideConfig: [
        tseslint.configs.disableTypeChecked,
        { files: ['**/*.ts'], languageOptions: { parserOptions: { projectService: false } } },
        {
          files: ['**/*.ts'],
          rules: { 'no-undef': 'off', '@typescript-eslint/no-unused-vars': 'off' },
        },
      ],
    });
  });

  for (const [code, filePath, verdict] of PLACES) {
    const shown = code.slice(0, 60).replaceAll('\n', ' ');
    it(`${verdict === 'accepted' ? 'accepts' : 'refuses'} ${shown} in ${filePath}`, async () => {
      const [result] = await eslint.lintText(HEADER + code, { filePath });
      const rules = result?.messages.map((message) => message.ruleId);
      assert.deepEqual([...new Set(rules)], verdict === 'accepted' ? [] : [verdict]);
    });
  }
});

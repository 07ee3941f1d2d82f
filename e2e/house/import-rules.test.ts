// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { after, before, describe, it } from 'mocha';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const CONFIG = join(ROOT, '.dependency-cruiser.cjs');
const CRUISE = join(ROOT, 'node_modules/.bin/depcruise');

/** One import that must be refused: from where, of what, by which rule. */
interface Offence {
  readonly rule: string;
  readonly from: string;
  readonly imports: string;
  /** How it is imported where not for its effects alone. */
  readonly how?: 'type' | 'dynamic';
}

const OFFENCES: readonly Offence[] = [
  { rule: 'crds-is-a-leaf', from: 'crds/leaf.ts', imports: '../verification/index.ts' },
  {
    rule: 'crds-is-a-leaf',
    from: 'crds/leaf-type.ts',
    imports: '../runtime/log/index.ts',
    how: 'type',
  },
  {
    rule: 'verification-knows-no-cluster',
    from: 'verification/a.ts',
    imports: '../runtime/log/index.ts',
  },
  { rule: 'verification-knows-no-cluster', from: 'verification/a2.ts', imports: 'winston' },
  { rule: 'io-only-in-sources', from: 'verification/b.ts', imports: 'node:fs' },
  { rule: 'io-only-in-sources', from: 'verification/b2.ts', imports: 'node:fs/promises' },
  { rule: 'io-only-in-sources', from: 'verification/b3.ts', imports: 'node:http' },
  { rule: 'io-only-in-sources', from: 'verification/b4.ts', imports: 'undici' },
  {
    rule: 'sources-only-from-main',
    from: 'webhook/server.ts',
    imports: '../verification/sources/oci/index.ts',
  },
  { rule: 'sources-only-from-main', from: 'verification/c.ts', imports: './sources/oci/index.ts' },
  { rule: 'runtime-below-apps', from: 'runtime/log/app.ts', imports: '../../operator/index.ts' },
  { rule: 'runtime-below-apps', from: 'runtime/log/e2e.ts', imports: '../../e2e/index.ts' },
  { rule: 'apps-never-meet', from: 'operator/a.ts', imports: '../cli/index.ts' },
  { rule: 'apps-never-meet', from: 'webhook/a.ts', imports: '../operator/index.ts' },
  {
    rule: 'client-node-only-in-runtime-kube',
    from: 'operator/b.ts',
    imports: '@kubernetes/client-node',
  },
  {
    rule: 'client-node-only-in-runtime-kube',
    from: 'cli/late.ts',
    imports: '@kubernetes/client-node',
    how: 'dynamic',
  },
  {
    rule: 'dot-i-only-in-operator-framework',
    from: 'operator/c.ts',
    imports: '@dot-i/k8s-operator',
  },
  { rule: 'winston-only-in-runtime-log', from: 'runtime/http/log.ts', imports: 'winston' },
  { rule: 'sigstore-only-signs', from: 'cli/sign.ts', imports: 'sigstore', how: 'dynamic' },
  {
    rule: 'testing-never-in-production',
    from: 'webhook/b.ts',
    imports: '../verification/testing/index.ts',
  },
  { rule: 'testing-never-in-production', from: 'webhook/c.ts', imports: './c.test.ts' },
  {
    rule: 'through-the-front-door',
    from: 'webhook/d.ts',
    imports: '../verification/image/reference.ts',
  },
  {
    rule: 'through-the-front-door',
    from: 'webhook/d.test.ts',
    imports: '../runtime/log/logger.ts',
  },
  { rule: 'own-barrel-never', from: 'runtime/log/logger.ts', imports: './index.ts' },
  {
    rule: 'own-library-door-never',
    from: 'verification/image/reference.ts',
    imports: '../index.ts',
  },
  {
    rule: 'bundled-never-in-production',
    from: 'cli/page/a.ts',
    imports: './application/review.ts',
  },
  { rule: 'no-circular', from: 'webhook/circle-a.ts', imports: './circle-b.ts' },
  { rule: 'not-to-unlisted', from: 'webhook/e.ts', imports: 'unlisted' },
  { rule: 'not-to-dev-dep', from: 'webhook/f.ts', imports: 'devtool' },
  { rule: 'no-unresolvable', from: 'webhook/g.ts', imports: './nowhere.ts' },
  { rule: 'no-orphans', from: 'webhook/lonely.ts', imports: '' },
];

/** A circle is reported once, at its first file: the other half is laid out with the allowed. */
const OTHER_HALF = { from: 'webhook/circle-b.ts', imports: './circle-a.ts' };

/** Imports that the rules allow, among them the nearest neighbours of those they refuse. */
const ALLOWED: readonly Omit<Offence, 'rule'>[] = [
  { from: 'verification/sources/oci/index.ts', imports: 'undici' },
  { from: 'operator/main.ts', imports: '../verification/sources/oci/index.ts' },
  { from: 'runtime/kube/index.ts', imports: '@kubernetes/client-node' },
  { from: 'operator/framework/index.ts', imports: '@dot-i/k8s-operator' },
  { from: 'runtime/log/index.ts', imports: 'winston' },
  { from: 'cli/approval/keyless.ts', imports: 'sigstore' },
  { from: 'webhook/ok.test.ts', imports: '../verification/testing/index.ts' },
  { from: 'webhook/dev.test.ts', imports: 'devtool' },
  { from: 'cli/main.ts', imports: '../runtime/clock.ts' },
  { from: 'e2e/main.ts', imports: '../verification/index.ts' },
  { from: 'e2e/page.ts', imports: '../cli/page/index.ts' },
  { from: 'cli/page/bundler.ts', imports: 'devtool' },
];

const EMPTY = [
  'verification/index.ts',
  'verification/testing/index.ts',
  'operator/index.ts',
  'cli/index.ts',
  'cli/page/index.ts',
  'cli/page/application/review.ts',
  'e2e/index.ts',
  'runtime/clock.ts',
  'webhook/c.test.ts',
  'docs/main.ts',
];

describe('import rules', function () {
  this.timeout(60_000);
  let folder: string;
  let found: readonly string[];

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'import-rules-'));
    writeTree(folder);
    found = cruise(folder);
  });
  after(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  for (const { rule, from, imports } of OFFENCES) {
    it(`${rule} refuses ${from}${imports === '' ? '' : ` → ${imports}`}`, () => {
      assert.ok(found.includes(`${rule} ${from}`), found.join('\n'));
    });
  }
  for (const { from, imports } of ALLOWED) {
    it(`allows ${from} → ${imports}`, () => {
      const offences = found.filter((line) => line.endsWith(` ${from}`));
      assert.deepEqual(offences, []);
    });
  }
  it('has a case for every rule', () => {
    const { forbidden } = createRequire(import.meta.url)(CONFIG) as {
      forbidden: readonly { name: string; comment?: string }[];
    };
    const covered = new Set(OFFENCES.map((offence) => offence.rule));
    assert.deepEqual(
      forbidden.map((rule) => rule.name).filter((name) => !covered.has(name)),
      [],
    );
    assert.ok(forbidden.every((rule) => (rule.comment ?? '').length > 20));
  });
});

/** Lays out the offences and the allowed imports, with empty packages to import. */
function writeTree(root: string): void {
  const put = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  for (const path of EMPTY) put(path, 'export {};\n');
  for (const { from, imports, how } of [...OFFENCES, ...ALLOWED, OTHER_HALF] as Offence[]) {
    put(from, importOf(imports, how));
  }
  const dependencies = [
    '@kubernetes/client-node',
    '@dot-i/k8s-operator',
    'winston',
    'undici',
    'sigstore',
  ];
  for (const name of [...dependencies, 'devtool', 'unlisted']) {
    put(
      `node_modules/${name}/package.json`,
      JSON.stringify({ name, version: '1.0.0', main: 'a.js' }),
    );
    put(`node_modules/${name}/a.js`, '');
  }
  const versions = Object.fromEntries(dependencies.map((name) => [name, '1.0.0']));
  put(
    'package.json',
    JSON.stringify({ dependencies: versions, devDependencies: { devtool: '1.0.0' } }),
  );
  put(
    'tsconfig.json',
    JSON.stringify({ compilerOptions: { module: 'nodenext', allowImportingTsExtensions: true } }),
  );
}

function importOf(path: string, how?: 'type' | 'dynamic'): string {
  if (path === '') return 'export {};\n';
  if (how === 'type') return `import type { T } from '${path}';\nexport type { T };\n`;
  return how === 'dynamic'
    ? `export const late = () => import('${path}');\n`
    : `import '${path}';\n`;
}

/** Runs dependency-cruiser over the tree; answers `rule file`, one a violation. */
function cruise(root: string): readonly string[] {
  const folders = ['crds', 'verification', 'runtime', 'operator', 'webhook', 'cli', 'e2e', 'docs'];
  const run = spawnSync(
    process.execPath,
    [CRUISE, '--config', CONFIG, '--output-type', 'json', ...folders],
    {
      cwd: root,
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
      timeout: 15_000,
    },
  );
  assert.ok(run.stdout.startsWith('{'), run.stderr);
  const { summary } = JSON.parse(run.stdout) as {
    summary: { violations: readonly { rule: { name: string }; from: string }[] };
  };
  return summary.violations.map((violation) => `${violation.rule.name} ${violation.from}`);
}

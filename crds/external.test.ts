// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, it } from 'mocha';
import { parse } from 'yaml';

const ROOT = join(import.meta.dirname, '..');
const OURS = join(ROOT, 'config', 'crd', 'external');
/** What most clusters run: the definitions that Kyverno ships. Not part of this repository. */
const THEIRS = join(
  ROOT,
  '..',
  'shared',
  'crds-upstream',
  'kyverno-shipped-wgpolicyk8s.io_v1alpha2',
);

describe('the definitions of the report API', () => {
  for (const name of ['policyreports', 'clusterpolicyreports']) {
    it(`${name} equals in structure the one that other tools ship`, function () {
      const file = `wgpolicyk8s.io_${name}.yaml`;
      if (!existsSync(THEIRS)) {
        process.stderr.write(
          `    skipped: there is no ${relative(ROOT, THEIRS)} to compare with\n`,
        );
        this.skip();
      }
      assert.deepEqual(structure(read(OURS, file)), structure(read(THEIRS, file)));
    });

    it(`${name} serves and stores v1alpha2 alone, and has no status subresource`, () => {
      const definition = read(OURS, `wgpolicyk8s.io_${name}.yaml`) as {
        spec: {
          versions: { name: string; served: boolean; storage: boolean; subresources: object }[];
        };
      };
      const versions = definition.spec.versions.map(
        ({ name: version, served, storage, subresources }) => ({
          version,
          served,
          storage,
          subresources,
        }),
      );
      assert.deepEqual(versions, [
        { version: 'v1alpha2', served: true, storage: true, subresources: {} },
      ]);
    });
  }

  it('are all part of the kustomization', () => {
    const { resources } = read(OURS, 'kustomization.yaml') as { resources: string[] };
    const files = readdirSync(OURS).filter((file) => file !== 'kustomization.yaml');
    assert.deepEqual(resources.sort(), files.sort());
  });
});

function read(folder: string, file: string): unknown {
  return parse(readFileSync(join(folder, file), 'utf8'));
}

/** Without what people read, and with lists whose order means nothing in order. */
function structure(value: unknown, key = ''): unknown {
  if (Array.isArray(value)) {
    const items = value.map((item) => structure(item));
    return key === 'required' || key === 'enum' ? items.sort() : items;
  }
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value)
    .filter(([name, child]) => name !== 'annotations' && !isDescription(name, child))
    .map(([name, child]) => [name, structure(child, name)]);
  return Object.fromEntries(entries) as unknown;
}

/** A field may be called so too; its value is a schema then. */
function isDescription(name: string, value: unknown): boolean {
  return name === 'description' && typeof value === 'string';
}

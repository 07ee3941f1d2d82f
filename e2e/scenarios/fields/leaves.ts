// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Schema } from '../crds/schema.ts';

/** Every leaf below a node: lists as `[]`; a map of strings is one leaf, an object without fields too. */
export function leafPaths(node: Schema, path = ''): readonly string[] {
  if (node.items !== undefined) return leafPaths(node.items, `${path}[]`);
  const fields = Object.entries(node.properties ?? {});
  if (fields.length === 0) return [path];
  return fields.flatMap(([name, child]) =>
    leafPaths(child, path === '' ? name : `${path}.${name}`),
  );
}

/** The leaves in which two values of a node are not the same, sorted. */
export function differingLeaves(node: Schema, one: unknown, other: unknown): readonly string[] {
  return leafPaths(node)
    .filter((path) => at(one, path) !== at(other, path))
    .sort();
}

/** All that a value has at a path, as text. */
function at(value: unknown, path: string): string {
  const steps = path.split(/\.|(?=\[\])/);
  const found = steps.reduce<readonly unknown[]>(
    (values, step) =>
      values.flatMap((v) => (step === '[]' ? (v as readonly unknown[]) : of(v, step))),
    [value],
  );
  return JSON.stringify(found);
}

function of(value: unknown, field: string): readonly unknown[] {
  const child = (value as Readonly<Record<string, unknown>>)[field];
  return child === undefined ? [] : [child];
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

/** A node of the schema as it stands in the generated YAML. */
export interface Schema {
  readonly type: string;
  readonly format?: string;
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly maxProperties?: number;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema;
  readonly required?: readonly string[];
  readonly 'x-kubernetes-list-type'?: string;
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-validations'?: readonly { readonly message: string }[];
}

/** A CEL rule: where it stands and what it says when it refuses. */
export interface Rule {
  readonly path: string;
  readonly message: string;
}

/** One thing that a node of the schema demands, apart from CEL. */
export interface Constraint {
  readonly path: string;
  readonly node: Schema;
  readonly keyword: string;
  /** The property, where the keyword is `required`. */
  readonly property?: string;
}

/** The folder of the generated definitions. */
export const CRDS: string = join(import.meta.dirname, '..', '..', '..', 'crds');

/** The schema of `spec` or `status` in a generated CustomResourceDefinition. */
export function readSchema(plural: string, field: 'spec' | 'status'): Schema {
  const text = readFileSync(join(CRDS, `countersign.dev_${plural}.yaml`), 'utf8');
  const definition = parse(text) as {
    spec: { versions: [{ schema: { openAPIV3Schema: { properties: Record<string, Schema> } } }] };
  };
  const schema = definition.spec.versions[0].schema.openAPIV3Schema.properties[field];
  if (schema === undefined) throw new Error(`${plural} has no ${field}`);
  return schema;
}

/** Every CEL rule at or below a node. */
export function rulesOf(node: Schema, path: string): readonly Rule[] {
  return everyNode(node, path).flatMap(([at, { 'x-kubernetes-validations': rules }]) =>
    (rules ?? []).map(({ message }) => ({ path: at, message })),
  );
}

const LIMITS = [
  'type',
  'format',
  'enum',
  'pattern',
  'minLength',
  'maxLength',
  'minimum',
  'maximum',
  'minItems',
  'maxItems',
  'maxProperties',
] as const;

/** Keywords that demand nothing, or are covered otherwise. */
const SILENT = new Set([
  'description',
  'default',
  'items',
  'properties',
  'additionalProperties',
  'x-kubernetes-list-map-keys',
  'x-kubernetes-validations',
]);

/** Everything that a node and those below it demand, apart from CEL. Throws for a keyword unknown here. */
export function constraintsOf(node: Schema, path: string): readonly Constraint[] {
  return everyNode(node, path).flatMap(([at, schema]) => ownConstraints(at, schema));
}

function ownConstraints(path: string, node: Schema): Constraint[] {
  const known = new Set<string>([...LIMITS, ...SILENT, 'required', 'x-kubernetes-list-type']);
  const unknown = Object.keys(node).find((keyword) => !known.has(keyword));
  if (unknown !== undefined) throw new Error(`${path}: nothing tries ${unknown}`);
  const limits = LIMITS.filter((keyword) => node[keyword] !== undefined);
  const listType = node['x-kubernetes-list-type'];
  const unique = listType === 'set' || listType === 'map' ? ['x-kubernetes-list-type'] : [];
  const closed = node.properties === undefined ? [] : ['properties'];
  return [
    ...[...limits, ...unique, ...closed].map((keyword) => ({ path, node, keyword })),
    ...(node.required ?? []).map((property) => ({ path, node, keyword: 'required', property })),
  ];
}

function everyNode(node: Schema, path: string): readonly [string, Schema][] {
  const children = Object.entries(node.properties ?? {}).flatMap(([name, child]) =>
    everyNode(child, `${path}.${name}`),
  );
  const items = node.items === undefined ? [] : everyNode(node.items, `${path}[]`);
  const values =
    node.additionalProperties === undefined
      ? []
      : everyNode(node.additionalProperties, `${path}{}`);
  return [[path, node], ...children, ...items, ...values];
}

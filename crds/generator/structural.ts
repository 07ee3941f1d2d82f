// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { isUnbounded } from './limits.ts';

/** A node of a schema, as read or as written. */
export type SchemaNode = Readonly<Record<string, unknown>>;

/** A schema that cannot become the schema of a CustomResourceDefinition; the message starts with the field path. */
export class UnstructuralSchemaError extends Error {
  constructor(path: string, problem: string) {
    super(`${path}: ${problem}`);
    this.name = 'UnstructuralSchemaError';
  }
}

/** What a node may hold, in the order in which it is written. Everything else is refused. */
const KEYWORDS: readonly string[] = [
  'description',
  'type',
  'format',
  'default',
  'enum',
  'pattern',
  'minLength',
  'maxLength',
  'minimum',
  'exclusiveMinimum',
  'maximum',
  'exclusiveMaximum',
  'minItems',
  'maxItems',
  'minProperties',
  'maxProperties',
  'items',
  'properties',
  'additionalProperties',
  'required',
  'x-kubernetes-list-type',
  'x-kubernetes-list-map-keys',
  'x-kubernetes-map-type',
  'x-kubernetes-validations',
];

/**
 * In place of zod's, which spells out leap years. The format alone lets lower case and a decimal
 * comma through, which the API server reads and zod refuses.
 */
const DATE_TIME_PATTERN: string =
  '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$';

/**
 * Turns one node of zod's OpenAPI 3.0 output into a structural schema (Kubernetes: "Specifying a
 * structural schema"), or throws an {@link UnstructuralSchemaError}: alternatives, references and
 * unknown keywords, properties without description, and lists, maps and strings without limit (the
 * cost budget of CEL rules needs them).
 */
export function toStructural(node: SchemaNode, path: string): SchemaNode {
  assertKeywords(node, path);
  const written: Record<string, unknown> = {};
  for (const keyword of KEYWORDS) {
    const value = structuralValue(node, keyword, path);
    if (value !== undefined) written[keyword] = value;
  }
  if (isUnbounded(written)) {
    throw new UnstructuralSchemaError(path, 'has no maxItems, maxLength or maxProperties');
  }
  return written;
}

function assertKeywords(node: SchemaNode, path: string): void {
  const unknown = Object.keys(node).find((keyword) => !KEYWORDS.includes(keyword));
  if (unknown !== undefined) {
    throw new UnstructuralSchemaError(path, `${unknown} has no place in a structural schema`);
  }
  if (typeof node['type'] !== 'string') {
    throw new UnstructuralSchemaError(path, 'has no type');
  }
}

function structuralValue(node: SchemaNode, keyword: string, path: string): unknown {
  const value = node[keyword];
  switch (keyword) {
    case 'minimum':
    case 'maximum':
      return isSafeIntegerBound(value) ? undefined : value;
    case 'pattern':
      return node['format'] === 'date-time' ? DATE_TIME_PATTERN : value;
    case 'items':
    case 'properties':
    case 'additionalProperties':
      return isNode(value) ? structuralChild(value, keyword, path) : undefined;
    default:
      return value;
  }
}

function structuralChild(
  child: SchemaNode,
  keyword: 'items' | 'properties' | 'additionalProperties',
  path: string,
): SchemaNode {
  if (keyword === 'properties') return structuralProperties(child, path);
  return toStructural(child, keyword === 'items' ? `${path}[]` : `${path}{}`);
}

function structuralProperties(properties: SchemaNode, path: string): SchemaNode {
  const entries = Object.entries(properties).map(([name, property]): [string, SchemaNode] => {
    const propertyPath = path === '' ? name : `${path}.${name}`;
    if (!isNode(property)) throw new UnstructuralSchemaError(propertyPath, 'is not a schema');
    if (typeof property['description'] !== 'string' || property['description'] === '') {
      throw new UnstructuralSchemaError(propertyPath, 'has no description');
    }
    return [name, toStructural(property, propertyPath)];
  });
  return Object.fromEntries(entries);
}

/** The bounds that zod gives every integer say nothing. */
function isSafeIntegerBound(value: unknown): boolean {
  return typeof value === 'number' && Math.abs(value) === Number.MAX_SAFE_INTEGER;
}

function isNode(value: unknown): value is SchemaNode {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { isNode, LineCounter, parseAllDocuments, type Document } from 'yaml';
import { UsageError } from '../usage-error.ts';

/** Steps from the root of an object to one of its fields. */
export type FieldPath = readonly (string | number)[];

/** One object of a YAML file, before anything about it is checked. */
export interface SourceObject {
  readonly value: unknown;
  /** Which document of the file holds it, from 0. */
  readonly document: number;
  /** Where in that document it is: empty unless it is an item of a `List`. */
  readonly path: FieldPath;
  /** `file:line` of a field, or of the nearest one above it that is written. */
  locate(path: FieldPath): string;
}

/**
 * The objects of a YAML or JSON text of one or more documents; the items of a `List` are objects of
 * their own. Throws UsageError for what is not YAML, for duplicate keys and unknown tags.
 */
export function parseObjects(file: string, text: string): readonly SourceObject[] {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: lines });
  return documents.flatMap((document, index) => {
    const [fault] = [...document.errors, ...document.warnings];
    if (fault !== undefined) throw new UsageError(`${file}: ${firstLine(fault.message)}`);
    const locate = (path: FieldPath): string => locateIn(document, path, { file, lines });
    return objectsOf(valueOf(document, file), []).map(({ value, path }) => ({
      ...{ value, path, document: index },
      locate: (field) => locate([...path, ...field]),
    }));
  });
}

function objectsOf(
  value: unknown,
  path: FieldPath,
): readonly Pick<SourceObject, 'value' | 'path'>[] {
  if (value === null || value === undefined) return [];
  if (!isList(value)) return [{ value, path }];
  return value.items.flatMap((item, index) => objectsOf(item, [...path, 'items', index]));
}

function isList(value: unknown): value is { readonly items: readonly unknown[] } {
  if (typeof value !== 'object' || value === null || !('kind' in value) || !('items' in value))
    return false;
  return value.kind === 'List' && Array.isArray(value.items);
}

/** Aliases are followed up to a number that no honest file needs. */
function valueOf(document: Document, file: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (thrown) {
    throw new UsageError(`${file}: ${thrown instanceof Error ? thrown.message : String(thrown)}`, {
      cause: thrown,
    });
  }
}

function locateIn(
  document: Document,
  path: FieldPath,
  { file, lines }: { readonly file: string; readonly lines: LineCounter },
): string {
  for (let length = path.length; length >= 0; length -= 1) {
    const node: unknown =
      length === 0 ? document.contents : document.getIn(path.slice(0, length), true);
    const start = isNode(node) ? node.range?.[0] : undefined;
    if (start !== undefined) return `${file}:${lines.linePos(start).line.toString()}`;
  }
  return file;
}

/** The parser adds an excerpt of the text below its message. */
function firstLine(message: string): string {
  return message.split('\n', 1).join('').replace(/:$/, '');
}

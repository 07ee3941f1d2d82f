// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { isDeepStrictEqual } from 'node:util';
import {
  isMap,
  isScalar,
  isSeq,
  parseAllDocuments,
  type Document,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import type { SourceObject } from '../input/documents.ts';

/**
 * The text of a file with a bundle added to `spec.approvals` of one of its exceptions. Everything else
 * stays as it is written, where the exception is in block style; otherwise its document is written
 * anew, with its comments. The text must be one that `parseObjects` takes.
 */
export function appendApproval(
  text: string,
  source: Pick<SourceObject, 'document' | 'path'>,
  bundle: string,
): string {
  const wanted = added(text, source, bundle);
  const inserted = insertion(text, source, bundle);
  // Where the lines do not mean what they should, the slow way is right by construction.
  if (inserted !== undefined && isDeepStrictEqual(valuesOf(parse(inserted)), valuesOf(wanted)))
    return inserted;
  const json = asJson(text);
  if (json) return `${JSON.stringify(valuesOf(wanted)[0], null, 2)}\n`;
  return wanted.map((document) => document.toString({ lineWidth: 0 })).join('');
}

function added(
  text: string,
  { document, path }: Pick<SourceObject, 'document' | 'path'>,
  bundle: string,
): readonly Document[] {
  const documents = parse(text);
  const approvals = [...path, 'spec', 'approvals'];
  const chosen = documents[document];
  if (chosen === undefined) return documents;
  if (isSeq(chosen.getIn(approvals, true))) chosen.addIn(approvals, chosen.createNode({ bundle }));
  else chosen.setIn(approvals, chosen.createNode([{ bundle }]));
  return documents;
}

/** `undefined` where the exception is not written in lines of its own. */
function insertion(
  text: string,
  { document, path }: Pick<SourceObject, 'document' | 'path'>,
  bundle: string,
): string | undefined {
  const spec = parse(text)[document]?.getIn([...path, 'spec'], true);
  if (!isMap(spec) || spec.flow === true) return undefined;
  const approvals: unknown = spec.get('approvals', true);
  if (approvals !== undefined)
    return isSeq(approvals) ? longer(text, approvals, bundle) : undefined;
  const indent = indentOf(text, spec);
  const end = endOf(spec);
  if (indent === undefined || end === undefined) return undefined;
  return insertLines(text, end, `${indent}approvals:\n${itemOf(`${indent}  `, bundle)}`);
}

/** Adds an item below those that are there, as far to the right. */
function longer(text: string, { flow, range }: YAMLSeq, bundle: string): string | undefined {
  if (flow === true || !range) return undefined;
  const [start, end] = range;
  const indent = text.slice(text.lastIndexOf('\n', start - 1) + 1, start);
  return /^ *$/.test(indent) ? insertLines(text, end, itemOf(indent, bundle)) : undefined;
}

function itemOf(indent: string, bundle: string): string {
  return `${indent}- bundle: |-\n${indent}    ${bundle}\n`;
}

/** The white space in front of the keys of a map, which must begin a line. */
function indentOf(text: string, { items: [first] }: YAMLMap): string | undefined {
  const start = isScalar(first?.key) ? first.key.range?.[0] : undefined;
  if (start === undefined) return undefined;
  const before = text.slice(text.lastIndexOf('\n', start - 1) + 1, start);
  return /^ +$/.test(before) ? before : undefined;
}

function endOf({ items }: YAMLMap): number | undefined {
  const last: unknown = items.at(-1)?.value;
  return isScalar(last) || isMap(last) || isSeq(last) ? last.range?.[1] : undefined;
}

/** Puts lines behind the line that ends at, or holds, an offset. */
function insertLines(text: string, offset: number, lines: string): string {
  const next = text[offset - 1] === '\n' ? offset : text.indexOf('\n', offset) + 1;
  const at = next === 0 ? text.length : next;
  const gap = text[at - 1] === '\n' ? '' : '\n';
  const written = `${gap}${lines}`;
  const isCrLf = text.includes('\r\n');
  return `${text.slice(0, at)}${isCrLf ? written.replaceAll('\n', '\r\n') : written}${text.slice(at)}`;
}

function parse(text: string): readonly Document[] {
  return [...parseAllDocuments(text)];
}

function valuesOf(documents: readonly Document[]): readonly unknown[] {
  return documents.map((document): unknown => document.toJS({ maxAliasCount: 100 }));
}

function asJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

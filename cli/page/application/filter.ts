// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { ExceptionEntry, ReviewGroup } from '../../exceptions/document.ts';
import { GROUPS, groupsOf } from '../groups.ts';
import { stateLabel } from '../standing.ts';

/** The fields that have a list of their own to choose from. */
export type Facet = 'policy' | 'namespace' | 'state' | 'class';

/** Which exceptions are listed. An empty text, set or facet lists all. */
export interface Filter {
  readonly text: string;
  /** An exception of any of these groups is listed. */
  readonly groups: ReadonlySet<ReviewGroup>;
  readonly facets: Readonly<Record<Facet, string>>;
}

/** Lists everything. */
export const NO_FILTER: Filter = {
  text: '',
  groups: new Set(),
  facets: { policy: '', namespace: '', state: '', class: '' },
};

/** The facets, with how they are called. */
export const FACETS: readonly { readonly facet: Facet; readonly label: string }[] = [
  { facet: 'policy', label: 'Policy' },
  { facet: 'namespace', label: 'Namespace' },
  { facet: 'state', label: 'State' },
  { facet: 'class', label: 'Class' },
];

/** An exception with what the text filter looks at: every field, in lower case. */
export interface Searchable {
  readonly entry: ExceptionEntry;
  readonly text: string;
}

/** Prepares an exception for the text filter. */
export function searchable(entry: ExceptionEntry): Searchable {
  const labels = groupsOf(entry.groups).map(({ label }) => label);
  const values = [...textsOf(entry), stateLabel(entry.state), ...labels];
  return { entry, text: values.join('\n').toLowerCase() };
}

/** The exceptions that pass, in their order. All words of the text must occur, in whatever field. */
export function listed(entries: readonly Searchable[], filter: Filter): readonly ExceptionEntry[] {
  const words = filter.text
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  return entries
    .filter(({ text }) => words.every((word) => text.includes(word)))
    .map(({ entry }) => entry)
    .filter((entry) => inGroups(entry, filter) && hasFacets(entry, filter));
}

/** The values that a facet has, in order. */
export function valuesOf(entries: readonly ExceptionEntry[], facet: Facet): readonly string[] {
  return [...new Set(entries.map((entry) => entry[facet]))].sort();
}

/** How many exceptions are in each group. */
export function countsOf(entries: readonly ExceptionEntry[]): ReadonlyMap<ReviewGroup, number> {
  const members = (group: ReviewGroup): number =>
    entries.filter((entry) => entry.groups.includes(group)).length;
  return new Map(GROUPS.map(({ group }) => [group, members(group)]));
}

/** The filter in words, for print; empty where everything is listed. */
export function filterText({ text, groups, facets }: Filter): string {
  const labels = groupsOf([...groups]).map(({ label }) => label);
  const chosen = FACETS.filter(({ facet }) => facets[facet] !== '').map(
    ({ facet, label }) =>
      `${label.toLowerCase()} ${facet === 'state' ? stateLabel(facets[facet]) : facets[facet]}`,
  );
  return [
    ...(labels.length === 0 ? [] : [`group ${labels.join(' or ')}`]),
    ...chosen,
    ...(text.trim() === '' ? [] : [`text "${text.trim()}"`]),
  ].join(', ');
}

function inGroups(entry: ExceptionEntry, { groups }: Filter): boolean {
  return groups.size === 0 || entry.groups.some((group) => groups.has(group));
}

function hasFacets(entry: ExceptionEntry, { facets }: Filter): boolean {
  return FACETS.every(({ facet }) => facets[facet] === '' || entry[facet] === facets[facet]);
}

function textsOf(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  if (typeof value === 'number') return [value.toString()];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(textsOf);
}

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { h, type JSX, type TargetedEvent } from 'preact';
import type { ExceptionEntry, ReviewGroup } from '../../exceptions/document.ts';
import { GROUPS } from '../groups.ts';
import { stateLabel } from '../standing.ts';
import { visibleText } from '../visible-text.ts';
import { countsOf, FACETS, NO_FILTER, valuesOf, type Facet, type Filter } from './filter.ts';
import { counted, grouped, shortened } from './text.ts';

const LONGEST_OPTION = 60;

/** What the filters need. */
export interface FilterProps {
  readonly entries: readonly ExceptionEntry[];
  readonly filter: Filter;
  /** How many exceptions pass. */
  readonly passing: number;
  readonly onFilter: (filter: Filter) => void;
}

/** Groups, text and facets; says how many exceptions are listed. */
export function FilterBar(props: FilterProps): JSX.Element {
  const { entries, filter, passing, onFilter } = props;
  return h(
    'section',
    { class: 'filters', 'aria-label': 'Filters' },
    h(GroupButtons, props),
    h(
      'div',
      { class: 'fields', role: 'search' },
      h(
        'label',
        { class: 'wide' },
        'Text in any field',
        h('input', {
          type: 'search',
          value: filter.text,
          autocomplete: 'off',
          spellcheck: false,
          onInput: (event) => onFilter({ ...filter, text: event.currentTarget.value }),
        }),
      ),
      FACETS.map(({ facet, label }) => h(FacetSelect, { ...props, facet, label, key: facet })),
      h(
        'button',
        { type: 'button', disabled: filter === NO_FILTER, onClick: () => onFilter(NO_FILTER) },
        'Clear filters',
      ),
    ),
    h(
      'p',
      { class: 'listed', role: 'status' },
      passing === entries.length
        ? `${counted(passing, 'exception')} listed.`
        : `${grouped(passing)} of ${counted(entries.length, 'exception')} listed.`,
    ),
  );
}

function GroupButtons({ entries, filter, onFilter }: FilterProps): JSX.Element {
  const counts = countsOf(entries);
  return h(
    'div',
    { class: 'groups', role: 'group', 'aria-label': 'Findings' },
    GROUPS.map(({ group, label, meaning, grave }) => {
      const count = counts.get(group) ?? 0;
      return h(
        'button',
        {
          key: group,
          type: 'button',
          class: grave && count > 0 ? 'group grave' : 'group',
          'data-group': group,
          'aria-pressed': filter.groups.has(group),
          onClick: () => onFilter({ ...filter, groups: toggled(filter.groups, group) }),
        },
        h('span', { class: 'count' }, grouped(count)),
        h('span', { class: 'label' }, label),
        h('span', { class: 'meaning' }, meaning),
      );
    }),
  );
}

interface FacetProps extends FilterProps {
  readonly facet: Facet;
  readonly label: string;
}

function FacetSelect({ entries, filter, onFilter, facet, label }: FacetProps): JSX.Element {
  const choose = (value: string): void =>
    onFilter({ ...filter, facets: { ...filter.facets, [facet]: value } });
  return h(
    'label',
    null,
    label,
    h(
      'select',
      {
        name: facet,
        value: filter.facets[facet],
        onChange: ({ currentTarget }: TargetedEvent<HTMLSelectElement>) =>
          choose(currentTarget.value),
      },
      h('option', { value: '' }, 'All'),
      valuesOf(entries, facet).map((value) =>
        h('option', { key: value, value }, optionText(facet, value)),
      ),
    ),
  );
}

function optionText(facet: Facet, value: string): string {
  return shortened(visibleText(facet === 'state' ? stateLabel(value) : value), LONGEST_OPTION);
}

function toggled(groups: ReadonlySet<ReviewGroup>, group: ReviewGroup): ReadonlySet<ReviewGroup> {
  const next = new Set(groups);
  if (!next.delete(group)) next.add(group);
  return next;
}

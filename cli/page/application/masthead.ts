// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { h, type JSX } from 'preact';
import type { ReviewDocument } from '../../exceptions/document.ts';
import { momentOf } from '../instant.ts';
import { kindOf, stateLabel } from '../standing.ts';
import { Swatch } from './swatch.ts';
import { grouped, Value } from './text.ts';

/** What the page speaks of: cluster, instant, and how many exceptions there are of each state. */
export function Masthead({ document }: { readonly document: ReviewDocument }): JSX.Element {
  const { cluster, at, exceptions } = document;
  return h(
    'header',
    { class: 'masthead' },
    h(
      'div',
      null,
      h('h1', null, 'Signing exceptions'),
      h(
        'p',
        { class: 'subject' },
        'Review',
        cluster === undefined ? null : [' of ', h('strong', null, h(Value, { text: cluster }))],
        ' at ',
        h('time', { dateTime: at }, momentOf(at)),
      ),
    ),
    h(
      'dl',
      { class: 'totals' },
      total(null, 'All', exceptions.length),
      statesOf(document).map(([state, count]) =>
        total(h(Swatch, { kind: kindOf(state) }), stateLabel(state), count),
      ),
    ),
  );
}

function total(swatch: JSX.Element | null, label: string, count: number): JSX.Element {
  return h(
    'div',
    { key: label },
    h('dt', null, swatch, h(Value, { text: label })),
    h('dd', null, grouped(count)),
  );
}

/** The states with how often they occur, the most frequent first. */
function statesOf({ exceptions }: ReviewDocument): readonly (readonly [string, number])[] {
  const counts = new Map<string, number>();
  for (const { state } of exceptions) counts.set(state, (counts.get(state) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
}

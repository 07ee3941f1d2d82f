// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { entryNamed } from '../__fixtures__/entry.ts';
import {
  countsOf,
  FACETS,
  filterText,
  listed,
  NO_FILTER,
  searchable,
  valuesOf,
  type Filter,
} from './filter.ts';

const ENTRIES = [
  entryNamed('a', { groups: ['expiring', 'unused'], policy: 'one', ticket: 'https://t/SEC-1' }),
  entryNamed('b', { groups: ['overdue'], namespace: 'team-b', class: 'Incident' }),
  entryNamed('c', { state: 'AwaitingApproval', risk: 'Somebody else BUILT it' }),
  entryNamed('d', { reviews: [{ at: '2026-11-25T00:00:00Z', by: 'auditor', comment: 'fine' }] }),
];
const PREPARED = ENTRIES.map(searchable);

function names(filter: Partial<Filter>): string {
  return listed(PREPARED, { ...NO_FILTER, ...filter })
    .map(({ name }) => name)
    .join('');
}

describe('the filter of the review page', () => {
  it('lists everything, in its order, while it is empty', () => {
    assert.equal(names({}), 'abcd');
    assert.equal(names({ text: ' \t ' }), 'abcd');
  });

  it('finds words in any field, in any case, all of them needed', () => {
    assert.equal(names({ text: 'sec-1' }), 'a');
    assert.equal(names({ text: 'built' }), 'c');
    assert.equal(names({ text: 'AUDITOR fine' }), 'd');
    assert.equal(names({ text: 'auditor built' }), '');
    assert.equal(names({ text: 'awaiting approval' }), 'c');
    assert.equal(names({ text: 'overdue' }), 'b');
  });

  it('takes the text as text, not as a pattern', () => {
    assert.equal(names({ text: '.*' }), '');
    assert.equal(names({ text: '(' }), '');
  });

  it('lists the members of any of the chosen groups', () => {
    assert.equal(names({ groups: new Set(['overdue']) }), 'b');
    assert.equal(names({ groups: new Set(['overdue', 'unused']) }), 'ab');
    assert.equal(names({ groups: new Set(['renewed']) }), '');
  });

  it('holds to every facet exactly, and to all parts together', () => {
    const facets = (some: Partial<Filter['facets']>): Filter['facets'] => ({
      ...NO_FILTER.facets,
      ...some,
    });
    assert.equal(names({ facets: facets({ namespace: 'team-b' }) }), 'b');
    assert.equal(names({ facets: facets({ namespace: 'team' }) }), '');
    assert.equal(names({ facets: facets({ policy: 'one' }) }), 'a');
    assert.equal(names({ facets: facets({ state: 'AwaitingApproval' }) }), 'c');
    assert.equal(names({ facets: facets({ class: 'Incident' }) }), 'b');
    assert.equal(
      names({ facets: facets({ policy: 'one' }), groups: new Set(['overdue']), text: 'a' }),
      '',
    );
  });

  it('offers each value once, in order', () => {
    assert.deepEqual(
      FACETS.map(({ facet }) => valuesOf(ENTRIES, facet)),
      [
        ['one', 'team-images'],
        ['team-a', 'team-b'],
        ['AwaitingApproval', 'InEffect'],
        ['Incident', 'Planned'],
      ],
    );
  });

  it('counts the groups', () => {
    assert.deepEqual(Object.fromEntries(countsOf(ENTRIES)), {
      'expired-in-use': 0,
      overdue: 1,
      unapproved: 0,
      expiring: 1,
      unused: 1,
      renewed: 0,
    });
  });

  it('is told in words', () => {
    assert.equal(filterText(NO_FILTER), '');
    assert.equal(
      filterText({
        text: ' cve ',
        groups: new Set(['unused', 'overdue']),
        facets: { ...NO_FILTER.facets, policy: 'one', state: 'InEffect' },
      }),
      'group Overdue or Unused, policy one, state In effect, text "cve"',
    );
  });
});

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { ExceptionEntry } from '../../exceptions/document.ts';
import { entryNamed } from '../__fixtures__/entry.ts';
import { COLUMNS, FIRST_ORDER, pressed, sorted, type ColumnKey } from './sort.ts';

function order(
  entries: readonly ExceptionEntry[],
  column: ColumnKey,
  direction: 'ascending' | 'descending' = 'ascending',
): string {
  return sorted(entries, { column, direction })
    .map(({ name }) => name)
    .join('');
}

describe('the order of the review page', () => {
  it('puts what is gravest first, then what has more findings', () => {
    const entries = [
      entryNamed('n'),
      entryNamed('r', { groups: ['renewed'] }),
      entryNamed('u', { groups: ['unapproved'] }),
      entryNamed('v', { groups: ['renewed', 'unapproved', 'expiring'] }),
      entryNamed('x', { groups: ['expired-in-use'] }),
    ];
    const first = sorted(entries, FIRST_ORDER).map(({ name }) => name);
    assert.equal(first.join(''), 'xvurn');
  });

  it('compares instants, not how they are written', () => {
    const entries = [
      entryNamed('a', { expiresAt: '2026-12-01T00:30:00+02:00' }),
      entryNamed('b', { expiresAt: '2026-11-30T23:00:00Z' }),
    ];
    assert.equal(order(entries, 'expiresAt'), 'ab');
    assert.equal(order(entries, 'expiresAt', 'descending'), 'ba');
  });

  it('compares numbers as numbers', () => {
    const entries = [entryNamed('a', { renewals: 10 }), entryNamed('b', { renewals: 9 })];
    assert.equal(order(entries, 'renewals'), 'ba');
  });

  it('puts what has no value last, in both directions', () => {
    const unused = { ...entryNamed('a') };
    delete unused.usage;
    const entries = [unused, entryNamed('b'), entryNamed('c', { notBefore: 'never' })];
    assert.equal(order(entries, 'lastUsed'), 'bca');
    assert.equal(order(entries, 'lastUsed', 'descending'), 'bca');
    assert.equal(order(entries, 'notBefore'), 'abc');
    assert.equal(order(entries, 'notBefore', 'descending'), 'abc');
  });

  it('is total: equal ones stand by namespace and name, whatever came first', () => {
    const entries = [entryNamed('b'), entryNamed('c', { namespace: 'early' }), entryNamed('a')];
    for (const { key } of COLUMNS.filter(({ key }) => key !== 'name' && key !== 'namespace')) {
      assert.equal(order(entries, key), 'cab', key);
      assert.equal(order([...entries].reverse(), key, 'descending'), 'cab', key);
    }
  });

  it('leaves its argument as it is', () => {
    const entries = [entryNamed('b'), entryNamed('a')];
    sorted(entries, { column: 'name', direction: 'ascending' });
    assert.deepEqual(
      entries.map(({ name }) => name),
      ['b', 'a'],
    );
  });

  it('turns round when a head is pressed again', () => {
    const once = pressed(FIRST_ORDER, 'owner');
    assert.deepEqual(once, { column: 'owner', direction: 'ascending' });
    assert.deepEqual(pressed(once, 'owner'), { column: 'owner', direction: 'descending' });
    assert.deepEqual(pressed(pressed(once, 'owner'), 'owner'), once);
    assert.deepEqual(pressed(once, 'name'), { column: 'name', direction: 'ascending' });
  });
});

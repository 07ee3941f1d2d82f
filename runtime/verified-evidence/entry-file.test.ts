// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { entryFileOf, keyHash, MAX_ENTRY_BYTES, readEntryFile, type Entry } from './entry-file.ts';

const key = keyHash('k');
const entry: Entry = { key, evidence: keyHash('e'), collectedAt: 1, superseded: false };

describe('an entry of kept evidence', () => {
  it('names the requirements that were satisfied, where they were told', () => {
    for (const one of [entry, { ...entry, satisfied: [] }, { ...entry, satisfied: ['signed'] }])
      assert.deepEqual(readEntryFile(key, entryFileOf(one)), one);
  });

  it('has room for as many requirements as a policy has, with the longest names', () => {
    const satisfied = Array.from({ length: 32 }, (_, n) => n.toString().padEnd(63, 'x'));
    const file = entryFileOf({ ...entry, satisfied });
    assert.ok(file.length <= MAX_ENTRY_BYTES, file.length.toString());
    assert.deepEqual(readEntryFile(key, file)?.satisfied, satisfied);
  });

  it('is nothing where it names what is none', () => {
    const file = entryFileOf({ ...entry, satisfied: ['x'.repeat(64)] });
    assert.equal(readEntryFile(key, file), undefined);
  });
});

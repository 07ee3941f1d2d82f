// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { isReference, ReferenceReader } from './references.ts';

describe('reading references', () => {
  it('reads a string once and answers the same for it ever after', () => {
    const reader = new ReferenceReader();
    const read = reader.read('registry.example/app:1');
    assert.ok(isReference(read));
    assert.equal(read.repository, 'app');
    assert.equal(reader.read('registry.example/app:1'), read);
    assert.notEqual(reader.read('registry.example/app:2'), read);
  });

  it('tells two strings for one repository apart: what is pinned is what was written', () => {
    const reader = new ReferenceReader();
    for (const written of ['nginx', 'docker.io/nginx', 'index.docker.io/library/nginx:latest']) {
      const read = reader.read(written);
      assert.ok(isReference(read));
      assert.equal(read.written, written);
      assert.equal(`${read.host}/${read.repository}`, 'docker.io/library/nginx');
    }
  });

  it('G7: throws nothing, and knows no reference that nobody wrote', () => {
    const reader = new ReferenceReader();
    for (const written of ['', 'a b', '__proto__', `a/${'x'.repeat(5000)}`, '\u0000']) {
      const read = reader.read(written);
      assert.equal(isReference(read), false, written);
      assert.equal(!isReference(read) && read.code, 'REF_INVALID');
    }
    assert.ok(isReference(reader.read('constructor')));
  });
});

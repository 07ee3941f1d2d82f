// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'mocha';
import { SCRIPT, STYLE } from './bundle.generated.ts';
import { bundleFile } from './bundler.ts';

describe('the generated bundle of the review page', () => {
  it('is what the sources give, every time', async () => {
    const committed = readFileSync(new URL('bundle.generated.ts', import.meta.url), 'utf8');
    assert.equal(await bundleFile(), committed, 'run `make generate`');
    assert.equal(await bundleFile(), committed);
  });

  it('cannot end the elements that it stands in', () => {
    assert.doesNotMatch(SCRIPT, /<\/script|<script|<!--|\r/i);
    assert.doesNotMatch(STYLE, /<\/style|<!--|\r/i);
  });

  it('names no address but those of name spaces, and carries the licence of what it contains', () => {
    const addresses = `${SCRIPT}${STYLE}`.match(/https?:\/\/[^"'`\s]+/g) ?? [];
    assert.deepEqual(
      addresses.filter((address) => !address.startsWith('http://www.w3.org/')),
      [],
    );
    assert.match(SCRIPT, /^\/\* Contains Preact\.[^*]*The above copyright notice/);
  });
});

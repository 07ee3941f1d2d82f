// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { identityToken } from './identity-token.ts';

describe('the token of an identity', () => {
  it('is that of other clients of Sigstore; an empty one is none', () => {
    assert.equal(identityToken({ SIGSTORE_ID_TOKEN: 'a.b.c' }), 'a.b.c');
    assert.equal(identityToken({ SIGSTORE_ID_TOKEN: '' }), undefined);
    assert.equal(identityToken({}), undefined);
  });
});

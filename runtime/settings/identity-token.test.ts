// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { identityTokenSource } from './identity-token.ts';

describe('the token of an identity', () => {
  const github = {
    ACTIONS_ID_TOKEN_REQUEST_URL: 'https://pipelines.example/token?api-version=2',
    ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'secret',
  };

  it('is that of other clients of Sigstore', () => {
    const source = { kind: 'token', token: 'a.b.c' };
    assert.deepEqual(identityTokenSource({ ...github, SIGSTORE_ID_TOKEN: 'a.b.c' }), source);
  });

  it('is asked for where a job of GitHub Actions may', () => {
    assert.deepEqual(identityTokenSource({ ...github, SIGSTORE_ID_TOKEN: '' }), {
      kind: 'github',
      url: 'https://pipelines.example/token?api-version=2',
      bearer: 'secret',
    });
  });

  it('is none where the environment says nothing, or half of it', () => {
    assert.equal(identityTokenSource({}), undefined);
    assert.equal(identityTokenSource({ ...github, ACTIONS_ID_TOKEN_REQUEST_TOKEN: '' }), undefined);
  });
});

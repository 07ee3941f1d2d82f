// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { userCacheDirectory } from './user-cache.ts';

describe('the cache directory of a user', () => {
  it('is below XDG_CACHE_HOME', () => {
    const environment = { XDG_CACHE_HOME: '/var/caches/me' };
    assert.equal(userCacheDirectory(environment, '/home/me'), '/var/caches/me/countersign');
  });

  it('is below ~/.cache where that is not set, empty or relative', () => {
    for (const XDG_CACHE_HOME of [undefined, '', 'caches'])
      assert.equal(
        userCacheDirectory({ XDG_CACHE_HOME }, '/home/me'),
        '/home/me/.cache/countersign',
      );
  });
});

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'mocha';
import type { SigningException } from '../../crds/index.ts';
import { ObjectStore } from '../kube/index.ts';
import { silentLogger } from '../log/index.ts';
import { FollowedExceptions } from './followed.ts';

const DIGEST = `sha256:${'1'.repeat(64)}`;

describe('the exceptions of a cluster that are followed', () => {
  let store: ObjectStore<SigningException>;
  let stale: boolean;
  let followed: FollowedExceptions;

  const size = (): number => followed.index.candidates('team', 'shop', DIGEST).length;

  beforeEach(() => {
    store = new ObjectStore({ onFault: assert.ifError });
    stale = false;
    followed = new FollowedExceptions(store, silentLogger, () => stale);
    store.put(exceptionNamed('hotfix'));
  });

  it('have an effect from when they come until they are gone', () => {
    assert.equal(size(), 1);
    store.remove('shop/hotfix');
    assert.equal(size(), 0);
  });

  it('fault 8: have none while they may have been revoked unseen, and have it again then', () => {
    stale = true;
    assert.equal(size(), 0);
    assert.equal(followed.count, 1);
    stale = false;
    assert.equal(size(), 1);
  });
});

function exceptionNamed(name: string): SigningException {
  return {
    metadata: { name, namespace: 'shop', uid: name, resourceVersion: '1' },
    spec: {
      policyRef: { name: 'team' },
      requirements: ['signed'],
      digests: [DIGEST],
      serviceAccounts: ['default'],
      notBefore: '2026-01-01T00:00:00Z',
      expiresAt: '2026-02-01T00:00:00Z',
      reason: 'the vendor signs from the next release on',
      owner: 'team@example.com',
      requestedBy: 'dev@example.com',
      class: 'Planned',
    },
  };
}

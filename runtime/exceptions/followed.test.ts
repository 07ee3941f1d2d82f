// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'mocha';
import type { SigningException } from '../../crds/index.ts';
import { compileException } from '../../verification/index.ts';
import { assertSoon } from '../../verification/testing/index.ts';
import { ObjectStore } from '../kube/index.ts';
import { silentLogger, type Logger } from '../log/index.ts';
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

  it('have none once an edit makes them unreadable, and have it again then', () => {
    const object = exceptionNamed('hotfix');
    store.put({ ...object, spec: { ...object.spec, digests: ['latest'] } });
    assert.deepEqual([size(), followed.count, followed.invalidCount], [0, 0, 1]);
    store.put(exceptionNamed('hotfix'));
    assert.deepEqual([size(), followed.count, followed.invalidCount], [1, 1, 0]);
  });

  it('are compiled anew only where something that decides changed', () => {
    const compiled = (): unknown => followed.index.named('shop', 'hotfix');
    const before = compiled();
    store.put({ ...exceptionNamed('hotfix'), status: { observedGeneration: 7, renewals: 3 } });
    assert.equal(compiled(), before);
    const revoked = { at: '2026-01-02T00:00:00Z', by: 'lead', reason: 'done' };
    store.put({ ...exceptionNamed('hotfix'), status: { observedGeneration: 7, revoked } });
    assert.notEqual(compiled(), before);
    assert.deepEqual(followed.index.named('shop', 'hotfix')?.revoked, revoked);
  });

  it('X26: are another one, unapproved, once one was deleted and created again', () => {
    const object = exceptionNamed('hotfix');
    const { specHash } = compileException(object);
    const approval = {
      approver: 'lead',
      approvedAt: '2026-01-01T00:00:00Z',
      specHash,
      latestExpiresAt: object.spec.expiresAt,
    };
    store.put({ ...object, status: { observedGeneration: 1, approvals: [approval] } });
    assert.equal(followed.index.named('shop', 'hotfix')?.approvals.length, 1);
    // The watch may tell of both at once.
    const { metadata, spec } = exceptionNamed('hotfix');
    store.put({ metadata: { ...metadata, uid: 'again' }, spec });
    assert.equal(followed.index.named('shop', 'hotfix')?.approvals.length, 0);
  });

  it('are told in the log once they are too many, and once more after that was over', () => {
    const told: string[] = [];
    const logger: Logger = { ...silentLogger, error: (message) => void told.push(message) };
    const crowd = new ObjectStore<SigningException>({ onFault: assert.ifError });
    const many = new FollowedExceptions(crowd, logger, () => false);
    for (let i = 0; i < 10_002; i += 1) crowd.put(exceptionNamed(`e${i.toString()}`));
    assert.equal(many.index.dropped, 2);
    assert.equal(told.length, 1);
    crowd.remove('shop/e0');
    crowd.remove('shop/e1');
    assert.equal(many.index.dropped, 0);
    crowd.put(exceptionNamed('e0'));
    assert.equal(told.length, 2);
  });

  it('cost a moment each, however many there are: a burst of changes stalls nothing', () => {
    const crowd = new ObjectStore<SigningException>({ onFault: assert.ifError });
    const many = new FollowedExceptions(crowd, silentLogger, () => false);
    const names = Array.from({ length: 10_000 }, (_, i) => `e${i.toString()}`);
    for (const name of names) crowd.put(exceptionNamed(name));
    const asked = (): number => many.index.candidates('team', 'shop', DIGEST).length;
    // An admission asks after every one of them.
    assertSoon(1_500, () => {
      for (const name of names) {
        crowd.put({ ...exceptionNamed(name), status: { observedGeneration: 1, renewals: 1 } });
        assert.equal(asked(), 10_000);
      }
    });
    const revoked = { at: '2026-01-02T00:00:00Z', by: 'lead', reason: 'done' };
    assertSoon(3_000, () => {
      for (const name of names) {
        crowd.put({ ...exceptionNamed(name), status: { observedGeneration: 1, revoked } });
        assert.equal(asked(), 10_000);
      }
    });
  });
});

let revision = 0;

/** Each is a later state than the one before. */
function exceptionNamed(name: string): SigningException {
  revision += 1;
  return {
    metadata: { name, namespace: 'shop', uid: name, resourceVersion: revision.toString() },
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

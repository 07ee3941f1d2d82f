// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { testException } from '../../verification/testing/index.ts';
import { NotificationEvent, notificationOf, type Occasion } from './notification.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;
const NOW = new Date('2026-11-20T00:00:00.123Z');
const OCCASION = { event: NotificationEvent.Expired, instant: '1', message: 'ended' } as const;

function idOf(
  occasion: Partial<Occasion> = {},
  { name = 'hotfix', uid = 'u', namespace = 'checkout' } = {},
  now = NOW,
): string {
  const { metadata, spec } = testException([DIGEST], {}, name);
  const exception = { metadata: { ...metadata, namespace, uid }, spec };
  return notificationOf(exception, { ...OCCASION, ...occasion }, { now }).id;
}

describe('a notification', () => {
  it('says what was permitted, by whom it was asked for, and until when', () => {
    const exception = testException([DIGEST], { ticket: 'SEC-1', class: 'Incident' });
    const { id, ...rest } = notificationOf(exception, OCCASION, { now: NOW, cluster: 'prod' });
    assert.match(id, /^[0-9a-f]{64}$/);
    assert.deepEqual(rest, {
      formatVersion: 1,
      event: 'ExceptionExpired',
      time: '2026-11-20T00:00:00.123Z',
      cluster: 'prod',
      exception: {
        namespace: 'checkout',
        name: 'hotfix',
        policy: 'team',
        class: 'Incident',
        requirements: ['signed'],
        digests: [DIGEST],
        serviceAccounts: ['web'],
        notBefore: '2026-11-20T00:00:00Z',
        expiresAt: '2026-11-27T00:00:00Z',
        owner: 'team-checkout@example.com',
        requestedBy: 'dev@example.com',
        reason: 'the signing service of the vendor is down',
        ticket: 'SEC-1',
      },
      message: 'ended',
    });
  });

  it('says * where all requirements are waived, and leaves out a ticket that there is none of', () => {
    const exception = testException([DIGEST], { allRequirements: true });
    const { cluster, exception: told } = notificationOf(exception, OCCASION, { now: NOW });
    assert.deepEqual([cluster, told.requirements, 'ticket' in told], ['', ['*'], false]);
  });

  it('has the same identifier for the same occasion, whenever and in whatever words it is told', () => {
    assert.equal(idOf({ message: 'other words' }, {}, new Date(0)), idOf());
  });

  it('has another identifier for anything else', () => {
    const ids = [
      idOf(),
      idOf({ event: NotificationEvent.Revoked }),
      idOf({ instant: '2' }),
      idOf({}, { name: 'other' }),
      idOf({}, { namespace: 'other' }),
      idOf({}, { uid: 'other' }),
      idOf({}, { namespace: 'checkouth', name: 'otfix' }),
    ];
    assert.equal(new Set(ids).size, ids.length);
  });
});

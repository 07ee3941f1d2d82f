// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { Condition, SigningException, SigningExceptionStatus } from '../../../crds/index.ts';
import { testException } from '../../../verification/testing/index.ts';
import { occasionsOf } from './occasions.ts';

const AT = '2026-11-20T00:00:00Z';
const HASH = `sha256:${'b'.repeat(64)}`;

/** A condition as `Active=True/InEffect`, with its reason as the message. */
function condition(text: string, lastTransitionTime = AT): Condition {
  const [type = '', status = '', reason = ''] = text.split(/[=/]/);
  return {
    type,
    status: status as Condition['status'],
    reason,
    message: reason,
    lastTransitionTime,
  };
}

interface Stand {
  readonly conditions?: readonly string[];
  readonly class?: 'Planned' | 'Incident';
  readonly used?: string;
  readonly uid?: string;
  readonly since?: string;
  readonly expiresAt?: string;
}

function standing(stand: Stand = {}): SigningException {
  const { uid = 'u', class: kind = 'Planned', expiresAt = '2026-11-27T00:00:00Z' } = stand;
  const { metadata, spec } = testException([], { class: kind, expiresAt });
  const isNew = stand.conditions === undefined && stand.used === undefined;
  return {
    metadata: { ...metadata, uid },
    spec,
    ...(isNew ? {} : { status: statusOf(stand) }),
  };
}

function statusOf({ conditions = [], used, since }: Stand): SigningExceptionStatus {
  const usage = { firstSeen: used ?? '', lastSeen: used ?? '', digests: [], workloads: 2 };
  return {
    observedGeneration: 1,
    specHash: HASH,
    conditions: conditions.map((text) => condition(text, since)),
    ...(used === undefined ? {} : { usage }),
  };
}

const IN_EFFECT = 'Active=True/InEffect';
const AWAITING = ['Active=False/AwaitingApproval', 'Approved=False/AwaitingApproval'];
const APPROVED = [IN_EFFECT, 'Approved=True/Approved'];
const EXPIRED = 'Active=False/Expired';
const REVOKED = 'Active=False/Revoked';
const INCIDENT = [IN_EFFECT, 'Approved=False/AwaitingApproval'];

function told(current: Stand | undefined, previous: Stand | undefined): readonly string[] {
  return occasionsOf(current && standing(current), previous && standing(previous)).map(
    ({ event }) => event,
  );
}

describe('what there is to tell of a change of an exception', () => {
  const cases: readonly (readonly [
    string,
    Stand | undefined,
    Stand | undefined,
    readonly string[],
  ])[] = [
    ['that it is new', undefined, {}, []],
    ['that it has effect', {}, { conditions: [IN_EFFECT] }, ['ExceptionActivated']],
    [
      'that it has effect though it appears with its status, as after a gap',
      undefined,
      { conditions: [IN_EFFECT] },
      ['ExceptionActivated'],
    ],
    ['nothing of a new message', { conditions: APPROVED }, { conditions: APPROVED }, []],
    ['nothing where it waits for approval', {}, { conditions: AWAITING }, []],
    [
      'both that it is approved and that it has effect',
      { conditions: AWAITING },
      { conditions: APPROVED },
      ['ExceptionActivated', 'ExceptionApproved'],
    ],
    [
      'no approval where the policy asks for none',
      {},
      { conditions: [IN_EFFECT, 'Approved=True/NotRequired'] },
      ['ExceptionActivated'],
    ],
    [
      'an approval that the policy did not ask for before',
      { conditions: [IN_EFFECT, 'Approved=True/NotRequired'] },
      { conditions: APPROVED },
      ['ExceptionApproved'],
    ],
    ['its end', { conditions: APPROVED }, { conditions: [EXPIRED] }, ['ExceptionExpired']],
    [
      'an end that was due while nobody looked',
      { conditions: ['Active=False/NotYetActive'] },
      { conditions: [EXPIRED] },
      ['ExceptionExpired'],
    ],
    [
      'its end once',
      { conditions: [EXPIRED] },
      { conditions: [EXPIRED], used: '2026-11-20' },
      ['ExceptionFirstUsed'],
    ],
    [
      'that it was revoked',
      { conditions: APPROVED },
      { conditions: [REVOKED] },
      ['ExceptionRevoked'],
    ],
    ['that it was revoked, once', { conditions: [REVOKED] }, { conditions: [REVOKED] }, []],
    ['its deletion while it had effect', { conditions: APPROVED }, undefined, ['ExceptionRevoked']],
    ['nothing of its deletion afterwards', { conditions: [EXPIRED] }, undefined, []],
    ['nothing of its deletion after it was revoked', { conditions: [REVOKED] }, undefined, []],
    [
      'an incident that has effect before it is approved, twice over',
      {},
      { conditions: INCIDENT, class: 'Incident' },
      ['ExceptionActivated', 'ExceptionIncidentUnapproved'],
    ],
    [
      'the approval of an incident',
      { conditions: INCIDENT, class: 'Incident' },
      { conditions: APPROVED, class: 'Incident' },
      ['ExceptionApproved'],
    ],
    [
      'an incident whose approval counts no more',
      { conditions: APPROVED, class: 'Incident' },
      { conditions: INCIDENT, class: 'Incident' },
      ['ExceptionIncidentUnapproved'],
    ],
    [
      'an incident that ended and was never approved',
      { conditions: INCIDENT, class: 'Incident' },
      { conditions: [EXPIRED, 'Approved=False/ApprovalOverdue'], class: 'Incident' },
      ['ExceptionExpired', 'ExceptionApprovalOverdue'],
    ],
    [
      'the approval that came too late',
      { conditions: [EXPIRED, 'Approved=False/ApprovalOverdue'], class: 'Incident' },
      { conditions: [EXPIRED, 'Approved=True/Approved'], class: 'Incident' },
      ['ExceptionApproved'],
    ],
    [
      'its first use',
      { conditions: APPROVED },
      { conditions: APPROVED, used: '2026-11-20' },
      ['ExceptionFirstUsed'],
    ],
    [
      'its first use once',
      { conditions: APPROVED, used: '2026-11-20' },
      { conditions: APPROVED, used: '2026-11-20' },
      [],
    ],
    [
      'another one of the same name as a new one',
      { conditions: APPROVED, used: '2026-11-20' },
      { conditions: APPROVED, used: '2026-11-21', uid: 'other' },
      ['ExceptionActivated', 'ExceptionApproved', 'ExceptionFirstUsed'],
    ],
  ];
  for (const [what, previous, current, events] of cases)
    it(what, () => assert.deepEqual(told(current, previous), events));

  it('in words, with what names the occasion', () => {
    const before = standing({ conditions: INCIDENT, class: 'Incident' });
    const overdue = ['Active=False/Expired', 'Approved=False/ApprovalOverdue'];
    const after = standing({ conditions: overdue, class: 'Incident', used: '2026-11-20' });
    assert.deepEqual(occasionsOf(after, before), [
      { event: 'ExceptionExpired', instant: '2026-11-27T00:00:00Z', message: 'Expired' },
      {
        event: 'ExceptionApprovalOverdue',
        instant: '2026-11-27T00:00:00Z',
        message: 'ended, and nobody approved it: ApprovalOverdue',
      },
      {
        event: 'ExceptionFirstUsed',
        instant: '2026-11-20',
        message: 'first used; workloads that run by it: 2',
      },
    ]);
  });

  it('by an instant that the object holds, so that it is the same for whoever looks', () => {
    const instants = (current: Stand, previous: Stand = {}): readonly string[] =>
      occasionsOf(standing(current), standing(previous)).map(({ instant }) => instant);
    assert.deepEqual(instants({ conditions: APPROVED, since: 'T1' }), [
      'T1',
      `${HASH} 2026-11-27T00:00:00Z Approved`,
    ]);
    assert.deepEqual(instants({ conditions: INCIDENT, class: 'Incident', since: 'T2' }), [
      'T2',
      'T2 T2',
    ]);
    const renewed = { conditions: [EXPIRED], expiresAt: '2026-12-01T00:00:00Z' };
    assert.deepEqual(instants(renewed), ['2026-12-01T00:00:00Z']);
    assert.deepEqual(instants({ conditions: [REVOKED] }), ['']);
  });
});

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { Condition, SigningException } from '../../crds/index.ts';
import { testException } from '../../verification/testing/index.ts';
import type { SeenUse } from './exception-usage.ts';
import { exceptionStates, type ExceptionState } from './observed-state.ts';

const USED: SeenUse = { workloads: 2, ended: 3, unapproved: 4, digests: [], lastSeen: 0 };

/** Conditions as `type=status/reason`. */
function stateWith(...texts: readonly string[]): ExceptionState {
  const conditions = texts.map((text): Condition => {
    const [type = '', status = '', reason = ''] = text.split(/[=/]/);
    const rest = { observedGeneration: 1, lastTransitionTime: '2026-11-20T00:00:00Z', message: '' };
    return { ...rest, type, status: status as Condition['status'], reason };
  });
  const exception: SigningException = {
    ...testException([`sha256:${'a'.repeat(64)}`]),
    status: { observedGeneration: 1, conditions },
  };
  const [state] = exceptionStates([exception], { usageOf: () => USED });
  assert.ok(state);
  return state;
}

describe('an exception as metrics tell of it', () => {
  it('stands as its condition Active says, and is pending before there is one', () => {
    assert.equal(stateWith('Active=True/InEffect').state, 'InEffect');
    assert.equal(stateWith('Active=False/Unheard').state, 'Pending');
    const { state, ...rest } = stateWith();
    assert.equal(state, 'Pending');
    assert.deepEqual(rest, {
      namespace: 'checkout',
      name: 'hotfix',
      policy: 'team',
      class: 'Planned',
      concerns: [],
      workloads: { in_effect: 2, unapproved: 4, expired: 3 },
      expiresAt: Date.parse('2026-11-27T00:00:00Z'),
    });
  });

  it('names why somebody should look at it', () => {
    const { concerns } = stateWith(
      'Active=True/InEffect',
      'Approved=True/Approved',
      'ExpiringSoon=True/EndsWithinDays',
      'Unused=True/NeverUsed',
      'ReviewOverdue=True/NotReviewed',
    );
    assert.deepEqual(concerns, ['expiring_soon', 'unused', 'review_overdue']);
  });

  it('counts what runs by an incident that nobody approved as unapproved', () => {
    const { concerns, workloads } = stateWith(
      'Active=True/InEffect',
      'Approved=False/AwaitingApproval',
    );
    assert.deepEqual(concerns, ['unapproved']);
    assert.deepEqual(workloads, { in_effect: 0, unapproved: 6, expired: 3 });
  });

  it('waits for no approval once it is over, but for that of an incident', () => {
    const waiting = 'Approved=False/AwaitingApproval';
    assert.deepEqual(stateWith('Active=False/Expired', waiting).concerns, []);
    assert.deepEqual(stateWith('Active=False/Revoked', waiting).concerns, []);
    const overdue = stateWith('Active=False/Expired', 'Approved=False/ApprovalOverdue');
    assert.deepEqual(overdue.concerns, ['approval_overdue']);
  });
});

// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import type { PushedImage } from '../../harness/index.ts';
import { Approver, APPROVER } from './approving.ts';
import type { Ground, Spec } from './ground.ts';
import {
  eventually,
  exceptionTrial,
  policyTrial,
  type Side,
  type Trial,
  type Tried,
} from './trial.ts';

const UNAPPROVED = 'denied EXCEPTION_UNAPPROVED';
const INVALID = 'denied EXCEPTION_INVALID';

/** What a policy says of who approves exceptions, and what goes without. */
export const APPROVAL_TRIALS: readonly Trial[] = [
  policyTrial('exceptions.approval', 'Required asks for one, NotRequired does not', (ground) =>
    permitted(ground, {}, [
      [exceptions(ground, { approval: 'NotRequired' }), 'admitted'],
      [exceptions(ground, { approval: 'Required' }), UNAPPROVED],
    ]),
  ),
  policyTrial(
    'exceptions.approvers[]',
    'their signatures approve, and no others',
    async (ground) => {
      const approver = new Approver();
      const image = await ground.unsigned();
      const asked = ground.exception(image);
      await ground.grant({ ...asked, approvals: [{ bundle: approver.bundle(ground, asked) }] });
      return {
        sides: [
          [approver.policy(ground, { approvers: [APPROVER] }), 'admitted'],
          [approver.policy(ground, { approvers: ['release-key'] }), UNAPPROVED],
        ],
        observe: () => ground.pod(image.pinned),
      };
    },
  ),
  policyTrial('exceptions.incident.allowed', 'an incident counts only where it is true', (ground) =>
    permitted(ground, { class: 'Incident' }, [
      [exceptions(ground, { incident: { allowed: true } }), 'admitted'],
      [exceptions(ground, { incident: { allowed: false } }), INVALID],
    ]),
  ),
  policyTrial('exceptions.incident.maxDuration', 'a longer incident does not count', (ground) =>
    permitted(ground, { class: 'Incident' }, [
      [exceptions(ground, { incident: { allowed: true, maxDuration: '3h' } }), 'admitted'],
      [exceptions(ground, { incident: { allowed: true, maxDuration: '2h59m' } }), INVALID],
    ]),
  ),
];

function exceptions(ground: Ground, how: Spec): Spec {
  return ground.policy({ exceptions: { allowed: true, ...how } });
}

/** What becomes of a pod by an exception, under one policy and another. */
async function permitted(
  ground: Ground,
  exception: Spec,
  sides: readonly [Side, Side],
): Promise<{ sides: readonly [Side, Side]; observe: () => Promise<string> }> {
  const image = await ground.unsigned();
  await ground.grant(ground.exception(image, exception));
  return { sides, observe: () => ground.pod(image.pinned) };
}

/** What an exception says of how it is approved, and of what it follows. */
export const APPROVED_EXCEPTION_TRIALS: readonly Trial[] = [
  {
    kind: 'SigningException',
    path: 'class',
    shows: 'an incident counts before anybody approved it',
    alongside: [],
    // The class of an exception does not change: here are two.
    run: async (ground: Ground): Promise<readonly Tried[]> => {
      const image = await ground.unsigned();
      await ground.enforce(exceptions(ground, { incident: { allowed: true } }));
      const seen = async (kind: string, outcome: string): Promise<Tried> => {
        const spec = ground.exception(image, { class: kind });
        assert.equal(await ground.grant(spec, kind.toLowerCase()), undefined);
        const answer = await eventually(() => ground.pod(image.pinned), outcome);
        assert.equal(answer, outcome);
        return { spec, seen: answer };
      };
      return [await seen('Planned', UNAPPROVED), await seen('Incident', 'admitted')];
    },
  },
  exceptionTrial(
    'approvals[].bundle',
    'it is approved by whom the policy names',
    async (ground) => {
      const [approver, stranger] = [new Approver(), new Approver()];
      const image = await ground.unsigned();
      await ground.enforce(approver.policy(ground, { approvers: [APPROVER] }));
      const asked = ground.exception(image);
      const signed = (by: Approver): Spec => ({
        ...asked,
        approvals: [{ bundle: by.bundle(ground, asked) }],
      });
      return {
        sides: [
          [signed(approver), 'admitted'],
          [signed(stranger), UNAPPROVED],
        ],
        observe: () => ground.pod(image.pinned),
      };
    },
  ),
  exceptionTrial('renews.name', 'status.renewals counts what it follows', async (ground) => {
    const [image, ...others] = (await Promise.all(
      ['now', 'second', 'first'].map((tag) => ground.unsigned(tag)),
    )) as [PushedImage, PushedImage, PushedImage];
    await ground.enforce(exceptions(ground, { approval: 'NotRequired' }));
    await ground.grant(ground.exception(others[1]), 'first');
    await ground.grant(ground.exception(others[0], { renews: { name: 'first' } }), 'second');
    return {
      sides: [
        [ground.exception(image, { renews: { name: 'second' } }), '2'],
        [ground.exception(image, { renews: { name: 'first' } }), '1'],
      ],
      observe: async () => {
        const { status } = await ground.granted();
        return String(status?.renewals);
      },
    };
  }),
];

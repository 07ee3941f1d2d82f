// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type {
  ImageTrustPolicySpecInput,
  SigningException,
  SigningExceptionSpec,
} from '../../../crds/index.ts';
import {
  compileException,
  compilePolicy,
  ExceptionIndex,
  type CompiledPolicy,
} from '../../../verification/index.ts';
import { KeyIssuer, testException, testPolicy } from '../../../verification/testing/index.ts';
import type { SeenUse } from '../../state/exception-usage.ts';
import { exceptionStatus, type ExceptionOutcome } from './status.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;
const BEGIN = Date.parse('2026-11-20T00:00:00Z');
const DAY = 86_400_000;
/** Long enough that it does not end soon. */
const ENDS = '2026-12-10T00:00:00Z';
const END = Date.parse(ENDS);
const REVOKED = { at: '2026-11-21T00:00:00Z', by: 'sec@example.com', reason: 'the key leaked' };
const issuer = new KeyIssuer();

function policyOf(overrides: Partial<ImageTrustPolicySpecInput> = {}): CompiledPolicy {
  return compilePolicy(
    'team',
    testPolicy([issuer], { exceptions: { allowed: true, approval: 'NotRequired' }, ...overrides }),
  );
}

interface Situation {
  readonly spec?: Partial<SigningExceptionSpec>;
  readonly metadata?: Partial<SigningException['metadata']>;
  readonly before?: SigningException['status'];
  /** `null`: none of that name is in force. */
  readonly policy?: CompiledPolicy | null;
  readonly policyExists?: boolean;
  readonly now?: number;
  /** `null`: not every workload was judged yet. */
  readonly seen?: SeenUse | null;
  /** Other exceptions. */
  readonly others?: readonly SigningException[];
}

const USED: SeenUse = {
  workloads: 1,
  ended: 0,
  unapproved: 0,
  digests: [DIGEST],
  lastSeen: BEGIN,
};
const UNUSED: SeenUse = { ...USED, workloads: 0, digests: [], lastSeen: undefined };

function exceptionIn({ spec = {}, metadata = {}, before }: Situation): SigningException {
  const plain = testException([DIGEST], { expiresAt: ENDS, ...spec });
  return {
    ...plain,
    metadata: { ...plain.metadata, generation: 3, ...metadata },
    ...(before === undefined ? {} : { status: before }),
  };
}

function outcomeOf(situation: Situation = {}): ExceptionOutcome {
  const { policy = policyOf(), now = BEGIN, seen = UNUSED, others = [] } = situation;
  const exception = exceptionIn(situation);
  return exceptionStatus({
    exception,
    policy: policy ?? undefined,
    policyExists: situation.policyExists ?? policy !== null,
    exceptions: indexOf([exception, ...others]),
    cluster: 'prod',
    now: new Date(now),
    seen: seen ?? undefined,
    reviewMs: 7 * DAY,
  });
}

function indexOf(exceptions: readonly SigningException[]): ExceptionIndex {
  return new ExceptionIndex(
    exceptions.flatMap((exception) => {
      try {
        return [compileException(exception)];
      } catch {
        return [];
      }
    }),
  );
}

function told(outcome: ExceptionOutcome): readonly string[] {
  return (outcome.status.conditions ?? []).map((c) => `${c.type}=${c.status}/${c.reason}`);
}

/** What is told where the policy asks for no approval. */
const FREE = 'Approved=True/NotRequired';

function messageOf(outcome: ExceptionOutcome, type: string): string {
  return outcome.status.conditions?.find((c) => c.type === type)?.message ?? '';
}

describe('the status of an exception', () => {
  it('says that it is in effect, for its generation, with the hash of what decides', () => {
    const outcome = outcomeOf();
    assert.deepEqual(told(outcome), ['Ready=True/Accepted', 'Active=True/InEffect', FREE]);
    assert.equal(messageOf(outcome, 'Active'), 'ends at 2026-12-10T00:00:00Z');
    assert.equal(outcome.status.observedGeneration, 3);
    assert.deepEqual(
      outcome.status.conditions?.map((c) => c.observedGeneration),
      [3, 3, 3],
    );
    assert.match(outcome.status.specHash ?? '', /^sha256:[0-9a-f]{64}$/);
  });

  it('X25: follows its instants to the millisecond: from notBefore on, not at expiresAt any more', () => {
    const at = (now: number): unknown => {
      const outcome = outcomeOf({ now });
      return [told(outcome)[1], outcome.boundary];
    };
    assert.deepEqual(at(BEGIN - 1), ['Active=False/NotYetActive', BEGIN]);
    assert.deepEqual(at(BEGIN), ['Active=True/InEffect', BEGIN + 7 * DAY]);
    assert.deepEqual(at(END - 1), ['Active=True/InEffect', END]);
    assert.deepEqual(at(END), ['Active=False/Expired', undefined]);
  });

  it('X25: is accepted once it has ended, so that nothing waits for it, whatever became of its policy', () => {
    for (const situation of [
      {},
      { policy: null },
      { policy: null, policyExists: true },
      { policy: policyOf({ exceptions: { allowed: false } }) },
      {
        policy: policyOf({
          exceptions: { allowed: true, approval: 'NotRequired', maxDuration: '1h' },
        }),
      },
      { spec: { requirements: ['unheard-of'] } },
    ]) {
      const outcome = outcomeOf({ ...situation, now: END });
      const [ready, active, ...rest] = told(outcome);
      assert.deepEqual([ready, active], ['Ready=True/Accepted', 'Active=False/Expired']);
      // Whether anybody approved it is told only where a policy says what that means.
      assert.ok(rest.length === 0 || (rest.length === 1 && rest[0] === FREE));
      assert.equal(messageOf(outcome, 'Active'), 'ended at 2026-12-10T00:00:00Z');
    }
  });

  it('names who revoked it and why, whatever its instants and its policy are', () => {
    for (const now of [BEGIN - 1, BEGIN, END]) {
      for (const policy of [policyOf(), null]) {
        const outcome = outcomeOf({ spec: { revoked: REVOKED }, policy, now });
        const approved = policy === null ? [] : [FREE];
        assert.deepEqual(told(outcome), [
          'Ready=True/Accepted',
          'Active=False/Revoked',
          ...approved,
        ]);
        assert.equal(messageOf(outcome, 'Active'), 'revoked by sec@example.com: the key leaked');
      }
    }
  });

  it('X26: takes one that a finalizer keeps after its deletion for revoked', () => {
    const metadata = { deletionTimestamp: '2026-11-22T00:00:00Z' };
    const outcome = outcomeOf({ metadata, policy: null });
    assert.deepEqual(told(outcome), ['Ready=True/Accepted', 'Active=False/Revoked']);
    assert.equal(messageOf(outcome, 'Active'), 'deleted at 2026-11-22T00:00:00Z');
  });

  const WITHOUT_EFFECT: Readonly<Record<string, readonly [Situation, RegExp]>> = {
    PolicyNotFound: [{ policy: null }, /there is no policy "team"/],
    NotAllowedByPolicy: [
      { policy: policyOf({ exceptions: { allowed: false } }) },
      /the policy team allows no exceptions/,
    ],
    TooLong: [
      {
        policy: policyOf({
          exceptions: { allowed: true, approval: 'NotRequired', maxDuration: '479h' },
        }),
      },
      /longer than the 479h that the policy team allows/,
    ],
    UnknownRequirement: [
      { spec: { requirements: ['sbom', 'scan'] } },
      /the policy team has no requirement sbom, scan/,
    ],
  };
  for (const [reason, [situation, message]] of Object.entries(WITHOUT_EFFECT)) {
    it(`is stalled and inactive with the reason ${reason}`, () => {
      for (const now of [BEGIN - 1, BEGIN]) {
        const outcome = outcomeOf({ ...situation, now });
        assert.deepEqual(told(outcome), [
          `Ready=False/${reason}`,
          `Stalled=True/${reason}`,
          `Active=False/${reason}`,
          ...(reason === 'UnknownRequirement' ? [FREE] : []),
        ]);
        for (const type of ['Ready', 'Stalled', 'Active'])
          assert.match(messageOf(outcome, type), message);
      }
    });
  }

  it('waits, and does not stall, while its policy exists and is not in force yet', () => {
    const outcome = outcomeOf({ policy: null, policyExists: true });
    assert.deepEqual(told(outcome), [
      'Ready=False/AwaitingPolicy',
      'Reconciling=True/AwaitingPolicy',
      'Active=False/AwaitingPolicy',
    ]);
    assert.equal(outcome.boundary, END);
  });

  it('is stalled by one unknown requirement, and stays active for the known ones', () => {
    const outcome = outcomeOf({ spec: { requirements: ['signed', 'sbom'] } });
    assert.deepEqual(told(outcome), [
      'Ready=False/UnknownRequirement',
      'Stalled=True/UnknownRequirement',
      'Active=True/InEffect',
      FREE,
    ]);
    assert.match(messageOf(outcome, 'Stalled'), /has no requirement sbom$/);
  });

  it('knows no unknown requirement where all are waived', () => {
    assert.deepEqual(told(outcomeOf({ spec: { allRequirements: true } })), [
      'Ready=True/Accepted',
      'Active=True/InEffect',
      FREE,
    ]);
  });

  it('accepts exactly the longest duration of the policy', () => {
    const policy = policyOf({
      exceptions: { allowed: true, approval: 'NotRequired', maxDuration: '480h' },
    });
    assert.deepEqual(told(outcomeOf({ policy }))[0], 'Ready=True/Accepted');
  });

  it('X25: is stalled with the field path where the spec cannot be read, and waits for no instant', () => {
    for (const [spec, path] of [
      [{ expiresAt: '2026-11-27T00:00:00' }, /spec\.expiresAt: /],
      [{ expiresAt: 'tomorrow' }, /spec\.expiresAt: /],
      [{ notBefore: '2026-13-01T00:00:00Z' }, /spec\.notBefore: /],
      [{ allRequirements: true, requirements: ['signed'] }, /exactly one of requirements/],
      [{ digests: [] }, /spec\.digests: /],
      [{ reason: 'short' }, /spec\.reason: /],
    ] as const) {
      const outcome = outcomeOf({ spec: spec as Partial<SigningExceptionSpec>, now: END });
      assert.deepEqual(told(outcome), [
        'Ready=False/Invalid',
        'Stalled=True/Invalid',
        'Active=False/Invalid',
      ]);
      assert.match(messageOf(outcome, 'Stalled'), path);
      assert.equal(outcome.boundary, undefined);
      assert.equal(outcome.status.specHash, undefined);
    }
  });

  it('keeps the time of a condition as long as its status stays, and takes away what is no longer true', () => {
    const stalled = outcomeOf({ policy: null, now: BEGIN });
    const accepted = outcomeOf({ before: stalled.status, now: BEGIN + 60_000 });
    assert.deepEqual(told(accepted), ['Ready=True/Accepted', 'Active=True/InEffect', FREE]);
    const ended = outcomeOf({ before: accepted.status, now: END });
    assert.deepEqual(
      ended.status.conditions?.map((c) => [c.type, c.lastTransitionTime]),
      [
        ['Ready', '2026-11-20T00:01:00Z'],
        ['Active', ENDS],
        ['Approved', '2026-11-20T00:01:00Z'],
      ],
    );
  });
});

describe('the approval of an exception, as its status tells it', () => {
  const REQUIRED = { allowed: true, approval: 'Required' } as const;
  const strict = policyOf({ exceptions: REQUIRED });
  const lenient = policyOf({ exceptions: { ...REQUIRED, incident: { allowed: true } } });
  const HOUR = 3_600_000;
  const incident = { class: 'Incident', expiresAt: '2026-11-20T12:00:00Z' } as const;

  function approvalFor(spec: Partial<SigningExceptionSpec>): SigningException['status'] {
    const { status } = outcomeOf({ spec, policy: strict });
    return {
      observedGeneration: 3,
      approvals: [
        {
          approver: 'lead@example.com',
          approvedAt: '2026-11-20T00:00:00Z',
          specHash: status.specHash ?? '',
          latestExpiresAt: ENDS,
        },
      ],
    };
  }

  it('is awaited without making it unhealthy', () => {
    const outcome = outcomeOf({ policy: strict });
    assert.deepEqual(told(outcome), [
      'Ready=True/Accepted',
      'Active=False/AwaitingApproval',
      'Approved=False/AwaitingApproval',
    ]);
    assert.equal(messageOf(outcome, 'Approved'), 'nobody approved it yet');
  });

  it('is told with who gave it, and stays where it was written', () => {
    const before = approvalFor({});
    const outcome = outcomeOf({ policy: strict, before });
    assert.deepEqual(told(outcome), [
      'Ready=True/Accepted',
      'Active=True/InEffect',
      'Approved=True/Approved',
    ]);
    assert.equal(messageOf(outcome, 'Approved'), 'approved by lead@example.com');
    assert.deepEqual(outcome.status.approvals, before?.approvals);
  });

  it('is told with why it does not count where there is one that does not', () => {
    const before = approvalFor({ serviceAccounts: ['job'] });
    const outcome = outcomeOf({ policy: strict, before });
    assert.deepEqual(told(outcome).slice(1), [
      'Active=False/AwaitingApproval',
      'Approved=False/AwaitingApproval',
    ]);
    const message = 'that of lead@example.com is of another spec than this';
    for (const type of ['Active', 'Approved']) assert.equal(messageOf(outcome, type), message);
  });

  it('is not awaited by an incident, and overdue once that is over, until somebody gives it', () => {
    const end = BEGIN + 12 * HOUR;
    const at = (now: number, before?: SigningException['status']): readonly string[] =>
      told(outcomeOf({ spec: incident, policy: lenient, now, ...(before && { before }) })).slice(1);
    const soon = 'ExpiringSoon=True/EndsWithinDays';
    const open = ['Active=True/InEffect', 'Approved=False/AwaitingApproval', soon];
    assert.deepEqual(at(end - 1), open);
    assert.deepEqual(at(end), ['Active=False/Expired', 'Approved=False/ApprovalOverdue']);
    assert.deepEqual(at(end, approvalFor(incident)), [
      'Active=False/Expired',
      'Approved=True/Approved',
    ]);
  });

  it('keeps a second incident from having effect as long as the first has none', () => {
    const first = (status?: SigningException['status']): SigningException => {
      const { metadata, ...rest } = testException([DIGEST], incident, 'earlier');
      return { metadata, ...rest, ...(status && { status }) };
    };
    const second = (others: readonly SigningException[]): ExceptionOutcome =>
      outcomeOf({ spec: incident, policy: lenient, others });
    const blocked = second([first()]);
    assert.deepEqual(told(blocked).slice(0, 3), [
      'Ready=True/Accepted',
      'Active=False/EarlierIncident',
      'Approved=False/AwaitingApproval',
    ]);
    assert.equal(messageOf(blocked, 'Active'), 'the earlier incident earlier is not approved yet');
    assert.equal(told(second([first(approvalFor(incident))]))[1], 'Active=True/InEffect');
  });

  it('tells of an incident that has effect for a part of its images what the others wait for', () => {
    const both = { ...incident, digests: [DIGEST, `sha256:${'9'.repeat(64)}`] };
    const others = [testException([DIGEST], incident, 'earlier')];
    const outcome = outcomeOf({ spec: both, policy: lenient, others });
    assert.equal(told(outcome)[1], 'Active=True/InEffect');
    assert.match(
      messageOf(outcome, 'Active'),
      /^ends at .*; the earlier incident earlier is not approved yet for 1 of its 2 digests$/,
    );
  });

  it('does not matter for an incident that the policy does not allow', () => {
    const outcome = outcomeOf({ spec: incident, policy: strict });
    assert.deepEqual(told(outcome), [
      'Ready=False/IncidentNotAllowed',
      'Stalled=True/IncidentNotAllowed',
      'Active=False/IncidentNotAllowed',
    ]);
    assert.equal(
      messageOf(outcome, 'Active'),
      'the policy team allows no exceptions of the class Incident',
    );
  });
});

describe('what the status of an exception tells of its use', () => {
  it('is nothing as long as nothing ran by it', () => {
    assert.equal(outcomeOf().status.usage, undefined);
    assert.equal(outcomeOf({ seen: null }).status.usage, undefined);
  });

  it('is the day, the digests and how many run by it now, and comes back the next day', () => {
    const now = BEGIN + DAY + 3_600_000;
    const { status, boundary = 0 } = outcomeOf({ now, seen: { ...USED, lastSeen: now } });
    assert.deepEqual(status.usage, {
      firstSeen: '2026-11-21',
      lastSeen: '2026-11-21',
      digests: [DIGEST],
      workloads: 1,
    });
    const midnight = BEGIN + 2 * DAY;
    assert.ok(
      boundary >= midnight && boundary < midnight + 3_600_000,
      new Date(boundary).toISOString(),
    );
  });

  it('goes together with what is told of attention: unused and not reviewed from the seventh day on', () => {
    const at = (now: number, seen: Situation['seen'] = UNUSED): readonly string[] =>
      told(outcomeOf({ now, seen })).slice(3);
    const due = BEGIN + 7 * DAY;
    assert.deepEqual(at(due - 1), []);
    assert.deepEqual(at(due), ['Unused=True/NeverUsed', 'ReviewOverdue=True/NotReviewed']);
    assert.deepEqual(at(due, USED), ['ReviewOverdue=True/NotReviewed']);
    // What is not known yet is not told.
    assert.deepEqual(at(due, null), ['ReviewOverdue=True/NotReviewed']);
    assert.deepEqual(at(END - 7 * DAY, USED), [
      'ExpiringSoon=True/EndsWithinDays',
      'ReviewOverdue=True/NotReviewed',
    ]);
    assert.deepEqual(at(END, USED), []);
  });

  it('says since when, by instants and days that stay the same', () => {
    const usage = {
      firstSeen: '2026-11-20',
      lastSeen: '2026-11-22',
      digests: [DIGEST],
      workloads: 0,
    };
    const now = BEGIN + 11 * DAY;
    const before = { observedGeneration: 3, usage };
    const outcome = outcomeOf({ now, before });
    assert.deepEqual(told(outcome).slice(3), [
      'Unused=True/NotUsedLately',
      'ReviewOverdue=True/NotReviewed',
    ]);
    assert.equal(
      messageOf(outcome, 'Unused'),
      'no workload was seen that runs by it since 2026-11-22',
    );
    assert.equal(
      messageOf(outcome, 'ReviewOverdue'),
      'nobody has reviewed it since 2026-11-20T00:00:00Z',
    );
    const later = outcomeOf({ now: now + DAY, before: outcome.status });
    assert.deepEqual(later.status, outcome.status);
    // A restart takes nothing away that was told.
    assert.deepEqual(outcomeOf({ now, before: outcome.status, seen: null }).status, outcome.status);
  });

  it('is reviewed by a review that somebody wrote', () => {
    const reviews = [{ at: '2026-11-27T00:00:00Z', by: 'lead@example.com' }];
    const before = { observedGeneration: 3, reviews };
    const outcome = outcomeOf({ now: BEGIN + 7 * DAY, seen: USED, before });
    assert.deepEqual(told(outcome).slice(3), []);
    assert.deepEqual(outcome.status.reviews, reviews);
    assert.equal(
      told(outcomeOf({ now: BEGIN + 14 * DAY, seen: USED, before })).at(-1),
      'ReviewOverdue=True/NotReviewed',
    );
  });

  it('does not ask for attention where it has no effect', () => {
    const now = BEGIN + 8 * DAY;
    for (const situation of [
      { spec: { revoked: REVOKED } },
      { policy: policyOf({ exceptions: { allowed: true, approval: 'Required' } }) },
      { policy: null },
    ]) {
      const types = outcomeOf({ ...situation, now }).status.conditions?.map(({ type }) => type);
      for (const type of ['ExpiringSoon', 'Unused', 'ReviewOverdue'])
        assert.ok(!types?.includes(type), type);
    }
  });

  it('counts what it follows, and says so only where it ever followed anything', () => {
    const earlier = testException([DIGEST], { notBefore: '2026-11-01T00:00:00Z' }, 'earlier');
    assert.equal(outcomeOf().status.renewals, undefined);
    const { status } = outcomeOf({ others: [earlier], spec: { renews: { name: 'gone' } } });
    assert.equal(status.renewals, 2);
    assert.equal(outcomeOf({ before: status }).status.renewals, 0);
  });
});

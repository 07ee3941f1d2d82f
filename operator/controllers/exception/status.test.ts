// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type {
  ImageTrustPolicySpecInput,
  SigningException,
  SigningExceptionSpec,
} from '../../../crds/index.ts';
import { compilePolicy, ExceptionIndex, type CompiledPolicy } from '../../../verification/index.ts';
import { KeyIssuer, testException, testPolicy } from '../../../verification/testing/index.ts';
import { exceptionStatus, type ExceptionOutcome } from './status.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;
const BEGIN = Date.parse('2026-11-20T00:00:00Z');
const END = Date.parse('2026-11-27T00:00:00Z');
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
}

function outcomeOf(situation: Situation = {}): ExceptionOutcome {
  const { spec = {}, metadata = {}, before, policy = policyOf(), now = BEGIN } = situation;
  const plain = testException([DIGEST], spec);
  const exception: SigningException = {
    ...plain,
    metadata: { ...plain.metadata, generation: 3, ...metadata },
    ...(before === undefined ? {} : { status: before }),
  };
  return exceptionStatus({
    exception,
    policy: policy ?? undefined,
    policyExists: situation.policyExists ?? policy !== null,
    exceptions: new ExceptionIndex(),
    cluster: 'prod',
    now: new Date(now),
  });
}

function told(outcome: ExceptionOutcome): readonly string[] {
  const conditions = outcome.status.conditions ?? [];
  return conditions
    .filter((c) => c.type !== 'Approved')
    .map((c) => `${c.type}=${c.status}/${c.reason}`);
}

function messageOf(outcome: ExceptionOutcome, type: string): string {
  return outcome.status.conditions?.find((c) => c.type === type)?.message ?? '';
}

describe('the status of an exception', () => {
  it('says that it is in effect, for its generation, with the hash of what decides', () => {
    const outcome = outcomeOf();
    assert.deepEqual(told(outcome), ['Ready=True/Accepted', 'Active=True/InEffect']);
    assert.equal(messageOf(outcome, 'Active'), 'ends at 2026-11-27T00:00:00Z');
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
    assert.deepEqual(at(BEGIN), ['Active=True/InEffect', END]);
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
      assert.deepEqual(told(outcome), ['Ready=True/Accepted', 'Active=False/Expired']);
      assert.equal(messageOf(outcome, 'Active'), 'ended at 2026-11-27T00:00:00Z');
    }
  });

  it('names who revoked it and why, whatever its instants and its policy are', () => {
    for (const now of [BEGIN - 1, BEGIN, END]) {
      for (const policy of [policyOf(), null]) {
        const outcome = outcomeOf({ spec: { revoked: REVOKED }, policy, now });
        assert.deepEqual(told(outcome), ['Ready=True/Accepted', 'Active=False/Revoked']);
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
          exceptions: { allowed: true, approval: 'NotRequired', maxDuration: '167h' },
        }),
      },
      /longer than the 167h that the policy team allows/,
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
    ]);
    assert.match(messageOf(outcome, 'Stalled'), /has no requirement sbom$/);
  });

  it('knows no unknown requirement where all are waived', () => {
    assert.deepEqual(told(outcomeOf({ spec: { allRequirements: true } })), [
      'Ready=True/Accepted',
      'Active=True/InEffect',
    ]);
  });

  it('accepts exactly the longest duration of the policy', () => {
    const policy = policyOf({
      exceptions: { allowed: true, approval: 'NotRequired', maxDuration: '168h' },
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
    assert.deepEqual(told(accepted), ['Ready=True/Accepted', 'Active=True/InEffect']);
    const ended = outcomeOf({ before: accepted.status, now: END });
    assert.deepEqual(
      ended.status.conditions?.map((c) => [c.type, c.lastTransitionTime]),
      [
        ['Ready', '2026-11-20T00:01:00Z'],
        ['Active', '2026-11-27T00:00:00Z'],
        ['Approved', '2026-11-20T00:01:00Z'],
      ],
    );
  });
});

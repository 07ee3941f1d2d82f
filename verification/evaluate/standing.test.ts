// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { SigningException, SigningExceptionSpec } from '../../crds/index.ts';
import { compileException, ExceptionIndex, exceptionSpecHash } from '../exception/index.ts';
import { compilePolicy, type CompiledPolicy } from '../policy/index.ts';
import { KeyIssuer, testException, testPolicy } from '../testing/index.ts';
import { standingOf, type Standing } from './standing.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;
const OTHER = `sha256:${'b'.repeat(64)}`;
const issuer = new KeyIssuer();
const BEGIN = Date.UTC(2026, 10, 20);
const END = Date.UTC(2026, 10, 27);
const DAY = 86_400_000;

const policyWith = (rules: object = {}): CompiledPolicy =>
  compilePolicy('team', testPolicy([issuer], { exceptions: { allowed: true, ...rules } }));
const strict = policyWith();
const lax = policyWith({ approval: 'NotRequired' });
const forIncidents = policyWith({ incident: { allowed: true } });
const incident = { class: 'Incident', expiresAt: '2026-11-20T12:00:00Z' } as const;

interface Situation {
  readonly spec?: Partial<SigningExceptionSpec>;
  readonly digests?: readonly string[];
  readonly metadata?: object;
  readonly policy?: CompiledPolicy | undefined;
  readonly policyExists?: boolean;
  readonly others?: readonly SigningException[];
  readonly approvedUntil?: string | null;
  readonly now?: number;
}

function objectOf({
  spec = {},
  digests = [DIGEST],
  metadata,
  approvedUntil,
}: Situation): SigningException {
  const plain = testException(digests, spec);
  const object = { ...plain, metadata: { ...plain.metadata, ...metadata } };
  if (approvedUntil === undefined) return object;
  const approval = {
    approver: 'lead@example.com',
    approvedAt: '2026-11-19T00:00:00Z',
    specHash: exceptionSpecHash(plain.spec),
    latestExpiresAt: plain.spec.expiresAt,
    ...(approvedUntil === null ? {} : { expiresAt: approvedUntil }),
  };
  return { ...object, status: { observedGeneration: 1, approvals: [approval] } };
}

function stands(situation: Situation): Standing {
  const exception = compileException(objectOf(situation));
  const others = (situation.others ?? []).map((other) => compileException(other));
  return standingOf(exception, {
    policy: 'policy' in situation ? situation.policy : lax,
    policyExists: situation.policyExists ?? true,
    exceptions: new ExceptionIndex([exception, ...others]),
    now: new Date(situation.now ?? BEGIN),
    cluster: 'prod',
  });
}

const said = ({ hindrance }: Standing): string | undefined =>
  hindrance && `${hindrance.reason}: ${hindrance.message}`;

describe('how an exception stands', () => {
  it('is in effect, with nothing to say against it', () => {
    const { hindrance, partial, fault, approval } = stands({});
    assert.deepEqual([hindrance, partial, fault], [undefined, undefined, undefined]);
    assert.deepEqual(approval, { state: 'not-required' });
    const approved = stands({ policy: strict, approvedUntil: null });
    assert.equal(approved.hindrance, undefined);
    assert.deepEqual(approved.approval, { state: 'approved', by: 'lead@example.com' });
  });

  it('stays approved once it is over, though the approval ended with it', () => {
    const approvedUntil = '2026-11-27T00:00:00Z';
    for (const now of [END - 1, END, END + DAY]) {
      const { approval } = stands({ policy: strict, approvedUntil, now });
      assert.deepEqual(approval, { state: 'approved', by: 'lead@example.com' });
    }
    assert.equal(stands({ policy: strict, now: END }).approval?.state, 'unapproved');
  });

  it('needs approval where its class is none that is known', () => {
    const strange = Object.assign(compileException(objectOf({})), { class: 'Other' });
    const asked = { policyExists: true, now: new Date(BEGIN), cluster: 'prod' };
    const exceptions = new ExceptionIndex([strange]);
    const { hindrance } = standingOf(strange, { ...asked, policy: forIncidents, exceptions });
    assert.equal(hindrance?.reason, 'AwaitingApproval');
  });

  const revoked = { at: '2026-11-21T00:00:00Z', by: 'sec', reason: 'found out' };
  for (const [what, situation, text] of [
    ['before it begins', { now: BEGIN - 1 }, 'NotYetActive: begins at 2026-11-20T00:00:00.000Z'],
    ['X25: at its end', { now: END }, 'Expired: ended at 2026-11-27T00:00:00Z'],
    ['once revoked', { spec: { revoked } }, 'Revoked: revoked by sec: found out'],
    [
      'X26: deleted and kept by a finalizer',
      { metadata: { deletionTimestamp: '2026-11-21T00:00:00Z' } },
      'Revoked: deleted at 2026-11-21T00:00:00Z',
    ],
    ['unapproved', { policy: strict }, 'AwaitingApproval: nobody approved it yet'],
    [
      'approved for a time that is over',
      { policy: strict, approvedUntil: '2026-11-20T00:00:00Z' },
      'AwaitingApproval: that of lead@example.com has expired',
    ],
    [
      'without a policy',
      { policy: undefined, policyExists: false },
      'PolicyNotFound: there is no policy "team"',
    ],
    [
      'while its policy is not in force',
      { policy: undefined },
      'AwaitingPolicy: the policy team is not in force yet',
    ],
    [
      'where the policy allows none',
      { policy: policyWith({ allowed: false }) },
      'NotAllowedByPolicy: the policy team allows no exceptions',
    ],
    [
      'longer than the policy allows',
      { policy: policyWith({ maxDuration: '24h' }) },
      'TooLong: longer than the 24h that the policy team allows',
    ],
    [
      'an incident that the policy does not allow',
      { policy: strict, spec: incident, approvedUntil: null },
      'IncidentNotAllowed: the policy team allows no exceptions of the class Incident',
    ],
    [
      'for requirements that the policy does not have',
      { spec: { requirements: ['constructor', 'sbom'] } },
      'UnknownRequirement: the policy team has no requirement constructor, sbom',
    ],
    [
      'an incident behind one that nobody approved',
      {
        policy: forIncidents,
        spec: incident,
        others: [testException([DIGEST, OTHER], incident, 'earlier')],
      },
      'EarlierIncident: the earlier incident earlier is not approved yet',
    ],
  ] as readonly (readonly [string, Situation, string])[]) {
    it(`says why it has no effect ${what}`, () => assert.equal(said(stands(situation)), text));
  }

  it('says that it ended before anything else, and finds no more fault with it', () => {
    const over = { now: END, policy: undefined, policyExists: false };
    const { hindrance, fault, approval } = stands(over);
    assert.equal(hindrance?.reason, 'Expired');
    assert.equal(fault, undefined);
    assert.equal(approval, undefined);
    assert.equal(stands({ ...over, spec: { revoked } }).hindrance?.reason, 'Revoked');
    assert.equal(stands({ now: END, policy: strict }).approval?.state, 'unapproved');
  });

  it('has effect where a part of it has none, and says so', () => {
    const known = stands({ spec: { requirements: ['signed', 'sbom'] } });
    assert.equal(known.hindrance, undefined);
    assert.equal(known.fault?.whole, false);
    const earlier = testException([DIGEST], incident, 'earlier');
    const digests = [DIGEST, OTHER];
    const { hindrance, fault, partial } = stands({
      policy: forIncidents,
      spec: incident,
      digests,
      others: [earlier],
    });
    assert.deepEqual([hindrance, fault], [undefined, undefined]);
    assert.match(partial?.message ?? '', /the earlier incident earlier .* for 1 of its 2 digests$/);
  });

  it('changes by itself at its beginning, its end and the ends of approvals, in order', () => {
    const approvedUntil = new Date(BEGIN + DAY).toISOString();
    assert.deepEqual(stands({ policy: strict, approvedUntil }).boundaries, [
      BEGIN,
      BEGIN + DAY,
      END,
    ]);
    assert.deepEqual(stands({ policy: undefined, approvedUntil }).boundaries, [BEGIN, END]);
  });

  it('X25: has ended where an instant does not compare', () => {
    const exception = compileException(objectOf({}));
    const exceptions = new ExceptionIndex([exception]);
    const asked = { policy: lax, policyExists: true, exceptions, cluster: undefined };
    const broken = { ...exception, expiresAt: Number.NaN };
    assert.equal(
      standingOf(broken, { ...asked, now: new Date(BEGIN) }).hindrance?.reason,
      'Expired',
    );
    assert.equal(
      standingOf(exception, { ...asked, now: new Date(Number.NaN) }).hindrance?.reason,
      'Expired',
    );
    const unborn = { ...exception, notBefore: Number.NaN };
    assert.equal(
      standingOf(unborn, { ...asked, now: new Date(BEGIN) }).hindrance?.reason,
      'Expired',
    );
  });
});

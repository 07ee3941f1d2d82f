// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type {
  ExceptionApproval,
  ImageTrustPolicySpecInput,
  SigningException,
  SigningExceptionSpec,
} from '../../crds/index.ts';
import {
  approvalStatement,
  compileException,
  exceptionSpecHash,
  type ApprovalPredicate,
} from '../exception/index.ts';
import { compilePolicy, type CompiledPolicy } from '../policy/index.ts';
import {
  keylessAuthority,
  KeyIssuer,
  testException,
  testPolicy,
  TestSigstore,
} from '../testing/index.ts';
import { approvalBoundaries, approvalOf, weighSigned, type Approval } from './approval.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;
const NOW = Date.UTC(2026, 10, 21);
const LATER = '2026-11-28T00:00:00Z';
const lead = new KeyIssuer();
const stranger = new KeyIssuer();
const sigstore = new TestSigstore();

function policyWith(
  exceptions: Partial<ImageTrustPolicySpecInput['exceptions']> = {},
): CompiledPolicy {
  const plain = testPolicy([new KeyIssuer()]);
  const authorities = [
    ...(plain.authorities ?? []),
    { name: 'security-lead', key: { material: { inline: lead.publicKeyPem } } },
    keylessAuthority(sigstore.trustedRoot()),
  ];
  return compilePolicy('team', {
    ...plain,
    authorities,
    exceptions: { allowed: true, approvers: ['security-lead', 'release'], ...exceptions },
  });
}
const policy = policyWith();
const plain = testException([DIGEST]);

function statementOf(edits: Partial<ApprovalPredicate> = {}, spec = plain.spec): Buffer {
  const predicate = {
    cluster: 'prod',
    namespace: 'checkout',
    name: 'hotfix',
    latestExpiresAt: plain.spec.expiresAt,
    expiresAt: LATER,
    ...edits,
  };
  return Buffer.from(JSON.stringify(approvalStatement(exceptionSpecHash(spec), predicate)));
}

const signedBy = (issuer: KeyIssuer, payload: Buffer = statementOf()): string =>
  issuer.bundle(exceptionSpecHash(plain.spec), { payload }).toString();

function inCluster(edits: Partial<ExceptionApproval> = {}): ExceptionApproval {
  return {
    approver: 'lead@example.com',
    approvedAt: '2026-11-20T00:00:00Z',
    specHash: exceptionSpecHash(plain.spec),
    latestExpiresAt: plain.spec.expiresAt,
    ...edits,
  };
}

interface Situation {
  readonly spec?: Partial<SigningExceptionSpec>;
  readonly metadata?: Partial<SigningException['metadata']>;
  readonly bundles?: readonly string[];
  readonly approvals?: readonly ExceptionApproval[];
  readonly policy?: CompiledPolicy;
  readonly cluster?: string | undefined;
  readonly now?: number;
}

type Case = readonly [what: string, situation: Situation, why: RegExp];

function compiledOf({ spec = {}, metadata = {}, bundles = [], approvals = [] }: Situation) {
  return compileException({
    metadata: { ...plain.metadata, ...metadata },
    spec: { ...plain.spec, ...spec, approvals: bundles.map((bundle) => ({ bundle })) },
    status: { observedGeneration: 1, approvals: [...approvals] },
  });
}

function asked(situation: Situation): Approval {
  const cluster = 'cluster' in situation ? situation.cluster : 'prod';
  const moment = { now: situation.now ?? NOW, cluster };
  return approvalOf(compiledOf(situation), situation.policy ?? policy, moment);
}

function refused(situation: Situation, why: RegExp): void {
  const approval = asked(situation);
  assert.equal(approval.state, 'unapproved');
  assert.match(approval.detail, why);
}

describe('an approval in the cluster', () => {
  it('counts for the spec that was approved, and an earlier end of it', () => {
    assert.deepEqual(asked({ approvals: [inCluster()] }), {
      state: 'approved',
      by: 'lead@example.com',
    });
    const spec = {
      expiresAt: '2026-11-22T00:00:00Z',
      reason: 'another reason that is long enough',
    };
    assert.equal(asked({ approvals: [inCluster()], spec }).state, 'approved');
    assert.equal(asked({ approvals: [inCluster()], cluster: undefined }).state, 'approved');
  });

  it('is not asked for where the policy requires none', () => {
    const lax = policyWith({ approval: 'NotRequired', approvers: [] });
    assert.deepEqual(asked({ policy: lax }), { state: 'not-required' });
    assert.deepEqual(asked({}), { state: 'unapproved', detail: '' });
  });

  for (const [what, situation, why] of [
    ['after an edit that widens', { spec: { serviceAccounts: ['web', 'x'] } }, /another spec/],
    ['after the end was put off', { spec: { expiresAt: LATER } }, /earlier end/],
    [
      'by who asked for it',
      { approvals: [inCluster({ approver: 'Dev@Example.com' })] },
      /who asked/,
    ],
    [
      'once it has expired',
      { approvals: [inCluster({ expiresAt: new Date(NOW).toISOString() })] },
      /expired/,
    ],
    ['with an instant that is none', { approvals: [inCluster({ latestExpiresAt: 'x' })] }, /end/],
    ['with an expiry that is none', { approvals: [inCluster({ expiresAt: 'x' })] }, /expired/],
  ] as readonly Case[]) {
    it(`X26: does not count ${what}`, () =>
      refused({ approvals: [inCluster()], ...situation }, why));
  }

  it('counts where another one does not', () => {
    const approvals = [inCluster({ specHash: DIGEST }), inCluster({ approver: 'second' })];
    assert.deepEqual(asked({ approvals }), { state: 'approved', by: 'second' });
  });
});

describe('a signed approval', () => {
  it('counts by a key that the policy names', () => {
    const approval = asked({ bundles: [signedBy(lead)] });
    assert.equal(approval.state, 'approved');
    assert.match(approval.by, /^security-lead \(sha256:/);
  });

  it('counts by a keyless identity that the policy names', () => {
    const subject = { digest: exceptionSpecHash(plain.spec), bytes: Buffer.alloc(0) };
    const json = JSON.parse(statementOf().toString()) as {
      predicateType: string;
      predicate: Record<string, unknown>;
    };
    const { predicateType, predicate } = json;
    const bundle = sigstore.bundle({ ...subject, mediaType: '' }, { predicateType, predicate });
    const approval = asked({ bundles: [bundle.toString()] });
    assert.equal(approval.state, 'approved');
    assert.match(approval.by, /^release \(/);
    const { identity } = /\((?<identity>.*)\)/.exec(approval.by)?.groups as { identity: string };
    const spec = { requestedBy: identity.toUpperCase() };
    const own = { ...plain.spec, ...spec };
    const again = sigstore.bundle(
      { ...subject, digest: exceptionSpecHash(own), mediaType: '' },
      { predicateType, predicate },
    );
    refused({ spec, bundles: [again.toString()] }, /who asked/);
  });

  it('counts for an earlier end than the one that was approved', () => {
    const spec = { expiresAt: '2026-11-22T00:00:00Z' };
    assert.equal(asked({ bundles: [signedBy(lead)], spec }).state, 'approved');
  });

  for (const [what, situation, why] of [
    ['by another key', { bundles: [signedBy(stranger)] }, /SIGNATURE_INVALID|KEY_UNTRUSTED/],
    [
      'of another spec',
      { spec: { digests: [`sha256:${'b'.repeat(64)}`] }, bundles: [signedBy(lead)] },
      /another spec/,
    ],
    [
      'for an earlier end',
      { spec: { expiresAt: LATER }, bundles: [signedBy(lead)] },
      /earlier end/,
    ],
    [
      'for another cluster',
      { bundles: [signedBy(lead, statementOf({ cluster: 'dev' }))] },
      /for the cluster "dev"/,
    ],
    ['where the cluster has no name', { cluster: undefined, bundles: [signedBy(lead)] }, /no name/],
    [
      'for another namespace',
      { bundles: [signedBy(lead, statementOf({ namespace: 'other' }))] },
      /for the exception "other\/hotfix"/,
    ],
    [
      'for another object',
      { metadata: { name: 'second' }, bundles: [signedBy(lead)] },
      /for the exception "checkout\/hotfix"/,
    ],
    [
      'once it has expired',
      { bundles: [signedBy(lead, statementOf({ expiresAt: new Date(NOW).toISOString() }))] },
      /expired/,
    ],
    [
      'where the predicate says more',
      {
        bundles: [
          signedBy(
            lead,
            Buffer.from(statementOf().toString().replace('"cluster"', '"clusters":"","cluster"')),
          ),
        ],
      },
      /PAYLOAD_MALFORMED/,
    ],
    ['where it is junk', { bundles: ['{}'] }, /BUNDLE_MALFORMED/],
    [
      'where it is a signature of an image',
      { bundles: [lead.bundle(exceptionSpecHash(plain.spec)).toString()] },
      /is no https:\/\/countersign/,
    ],
    [
      'where the policy names nobody',
      { policy: policyWith({ approvers: [] }), bundles: [signedBy(lead)] },
      /names no approvers/,
    ],
  ] as readonly Case[]) {
    it(`X26: does not count ${what}`, () => refused(situation, why));
  }

  it('X26: does not count where its authority bears the name of who asked for it', () => {
    const spec = { requestedBy: 'Security-Lead' };
    const payload = statementOf({}, { ...plain.spec, ...spec });
    refused({ spec, bundles: [signedBy(lead, payload)] }, /who asked/);
  });

  it('counts where others beside it do not', () => {
    const bundles = ['junk', signedBy(stranger), signedBy(lead)];
    assert.equal(asked({ bundles }).state, 'approved');
  });
});

describe('the signed approvals, for people', () => {
  it('are told one by one, for each approver', () => {
    const exception = compiledOf({ bundles: [signedBy(stranger), signedBy(lead)] });
    const weighed = weighSigned(exception, policy, { now: NOW, cluster: 'prod' });
    assert.deepEqual(
      weighed.map(({ bundle, authority, refusal }) => [bundle, authority, refusal === undefined]),
      [
        [0, 'security-lead', false],
        [0, 'release', false],
        [1, 'security-lead', true],
        [1, 'release', false],
      ],
    );
    assert.equal(weighed[2]?.by, `security-lead (${lead.fingerprint})`);
    assert.match(weighed[0]?.refusal ?? '', /^does not count: KEY_UNTRUSTED: /);
    assert.ok(weighed.every(({ checks }) => checks.length > 0));
    const nameless = weighSigned(exception, policy, { now: NOW, cluster: undefined });
    assert.equal(nameless[2]?.refusal, 'does not count: this cluster has no name');
  });
});

describe('the instants at which approvals begin and end', () => {
  it('are those of every approval, in the cluster and signed', () => {
    const expiresAt = '2026-11-23T00:00:00Z';
    const exception = compiledOf({
      approvals: [inCluster({ expiresAt }), inCluster({ approver: 'second' })],
      bundles: [signedBy(lead), signedBy(stranger)],
    });
    assert.deepEqual(approvalBoundaries(exception, policy), [
      Date.parse(expiresAt),
      Date.parse(LATER),
    ]);
    const lax = policyWith({ approval: 'NotRequired', approvers: [] });
    assert.deepEqual(approvalBoundaries(exception, lax), []);
  });

  it('are those of the key, too', () => {
    const window = { validUntil: '2026-11-24T00:00:00Z' };
    const name = 'lead';
    const bound = compilePolicy('team', {
      ...testPolicy([new KeyIssuer()]),
      authorities: [
        { name: 'key-0', key: { material: { inline: stranger.publicKeyPem } } },
        { name, key: { material: { inline: lead.publicKeyPem }, ...window } },
      ],
      exceptions: { allowed: true, approvers: [name] },
    });
    const exception = compiledOf({ bundles: [signedBy(lead)] });
    assert.ok(approvalBoundaries(exception, bound).includes(Date.parse(window.validUntil) + 1));
    const moment = (now: number) => ({ now, cluster: 'prod' });
    const end = Date.parse(window.validUntil);
    assert.equal(approvalOf(exception, bound, moment(end)).state, 'approved');
    const after = approvalOf(exception, bound, moment(end + 1));
    assert.equal(after.state, 'unapproved');
    assert.match(after.detail, /does not count at present/);
  });
});

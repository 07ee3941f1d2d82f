// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { signingExceptionSpec, type SigningException } from '../../crds/index.ts';
import { testException } from '../../verification/testing/index.ts';
import { permitsSame } from './same.ts';

const DIGEST = `sha256:${'1'.repeat(64)}`;
const approval = {
  approver: 'lead',
  approvedAt: '2026-11-20T00:00:00Z',
  specHash: DIGEST,
  latestExpiresAt: '2026-11-27T00:00:00Z',
};
const revoked = { at: '2026-11-21T00:00:00Z', by: 'lead', reason: 'done' };

function made(edits: {
  readonly metadata?: object;
  readonly spec?: object;
  readonly status?: object;
}): SigningException {
  const plain = testException([DIGEST]);
  const metadata = { uid: 'u1', creationTimestamp: '2026-11-19T00:00:00Z', resourceVersion: '1' };
  return {
    metadata: { ...plain.metadata, ...metadata, ...edits.metadata },
    spec: { ...plain.spec, ...edits.spec },
    status: { observedGeneration: 1, ...edits.status },
  };
}

describe('two states of an exception', () => {
  it('permit the same where only what the operator observed differs', () => {
    const status = {
      observedGeneration: 2,
      specHash: DIGEST,
      renewals: 2,
      conditions: [],
      reviews: [{ at: '2026-11-21T00:00:00Z', by: 'sec' }],
      usage: { firstSeen: '2026-11-20', lastSeen: '2026-11-20', digests: [], workloads: 1 },
    };
    const metadata = { resourceVersion: '2', labels: { a: 'b' }, annotations: { c: 'd' } };
    assert.equal(permitsSame(made({}), made({ metadata, status })), true);
    assert.equal(
      permitsSame(
        made({ status: { approvals: [approval] } }),
        made({ status: { ...status, approvals: [{ ...approval }] } }),
      ),
      true,
    );
    const bare = { ...made({}) };
    delete bare.status;
    assert.equal(permitsSame(bare, made({})), true);
  });

  for (const [what, edits] of Object.entries({
    'one is another object of that name': { metadata: { uid: 'u2' } },
    'one has another name': { metadata: { name: 'another' } },
    'one is of another namespace': { metadata: { namespace: 'tenant' } },
    'one came at another time': { metadata: { creationTimestamp: '2026-11-18T00:00:00Z' } },
    'X26: one was deleted and is kept': { metadata: { deletionTimestamp: '2026-11-21T00:00:00Z' } },
    'one is approved': { status: { approvals: [approval] } },
    'one is approved for longer': {
      status: { approvals: [{ ...approval, expiresAt: '2026-11-21T00:00:00Z' }] },
    },
    'one is revoked in its status': { status: { revoked } },
  })) {
    it(`do not where ${what}`, () => {
      assert.equal(permitsSame(made({}), made(edits)), false);
      assert.equal(permitsSame(made(edits), made({})), false);
    });
  }

  it('do not where any field of the spec differs', () => {
    const other = {
      policyRef: { name: 'others' },
      requirements: ['sbom'],
      allRequirements: true,
      digests: [DIGEST.replace('1', '2')],
      serviceAccounts: ['admin'],
      notBefore: '2026-11-20T00:00:01Z',
      expiresAt: '2026-11-27T00:00:01Z',
      class: 'Incident',
      reason: 'another reason that is long enough',
      owner: 'another',
      requestedBy: 'another',
      ticket: 'SEC-1',
      risk: 'none',
      compensatingControls: ['none'],
      closureCondition: 'never',
      extensionCondition: 'always',
      approvals: [{ bundle: '{}' }],
      renews: { name: 'another' },
      revoked,
    };
    assert.deepEqual(Object.keys(other).sort(), Object.keys(signingExceptionSpec.shape).sort());
    for (const [field, value] of Object.entries(other))
      assert.equal(permitsSame(made({}), made({ spec: { [field]: value } })), false, field);
  });
});
